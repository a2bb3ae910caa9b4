//! The one boundary around every export: outputs are clean on entry, errors become handles, panics stay inside.

use super::error::umapi_error;
use super::status::{self, UMAPI_OK, UMAPI_STATUS_FORK, UMAPI_STATUS_PANIC, umapi_status};
use crate::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why an exported function failed: as the core says, or for a reason that exists only at the boundary.
pub(super) enum Failure {
    Core(Error),
    Fork,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Runs the body of a fallible function. `error` may be NULL; otherwise it is NULL after success.
pub(super) unsafe fn fallible(
    error: *mut *mut umapi_error,
    body: impl FnOnce() -> Result<()>,
) -> umapi_status {
    unsafe { put(error, std::ptr::null_mut()) };
    let (status, message) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return UMAPI_OK,
        Ok(Err(Failure::Core(core))) => {
            let status = status::of(core.kind());
            unsafe {
                put(
                    error,
                    Box::into_raw(Box::new(umapi_error::new(status, &core))),
                )
            };
            return status;
        }
        Ok(Err(Failure::Fork)) => (
            UMAPI_STATUS_FORK,
            "the client was made before a fork; make a new one in the child".to_owned(),
        ),
        Err(panic) => (
            UMAPI_STATUS_PANIC,
            format!("a defect of libumapi: {}", words(&*panic)),
        ),
    };
    let core = Error::new(crate::error::ErrorKind::Internal, message);
    unsafe {
        put(
            error,
            Box::into_raw(Box::new(umapi_error::new(status, &core))),
        )
    };
    status
}

unsafe fn put(error: *mut *mut umapi_error, value: *mut umapi_error) {
    match error.is_null() {
        // Nobody wants it: it must not leak.
        true if !value.is_null() => drop(unsafe { Box::from_raw(value) }),
        true => {}
        false => unsafe { *error = value },
    }
}

/// Runs the body of a function that cannot fail; a panic in it becomes `otherwise`.
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}
