//! What a callback needs to live on this side: the program's pointer, and the promise to give it back.

use std::ffi::c_void;

/// Called once with a callback's `user_data` when the library will not use it any more. May be NULL. It can run on any
/// thread, and must not call the library.
///
/// @since 0.1.0
pub type umapi_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The program's pointer; its destructor runs when the last user of the callback is gone.
pub(super) struct UserData {
    pointer: *mut c_void,
    destroy: umapi_destroy_fn,
}

// The header asks for a pointer that may be used from the threads that call, and freed on any.
unsafe impl Send for UserData {}
unsafe impl Sync for UserData {}

impl UserData {
    pub(super) fn new(pointer: *mut c_void, destroy: umapi_destroy_fn) -> Self {
        UserData { pointer, destroy }
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            unsafe { destroy(self.pointer) };
        }
    }
}
