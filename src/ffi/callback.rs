//! What a callback needs to live on this side: the program's pointer, and the promise to give it back.

use super::driver::{self, Outbox};
use super::signals;
use std::cell::Cell;
use std::ffi::c_void;

/// Called once with a callback's `user_data` when the library will not use it any more. May be NULL. It runs on a thread
/// that calls the library, or on the thread of a token callback, and is a callback itself: see "Callbacks" in the first
/// chapter for what it may call.
///
/// @since 0.1.0
pub type umapi_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

thread_local! {
    static CALLBACKS: Cell<u32> = const { Cell::new(0) };
}

/// Runs code of the program, under the program's own signal mask. Meanwhile the functions that can wait are refused on
/// this thread.
pub(super) fn run_callback<T>(code: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CALLBACKS.set(CALLBACKS.get() - 1);
        }
    }
    CALLBACKS.set(CALLBACKS.get() + 1);
    let _leave = Leave;
    signals::with_mask_of_program(code)
}

/// Whether this thread runs code of the program that the library has called.
pub(super) fn is_in_callback() -> bool {
    CALLBACKS.get() > 0
}

/// The program's pointer; its destructor runs when the last user of the callback is gone.
pub(super) struct UserData(Destructor);

/// A destructor of the program and what it is called with.
pub(super) struct Destructor {
    pointer: *mut c_void,
    destroy: umapi_destroy_fn,
}

// SAFETY: the header asks for a pointer that may be used from the threads that call, and freed on any.
unsafe impl Send for Destructor {}
unsafe impl Sync for Destructor {}

impl UserData {
    pub(super) fn new(pointer: *mut c_void, destroy: umapi_destroy_fn) -> Self {
        UserData(Destructor { pointer, destroy })
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.0.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        let destructor = Destructor { ..self.0 };
        match driver::of_this_thread() {
            // Code of the program never runs on a driver.
            Some(outbox) => Outbox::put_destructor(&outbox, destructor),
            None => destructor.run(),
        }
    }
}

impl Destructor {
    pub(super) fn run(self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the header asks for a function that takes this pointer, once, on any thread.
            run_callback(|| unsafe { destroy(self.pointer) });
        }
    }
}
