//! No panic crosses the boundary, and failures have their own type on this side of it.

use crate::Error;
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

/// Runs the body; an error is the words of its panic.
pub(super) fn guarded<T>(body: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        words.unwrap_or("a panic without words").to_owned()
    })
}

/// Runs the body of a function that cannot fail; a panic in it becomes `otherwise`. Of a body that has no panic in it
/// the compiler sees that, once both are in one place, and leaves the guard out.
#[inline(always)]
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}
