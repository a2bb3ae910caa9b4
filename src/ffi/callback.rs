//! Callbacks of the program: running them, and the user data that belongs to them.

use super::driver::{self, Outbox};
use super::signals;
use std::cell::Cell;
use std::ffi::c_void;

/// A callback that is called once with the `user_data` of another callback, when the library no longer uses it. May be
/// NULL. It runs on a thread that calls the library, or on the thread of a token callback. See "Callbacks" in the first
/// chapter for the functions that it may call.
///
/// @since 0.1.0
pub type umapi_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

thread_local! {
    static CALLBACKS: Cell<u32> = const { Cell::new(0) };
}

/// Runs code of the program with the program's own signal mask. While it runs, functions that can wait are refused on
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

/// Whether this thread is inside a callback of the program.
pub(super) fn is_in_callback() -> bool {
    CALLBACKS.get() > 0
}

/// The `user_data` of a callback. Its destructor runs when the callback is dropped.
pub(super) struct UserData(Destructor);

/// A `destroy` function of the program and its argument.
pub(super) struct Destructor {
    pointer: *mut c_void,
    destroy: umapi_destroy_fn,
}

// SAFETY: the header requires a pointer that may be used on every thread that calls, and destroyed on any thread.
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
            // Code of the program must not run on a driver.
            Some(outbox) => Outbox::put_destructor(&outbox, destructor),
            None => destructor.run(),
        }
    }
}

impl Destructor {
    pub(super) fn run(self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the header requires a function that takes this pointer once, on any thread.
            run_callback(|| unsafe { destroy(self.pointer) });
        }
    }
}
