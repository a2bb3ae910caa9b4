use super::error::umapi_error;
use super::fallible::fallible;
use super::handle::{Owned, change, copied, free, handle, new, out, read, shared};
use super::input::{flag, path, text};
use super::status::umapi_status;
use crate::Error;
use crate::{KeyPair, KeyPairOptions, SubjectPart};
use std::ffi::{CString, c_char};
use std::ptr::null;
use zeroize::Zeroizing;

/// The options of a new key pair: the subject of its certificate, how long the certificate is valid, and the length of
/// the key. Only one thread at a time may use them.
///
/// @since 0.1.0
pub struct umapi_key_pair_options(KeyPairOptions);

handle!(umapi_key_pair_options as "options": KeyPairOptions);
impl Owned for umapi_key_pair_options {}

/// Makes options with the defaults: a key of 2048 bits, a certificate that is valid for ten years, and only the common
/// name in its subject. Free with umapi_key_pair_options_free. NULL only if there is no memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_key_pair_options_new() -> *mut umapi_key_pair_options {
    new(KeyPairOptions::default)
}

/// Sets the country in the certificate's subject (`C`).
///
/// @param options  the options.
/// @param country  two capital letters of ISO 3166-1, such as "DE"; copied.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_country(
    options: *mut umapi_key_pair_options,
    country: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_subject(SubjectPart::Country, text("country", country)?)?)
        })
    }
}

/// Sets the state or province in the certificate's subject (`ST`).
///
/// @param options  the options.
/// @param state    1 to 128 characters; copied.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_state(
    options: *mut umapi_key_pair_options,
    state: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_subject(SubjectPart::State, text("state", state)?)?)
        })
    }
}

/// Sets the locality in the certificate's subject (`L`).
///
/// @param options   the options.
/// @param locality  1 to 128 characters; copied.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_locality(
    options: *mut umapi_key_pair_options,
    locality: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_subject(SubjectPart::Locality, text("locality", locality)?)?)
        })
    }
}

/// Sets the organisation in the certificate's subject (`O`).
///
/// @param options       the options.
/// @param organization  1 to 64 characters; copied.
/// @param error         receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_organization(
    options: *mut umapi_key_pair_options,
    organization: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let organization = text("organization", organization)?;
            Ok(o.set_subject(SubjectPart::Organization, organization)?)
        })
    }
}

/// Sets the email address in the certificate's subject (`emailAddress`).
///
/// @param options  the options.
/// @param email    1 to 128 ASCII characters; copied.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_email(
    options: *mut umapi_key_pair_options,
    email: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_subject(SubjectPart::Email, text("email", email)?)?)
        })
    }
}

/// Sets the length of the RSA key.
///
/// @param options  the options.
/// @param bits     2048 (the default), 3072 or 4096. Generating a key of 4096 bits can take seconds.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_bits(
    options: *mut umapi_key_pair_options,
    bits: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let problem = |_| Error::invalid_argument("bits", format_args!("is {bits}"));
            Ok(o.set_bits(u32::try_from(bits).map_err(problem)?)?)
        })
    }
}

/// Sets the time at which the certificate expires.
///
/// @param options    the options.
/// @param not_after  seconds since 1970, UTC (a `time_t`), in the future and not after the year 9999; the default is ten
///                   years after the pair is made.
/// @param error      receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_set_not_after(
    options: *mut umapi_key_pair_options,
    not_after: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { change(options, error, |o| Ok(o.set_not_after(not_after)?)) }
}

/// Frees options. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_free(options: *mut umapi_key_pair_options) {
    unsafe { free(options) }
}

/// A new RSA private key and its certificate, which the Adobe Developer Console requires for a Service Account (JWT,
/// legacy). It can be read on any thread.
///
/// @since 0.1.0
pub struct umapi_key_pair {
    pair: KeyPair,
    private_key: Zeroizing<Vec<u8>>,
    certificate: CString,
}

handle!(umapi_key_pair as "pair");
impl Owned for umapi_key_pair {}

/// Generates an RSA private key and a self-signed X.509 certificate for it (version 3, sha256WithRSAEncryption), valid
/// from yesterday on. It takes from a tenth of a second to some seconds, and does not use the network.
///
/// @param common_name  the common name in the certificate's subject (`CN`), such as the name of your program; 1 to 64
///                     characters.
/// @param options      the rest of the subject, the length of the key, the expiry of the certificate; NULL for the defaults.
/// @param pair         receives the pair; free with umapi_key_pair_free.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_new(
    common_name: *const c_char,
    options: *const umapi_key_pair_options,
    pair: *mut *mut umapi_key_pair,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let place = out(pair)?;
            let common_name = text("common_name", common_name)?;
            let pair = KeyPair::generate(common_name, copied(options))?;
            let pem = pair.private_key_pem().reveal();
            let mut private_key = Zeroizing::new(Vec::with_capacity(pem.len() + 1));
            private_key.extend_from_slice(pem.as_bytes());
            private_key.push(0);
            let certificate = CString::new(pair.certificate_pem()).unwrap_or_default();
            place.give(umapi_key_pair {
                pair,
                private_key,
                certificate,
            });
            Ok(())
        })
    }
}

/// The private key in PEM (PKCS#8, not encrypted), which must be kept secret. Borrowed from the pair, and zeroed when
/// the pair is freed. NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_private_key(pair: *const umapi_key_pair) -> *const c_char {
    unsafe { read(pair, null(), |pair| pair.private_key.as_ptr().cast()) }
}

/// The certificate in PEM, for upload to the Developer Console. Borrowed from the pair; NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_certificate(pair: *const umapi_key_pair) -> *const c_char {
    unsafe { read(pair, null(), |pair| pair.certificate.as_ptr()) }
}

/// Writes the private key and the certificate to files, both or neither: after an error the files are as they were. At
/// no time can any user but the owner read the file of the key (mode 0600).
///
/// @param pair              the pair.
/// @param private_key_path  the path of the file for the private key.
/// @param certificate_path  the path of the file for the certificate.
/// @param replace           1 to replace files that exist; 0 to fail if one exists.
/// @param error             receives the error; may be NULL. Its message names the path.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_save(
    pair: *const umapi_key_pair,
    private_key_path: *const c_char,
    certificate_path: *const c_char,
    replace: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let pair = &shared(pair)?.pair;
            let private_key_path = path("private_key_path", private_key_path)?;
            let certificate_path = path("certificate_path", certificate_path)?;
            Ok(pair.save(
                private_key_path,
                certificate_path,
                flag("replace", replace)?,
            )?)
        })
    }
}

/// Frees a pair, and zeroes its private key. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_free(pair: *mut umapi_key_pair) {
    unsafe { free(pair) }
}
