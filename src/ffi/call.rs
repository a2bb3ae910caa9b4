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
/// one, or NULL for a call without a time limit. It is read when a call begins, so it can serve any number of calls,
/// from any threads, while nobody changes it. One thread at a time while it is being set up.
///
/// @since 0.1.0
pub struct umapi_call(CallOptions);

handle!(umapi_call as "call": CallOptions);
impl Owned for umapi_call {}

/// Told how a call goes on. It runs on the thread that made the call and holds up nothing but that call, which returns
/// after it; `progress` is valid until it returns. See "Callbacks" in the first chapter for what it may call.
///
/// @since 0.1.0
pub type umapi_progress_fn =
    Option<unsafe extern "C" fn(progress: *const umapi_progress, user_data: *mut c_void)>;

/// The error of a call that would not have to wait, but whose cancel handle is triggered.
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

/// Sets the time that each call given these options may take in all: token, waits, retries and answer. A call whose
/// time is up ends with `UMAPI_STATUS_DEADLINE`. A pause that would outlast the time is not begun: the call ends at once,
/// with `UMAPI_STATUS_THROTTLED` if the service or its documented limit asks for the pause, and otherwise with the
/// failure that another attempt was to mend.
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

/// Sets the handle that ends these calls from another thread.
///
/// @param call    the options; they keep what they need of `cancel`.
/// @param cancel  the handle; NULL takes the present one away.
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

/// Sets the request id that the service sees, for finding a call in its logs and yours. Each request of the call adds
/// its number and that of the attempt, as in `nightly-17.2-1`. Without it, each call gets a random one.
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

/// Sets the callback that is told of attempts, waits, pages and finished actions.
///
/// @param call       the options.
/// @param progress   the callback.
/// @param user_data  given to it.
/// @param destroy    called with `user_data` when the options and the last call and listing that were given them are
///                   gone; may be NULL. Not called if this function fails.
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

/// Frees the options; calls under way keep what they need. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_call_free(call: *mut umapi_call) {
    unsafe { free(call) }
}
