use super::handle::{Owned, free, handle, read};
use super::number::Number;
use super::output::{c_text, milliseconds, optional_pointer, small};
use super::status::{UMAPI_OK, umapi_status};
use crate::Error;
use std::ffi::{CString, c_char};
use std::ptr::null;

/// The details of a failure. The caller owns an error that it receives through an `umapi_error **`, and borrows one
/// that an accessor returns. Every accessor accepts NULL and then answers as for "no error". It can be read and freed
/// on any thread.
///
/// @since 0.1.0
pub struct umapi_error {
    status: umapi_status,
    message: CString,
    code: Option<CString>,
    request_id: Option<CString>,
    endpoint: Option<CString>,
    http_status: i32,
    attempts: i32,
    retry_after_ms: i64,
    is_retryable: bool,
    core: Error,
}

handle!(umapi_error as "why");
impl Owned for umapi_error {}

impl umapi_error {
    pub(super) fn new(core: &Error) -> Self {
        umapi_error::with_status(core.kind().number(), core)
    }

    pub(super) fn with_status(status: umapi_status, core: &Error) -> Self {
        umapi_error {
            status,
            message: c_text(core.message()),
            code: core.code().map(c_text),
            request_id: core.request_id().map(c_text),
            endpoint: core.endpoint().map(c_text),
            http_status: core.http_status().map_or(0, i32::from),
            attempts: small(core.attempts()),
            retry_after_ms: core.retry_after().map_or(-1, milliseconds),
            is_retryable: core.is_retryable(),
            core: core.clone(),
        }
    }

    pub(super) fn to_core(&self) -> Error {
        self.core.clone()
    }
}

/// Frees an error that the caller owns. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_free(error: *mut umapi_error) {
    unsafe { free(error) }
}

/// The kind of failure, as the function returned it; `UMAPI_OK` for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_status(error: *const umapi_error) -> umapi_status {
    unsafe { read(error, UMAPI_OK, |e| e.status) }
}

/// One sentence for people: what went wrong, in the wording of the service or system that refused, and what to do if
/// that is known. It never contains a secret. Borrowed from the error; "no error" for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_message(error: *const umapi_error) -> *const c_char {
    unsafe { read(error, c"no error".as_ptr(), |e| e.message.as_ptr()) }
}

/// The status of the last HTTP answer; 0 if there was none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_http_status(error: *const umapi_error) -> i32 {
    unsafe { read(error, 0, |e| e.http_status) }
}

/// The service's own error code, unchanged, such as "error.group.not_found". Borrowed from the error; NULL if the
/// service sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_code(error: *const umapi_error) -> *const c_char {
    unsafe { read(error, null(), |e| optional_pointer(&e.code)) }
}

/// The `X-Request-Id` of the last attempt, by which Adobe's support can find it. Borrowed from the error; NULL if
/// nothing was sent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_request_id(error: *const umapi_error) -> *const c_char {
    unsafe { read(error, null(), |e| optional_pointer(&e.request_id)) }
}

/// The time in milliseconds after which the service accepts requests again; -1 if it did not say.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_retry_after_ms(error: *const umapi_error) -> i64 {
    unsafe { read(error, -1, |e| e.retry_after_ms) }
}

/// The number of attempts at the request.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_attempts(error: *const umapi_error) -> i32 {
    unsafe { read(error, 0, |e| e.attempts) }
}

/// Method and path of the call that failed, without its query. Borrowed from the error; NULL if there was no call.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_endpoint(error: *const umapi_error) -> *const c_char {
    unsafe { read(error, null(), |e| optional_pointer(&e.endpoint)) }
}

/// 1 if the same call may succeed later although the caller changes nothing; otherwise 0.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_error_is_retryable(error: *const umapi_error) -> i32 {
    unsafe { read(error, 0, |e| i32::from(e.is_retryable)) }
}
