use super::handle::{Owned, free, handle, new, read};
use super::process::OfProcess;
use crate::Cancel;

/// Ends calls from another thread. One handle can serve any number of calls, at once
/// and in turn. Every function takes it from any thread.
///
/// @since 0.1.0
pub struct umapi_cancel(OfProcess<Cancel>);

handle!(umapi_cancel as "cancel": OfProcess<Cancel>);
impl Owned for umapi_cancel {}

impl umapi_cancel {
    /// What calls keep of the handle.
    pub(super) fn shared(&self) -> Cancel {
        Cancel::clone(&self.0)
    }
}

/// A new cancel handle; free with umapi_cancel_free. NULL only if there is no memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_cancel_new() -> *mut umapi_cancel {
    new(|| OfProcess::new(Cancel::new()))
}

/// Ends every call that runs with this handle, wherever it waits, within some milliseconds, and every later one at its
/// start: once triggered it stays triggered. NULL is fine. Not for use inside a signal handler. In a child of a fork it does
/// nothing to a handle of the parent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_cancel_trigger(cancel: *const umapi_cancel) {
    unsafe {
        read(cancel, (), |c| {
            if c.is_usable() {
                c.trigger();
            }
        })
    }
}

/// 1 once it was triggered; otherwise 0.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_cancel_is_triggered(cancel: *const umapi_cancel) -> i32 {
    unsafe { read(cancel, 0, |c| i32::from(c.is_triggered())) }
}

/// Frees the handle. Calls and `umapi_call` objects that were given it keep what they need. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_cancel_free(cancel: *mut umapi_cancel) {
    unsafe { free(cancel) }
}
