//! Guards that let no panic reach C, and the failures of exports.

use crate::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The failure of an export: an error of the core, or one that exists only in the C API.
pub(super) enum Failure {
    Core(Error),
    /// The handle belongs to the parent of this process.
    Fork,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Runs the body; an error is the message of its panic.
pub(super) fn guarded<T>(body: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        message.unwrap_or("a panic without a message").to_owned()
    })
}

/// Runs the body of an export that cannot fail; after a panic the result is `otherwise`. Inlined so that the compiler
/// can remove the guard around a body that cannot panic.
#[inline(always)]
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}
