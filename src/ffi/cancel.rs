use super::handle::{Owned, free, handle, new, read};
use super::process::OfProcess;
use crate::Cancel;

/// A handle that ends calls from another thread. One handle can serve any number of calls, at the same time or one after
/// another. It can be passed to every function on any thread.
///
/// @since 0.1.0
pub struct umapi_cancel(OfProcess<Cancel>);

handle!(umapi_cancel as "cancel": OfProcess<Cancel>);
impl Owned for umapi_cancel {}

impl umapi_cancel {
    /// The value that calls keep of the handle.
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

/// Ends every call that runs with this handle within a few milliseconds, whatever the call waits for, and every later
/// call at its start: a triggered handle stays triggered. NULL is allowed. It must not be called in a signal handler.
/// In a child of a fork it has no effect on a handle of the parent.
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

/// 1 if the handle has been triggered; otherwise 0.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_cancel_is_triggered(cancel: *const umapi_cancel) -> i32 {
    unsafe { read(cancel, 0, |c| i32::from(c.is_triggered())) }
}

/// Frees the handle. Calls and `umapi_call` objects that use it keep what they need of it. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_cancel_free(cancel: *mut umapi_cancel) {
    unsafe { free(cancel) }
}
