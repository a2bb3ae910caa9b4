//! The wrapper of every export that can fail, which turns errors and panics into a status and an error handle.

use super::error::umapi_error;
use super::guard::{Failure, Result, guarded};
use super::handle::into_raw;
use super::number::Number;
use super::status::{UMAPI_OK, UMAPI_STATUS_FORK, UMAPI_STATUS_PANIC, umapi_status};
use crate::{Error, ErrorKind};

/// Runs the body of an export that can fail. `error` may be NULL; otherwise `*error` is NULL after success.
pub(super) unsafe fn fallible(
    error: *mut *mut umapi_error,
    body: impl FnOnce() -> Result<()>,
) -> umapi_status {
    unsafe { put(error, None) };
    let (status, core) = match guarded(body) {
        Ok(Ok(())) => return UMAPI_OK,
        Ok(Err(Failure::Core(core))) => (core.kind().number(), core),
        Ok(Err(Failure::Fork)) => {
            let words = "the client was made before a fork; make a new one in the child";
            (UMAPI_STATUS_FORK, Error::new(ErrorKind::Internal, words))
        }
        Err(panic) => {
            let words = format!("a defect of libumapi: {panic}");
            (UMAPI_STATUS_PANIC, Error::new(ErrorKind::Internal, words))
        }
    };
    unsafe { put(error, Some(umapi_error::with_status(status, &core))) };
    status
}

/// Writes the error for the caller, if it wants one.
unsafe fn put(place: *mut *mut umapi_error, error: Option<umapi_error>) {
    if !place.is_null() {
        let handle = error.map_or(std::ptr::null_mut(), into_raw);
        unsafe { *place = handle };
    }
}
