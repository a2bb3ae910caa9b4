//! The signal masks of the library's threads. These threads handle no signal of the program, and a SIGPIPE from a write
//! to a connection that the service has closed is raised on them alone, where it stays blocked.

use std::cell::Cell;

/// The mask of a thread of the program.
#[derive(Clone, Copy)]
pub(super) struct Mask(libc::sigset_t);

impl Mask {
    /// Blocks all signals on this thread, and returns its former mask. Threads that it starts inherit the blocked
    /// signals.
    pub(super) fn block_all() -> Self {
        let (mut all, mut before) = (empty_set(), empty_set());
        // SAFETY: both sets are initialised and live until the call returns.
        unsafe {
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        }
        Mask(before)
    }

    pub(super) fn restore(self) {
        // SAFETY: the set is initialised; NULL asks for no copy of the former mask.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }

    /// Keeps the mask for callbacks of the program that this thread of the library will run.
    pub(super) fn keep_for_callbacks(self) {
        FOR_CALLBACKS.set(Some(self));
    }
}

thread_local! {
    static FOR_CALLBACKS: Cell<Option<Mask>> = const { Cell::new(None) };
}

/// Runs code of the program with the program's own mask, which the processes that it starts inherit.
pub(super) fn with_mask_of_program<T>(code: impl FnOnce() -> T) -> T {
    let Some(mask) = FOR_CALLBACKS.get() else {
        return code();
    };
    let own = Mask::block_all();
    mask.restore();
    let _restored = Restore(own);
    code()
}

struct Restore(Mask);

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.restore();
    }
}

fn empty_set() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}
