use super::callback::{UserData, umapi_destroy_fn};
use super::cancel::umapi_cancel;
use super::error::umapi_error;
use super::guard::Result;
use super::handle::{Owned, change, free, handle, new};
use super::input::{milliseconds, text};
use super::progress::umapi_progress;
use super::status::umapi_status;
use crate::CallOptions;
use crate::{Error, ErrorKind};
use std::ffi::{c_char, c_void};

/// The options of a call: deadline, cancel handle, request id, progress callback. Every function that can wait takes
/// such options, or NULL for a call without a time limit. A call reads them when it begins, so the same options can
/// serve any number of calls, from any threads, as long as no thread changes them. Only one thread at a time may set
/// them up.
///
/// @since 0.1.0
pub struct umapi_call(CallOptions);

handle!(umapi_call as "call": CallOptions);
impl Owned for umapi_call {}

/// A callback that receives the progress of a call. It runs on the thread that made the call and delays only that call,
/// which does not return before it; `progress` is valid until the callback returns. See "Callbacks" in the first chapter
/// for the functions that it may call.
///
/// @since 0.1.0
pub type umapi_progress_fn =
    Option<unsafe extern "C" fn(progress: *const umapi_progress, user_data: *mut c_void)>;

/// Fails if the cancel handle of the call is triggered, for a call that does not have to wait.
pub(super) unsafe fn check_cancelled(call: *const umapi_call) -> Result<()> {
    match unsafe { call.as_ref() } {
        Some(call) if call.0.is_cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "the call was cancelled").into())
        }
        _ => Ok(()),
    }
}

/// New call options with no time limit; free with umapi_call_free. NULL only if there is no memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_call_new() -> *mut umapi_call {
    new(CallOptions::new)
}

/// Sets the total time that each call with these options may take, including the token, waits, retries and the answer.
/// A call that has used up its time ends with `UMAPI_STATUS_DEADLINE`. A call does not begin a wait that would last
/// longer than its time; it ends at once, with `UMAPI_STATUS_THROTTLED` if the service or its documented limit requires
/// the wait, and otherwise with the failure after which it would have tried again.
///
/// @param call        the options.
/// @param timeout_ms  milliseconds, at least 1.
/// @param error       receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_set_timeout_ms(
    call: *mut umapi_call,
    timeout_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(call, error, |options| {
            options.set_timeout(Some(milliseconds("timeout_ms", timeout_ms)?));
            Ok(())
        })
    }
}

/// Sets the handle by which another thread can end these calls.
///
/// @param call    the options; they keep what they need of `cancel`.
/// @param cancel  the handle; NULL removes the present one.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_set_cancel(
    call: *mut umapi_call,
    cancel: *const umapi_cancel,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(call, error, |options| {
            let cancel = cancel.as_ref().map(umapi_cancel::shared);
            options.set_cancel(cancel.unwrap_or_default());
            Ok(())
        })
    }
}

/// Sets the request id that is sent to the service, by which a call can be found in its logs and in yours. Each request
/// of the call appends its number and the number of the attempt, as in `nightly-17.2-1`. Without this, each call gets a
/// random request id.
///
/// @param call        the options.
/// @param request_id  1 to 128 visible ASCII characters; copied.
/// @param error       receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_set_request_id(
    call: *mut umapi_call,
    request_id: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(call, error, |options| {
            Ok(options.set_request_id(text("request_id", request_id)?)?)
        })
    }
}

/// Sets the callback that receives progress: attempts, waits, pages and finished actions.
///
/// @param call       the options.
/// @param progress   the callback.
/// @param user_data  passed to the callback.
/// @param destroy    called with `user_data` when the options, and the last call and listing that use them, no longer
///                   exist; may be NULL. Not called if this function fails.
/// @param error      receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_set_progress(
    call: *mut umapi_call,
    progress: umapi_progress_fn,
    user_data: *mut c_void,
    destroy: umapi_destroy_fn,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(call, error, |options| {
            let progress =
                progress.ok_or_else(|| Error::invalid_argument("progress", "is NULL"))?;
            let user_data = UserData::new(user_data, destroy);
            options.set_progress(move |p| progress(&umapi_progress(p), user_data.pointer()));
            Ok(())
        })
    }
}

/// Frees the options. Calls in progress keep what they need of them. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_free(call: *mut umapi_call) {
    unsafe { free(call) }
}
