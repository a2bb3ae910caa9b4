use super::callback::{UserData, run_callback, umapi_destroy_fn};
use super::error::umapi_error;
use super::fallible::fallible;
use super::handle::{Owned, change, free, handle, out};
use super::input::{bytes, milliseconds, optional_text, path, text};
use super::status::umapi_status;
use crate::Credentials;
use crate::Error;
use crate::Secret;
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// The credentials by which the program authenticates to Adobe. Each client made with them has a copy, so they may be
/// freed after that. Only one thread at a time may set them up.
///
/// @since 0.1.0
pub struct umapi_credentials(Credentials);

handle!(umapi_credentials as "credentials": Credentials);
impl Owned for umapi_credentials {}

/// Makes credentials of the kind OAuth Server-to-Server, the standard, from the Adobe Developer Console.
///
/// @param client_id      the client id ("API key").
/// @param client_secret  the client secret; copied; the copy is zeroed when it is no longer needed.
/// @param credentials    receives the credentials; free with umapi_credentials_free.
/// @param error          receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_new_oauth(
    client_id: *const c_char,
    client_secret: *const c_char,
    credentials: *mut *mut umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let credentials = out(credentials)?;
            let client_id = text("client_id", client_id)?;
            let client_secret = text("client_secret", client_secret)?;
            credentials.give(Credentials::oauth(client_id, client_secret)?);
            Ok(())
        })
    }
}

/// Makes credentials of the kind Service Account (JWT), which are legacy: Adobe has created none since mid-2024, their
/// certificates cannot be renewed since 30 June 2025, and the remaining ones become OAuth Server-to-Server credentials
/// when their certificate expires, or on 1 March 2026.
///
/// @param client_id       the client id ("API key").
/// @param client_secret   the client secret; copied; the copy is zeroed when it is no longer needed.
/// @param tech_acct_id    the technical account id, such as "…@techacct.adobe.com".
/// @param private_key     an RSA private key in PEM, PKCS#1 or PKCS#8, not encrypted; for an
///                        encrypted one see umapi_credentials_new_jwt_with_passphrase.
/// @param private_key_length  its length in bytes.
/// @param credentials     receives the credentials; free with umapi_credentials_free.
/// @param error           receives the error; may be NULL. A key that cannot sign fails here.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_new_jwt(
    client_id: *const c_char,
    client_secret: *const c_char,
    tech_acct_id: *const c_char,
    private_key: *const c_char,
    private_key_length: usize,
    credentials: *mut *mut umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let credentials = out(credentials)?;
            let client_id = text("client_id", client_id)?;
            let client_secret = text("client_secret", client_secret)?;
            let tech_acct_id = text("tech_acct_id", tech_acct_id)?;
            let key = bytes("private_key", private_key, private_key_length)?;
            credentials.give(Credentials::jwt(
                client_id,
                client_secret,
                tech_acct_id,
                key,
                None,
            )?);
            Ok(())
        })
    }
}

/// Makes credentials as umapi_credentials_new_jwt does, from a private key that may be encrypted.
///
/// Every form of RSA key that OpenSSL writes is read: PKCS#1 (`RSA PRIVATE KEY`), PKCS#8 (`PRIVATE KEY`), encrypted
/// PKCS#8 (`ENCRYPTED PRIVATE KEY`) with PBES2 (AES or 3DES; PBKDF2 or scrypt) and with PBES1 or the schemes of PKCS#12
/// (DES, 3DES or RC2; not RC4 and not MD2), and the old form with the headers `Proc-Type` and `DEK-Info` (AES, 3DES or
/// DES) under either label. Line ends, a byte order mark, and text and certificates before and after the key are
/// ignored. The key must have 2048 to 8192 bits. A key that requires more than 10,000,000 iterations to be decrypted is
/// refused.
///
/// @param client_id       the client id ("API key").
/// @param client_secret   the client secret; copied; the copy is zeroed when it is no longer needed.
/// @param tech_acct_id    the technical account id, such as "…@techacct.adobe.com".
/// @param private_key     an RSA private key in PEM. As variables of the environment often hold it, it may have `\n`, spaces
///                        or nothing in place of its line ends, be in quotes, or be base64 of the whole.
/// @param private_key_length  its length in bytes.
/// @param passphrase      decrypts the key, in UTF-8; ignored if the key is not encrypted; NULL for none. It is not kept.
/// @param credentials     receives the credentials; free with umapi_credentials_free.
/// @param error           receives the error; may be NULL. Its message begins with `private_key` or `passphrase`. If the
///                        input is not an RSA private key, it says what the input is. It shows no part of the key.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_new_jwt_with_passphrase(
    client_id: *const c_char,
    client_secret: *const c_char,
    tech_acct_id: *const c_char,
    private_key: *const c_char,
    private_key_length: usize,
    passphrase: *const c_char,
    credentials: *mut *mut umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let credentials = out(credentials)?;
            credentials.give(Credentials::jwt(
                text("client_id", client_id)?,
                text("client_secret", client_secret)?,
                text("tech_acct_id", tech_acct_id)?,
                bytes("private_key", private_key, private_key_length)?,
                optional_text("passphrase", passphrase)?,
            )?);
            Ok(())
        })
    }
}

/// Makes credentials as umapi_credentials_new_jwt_with_passphrase does, with the private key in a file.
///
/// @param client_id         the client id ("API key").
/// @param client_secret     the client secret; copied; the copy is zeroed when it is no longer needed.
/// @param tech_acct_id      the technical account id, such as "…@techacct.adobe.com".
/// @param private_key_path  a file with an RSA private key in PEM, in any form that
///                          umapi_credentials_new_jwt_with_passphrase accepts; at most 1 MiB. The file is read once, now.
/// @param passphrase        decrypts the key, in UTF-8; ignored if the key is not encrypted; NULL for none. It is not kept.
/// @param credentials       receives the credentials; free with umapi_credentials_free.
/// @param error             receives the error; may be NULL. Its message begins with `private_key_path` and the path,
///                          or with `passphrase`.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_new_jwt_from_file(
    client_id: *const c_char,
    client_secret: *const c_char,
    tech_acct_id: *const c_char,
    private_key_path: *const c_char,
    passphrase: *const c_char,
    credentials: *mut *mut umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let credentials = out(credentials)?;
            credentials.give(Credentials::jwt_from_file(
                text("client_id", client_id)?,
                text("client_secret", client_secret)?,
                text("tech_acct_id", tech_acct_id)?,
                path("private_key_path", private_key_path)?,
                optional_text("passphrase", passphrase)?,
            )?);
            Ok(())
        })
    }
}

/// The answer of a token callback. The callback borrows it while it runs.
///
/// @since 0.1.0
pub struct umapi_token_answer(TokenAnswer);

type TokenAnswer = Result<(Secret, Duration), String>;

handle!(umapi_token_answer as "answer": TokenAnswer);

/// A callback that provides an access token, from a vault for example. It runs on a thread of the library whenever a
/// token is needed, may block, and answers with umapi_token_answer_set or umapi_token_answer_fail. A call that is
/// cancelled meanwhile does not wait for it; `user_data` stays valid until it returns. See "Callbacks" in the first
/// chapter for the functions that it may call. The library must not be unloaded before it has returned.
///
/// @since 0.1.0
pub type umapi_token_fn =
    Option<unsafe extern "C" fn(answer: *mut umapi_token_answer, user_data: *mut c_void)>;

/// Makes credentials for a program that obtains its access tokens by itself.
///
/// @param client_id    the client id ("API key"), which is sent with every request.
/// @param fetch        called whenever a token is needed.
/// @param user_data    passed to `fetch`.
/// @param destroy      called with `user_data` when the credentials and the last client with them no longer exist; may be
///                     NULL. Not called if this function fails.
/// @param credentials  receives the credentials; free with umapi_credentials_free.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_new_callback(
    client_id: *const c_char,
    fetch: umapi_token_fn,
    user_data: *mut c_void,
    destroy: umapi_destroy_fn,
    credentials: *mut *mut umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let credentials = out(credentials)?;
            let client_id = text("client_id", client_id)?;
            let fetch = fetch.ok_or_else(|| Error::invalid_argument("fetch", "is NULL"))?;
            // Checked before `user_data` is taken over, so that a failure leaves it with the caller.
            Credentials::check_client_id(client_id)?;
            let user_data = UserData::new(user_data, destroy);
            let ask = move || {
                let no_answer = Err("it returned without an answer".to_owned());
                let mut answer = umapi_token_answer(no_answer);
                run_callback(|| fetch(&mut answer, user_data.pointer()));
                answer.0
            };
            credentials.give(Credentials::callback(client_id, ask)?);
            Ok(())
        })
    }
}

/// Sets the answer of a token callback to a token.
///
/// @param answer       the parameter of the callback.
/// @param token        the access token; copied; the copy is zeroed when it is no longer needed.
/// @param lifetime_ms  how long the token is valid from now on, in milliseconds; the callback is called again before that.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_token_answer_set(
    answer: *mut umapi_token_answer,
    token: *const c_char,
    lifetime_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(answer, error, |answer| {
            let token = text("token", token)?;
            if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
                let problem = "must be visible ASCII, since it goes into a header";
                return Err(Error::invalid_argument("token", problem).into());
            }
            let lifetime = milliseconds("lifetime_ms", lifetime_ms)?;
            *answer = Ok((Secret::new(token), lifetime));
            Ok(())
        })
    }
}

/// Sets the answer of a token callback to a failure; the call that needs the token fails with `UMAPI_STATUS_AUTH`.
///
/// @param answer   the parameter of the callback.
/// @param message  the reason why there is no token, for the error's message; copied.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_token_answer_fail(
    answer: *mut umapi_token_answer,
    message: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(answer, error, |answer| {
            *answer = Err(text("message", message)?.to_owned());
            Ok(())
        })
    }
}

/// Sets the host of the token endpoint, in place of `ims-na1.adobelogin.com`.
///
/// @param credentials  the credentials.
/// @param host         `host` or `host:port`; it may begin with `https://`, and on loopback with `http://`.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_set_auth_host(
    credentials: *mut umapi_credentials,
    host: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(credentials, error, |c| {
            Ok(c.set_auth_host(text("host", host)?)?)
        })
    }
}

/// Sets the path of the token endpoint, in place of `/ims/token/v2` (OAuth) or `/ims/exchange/jwt/` (JWT).
///
/// @param credentials  the credentials.
/// @param path         begins with `/`; no query.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_set_auth_path(
    credentials: *mut umapi_credentials,
    path: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(credentials, error, |c| {
            Ok(c.set_auth_path(text("path", path)?)?)
        })
    }
}

/// Frees credentials. Clients made with them are not affected. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_credentials_free(credentials: *mut umapi_credentials) {
    unsafe { free(credentials) }
}
