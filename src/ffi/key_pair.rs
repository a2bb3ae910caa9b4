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

/// What a new certificate says of its owner, how long it is good, and how long its key is. One thread at a time.
///
/// @since 0.1.0
pub struct umapi_key_pair_options(KeyPairOptions);

handle!(umapi_key_pair_options as "options": KeyPairOptions);
impl Owned for umapi_key_pair_options {}

/// Options with the defaults: a key of 2048 bits, a certificate for ten years, and nothing in its subject but the common
/// name. Free with umapi_key_pair_options_free. NULL only if there is no memory.
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

/// Sets the place in the certificate's subject (`L`).
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

/// Sets how long the RSA key is.
///
/// @param options  the options.
/// @param bits     2048 (the default), 3072 or 4096. Making a key of 4096 bits can take seconds.
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

/// Sets when the certificate ends.
///
/// @param options    the options.
/// @param not_after  seconds since 1970, UTC (a `time_t`), in the future and not after the year 9999; the default is ten
///                   years from the time that the pair is made.
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

/// Frees options. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_options_free(options: *mut umapi_key_pair_options) {
    unsafe { free(options) }
}

/// A new RSA private key and its certificate, which the Adobe Developer Console wants for a Service Account (JWT, legacy). Read
/// from any thread.
///
/// @since 0.1.0
pub struct umapi_key_pair {
    pair: KeyPair,
    private_key: Zeroizing<Vec<u8>>,
    certificate: CString,
}

handle!(umapi_key_pair as "pair");
impl Owned for umapi_key_pair {}

/// Makes an RSA private key and a self-signed X.509 certificate for it (version 3, sha256WithRSAEncryption), good from
/// yesterday on. Takes from a tenth of a second to some seconds, and talks to nobody.
///
/// @param common_name  the name that the certificate is known by (`CN`), such as your program's; 1 to 64 characters.
/// @param options      the rest of the subject, the length of the key, the end of the certificate; NULL for the defaults.
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

/// The private key in PEM (PKCS#8, not encrypted), to be kept secret; borrowed from the pair, and zeroed with it. NULL
/// of NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_private_key(pair: *const umapi_key_pair) -> *const c_char {
    unsafe { read(pair, null(), |pair| pair.private_key.as_ptr().cast()) }
}

/// The certificate in PEM, to upload to the Developer Console; borrowed from the pair. NULL of NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_certificate(pair: *const umapi_key_pair) -> *const c_char {
    unsafe { read(pair, null(), |pair| pair.certificate.as_ptr()) }
}

/// Writes the private key and the certificate to files, both or neither: after an error all is as it was. Nobody but the
/// owner can read the file of the key (mode 0600), at any time.
///
/// @param pair              the pair.
/// @param private_key_path  where the private key goes.
/// @param certificate_path  where the certificate goes.
/// @param replace           1 to replace files that are there already; 0 to fail then.
/// @param error             receives the error; may be NULL. It names the path.
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

/// Frees a pair, and zeroes its private key. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_key_pair_free(pair: *mut umapi_key_pair) {
    unsafe { free(pair) }
}
