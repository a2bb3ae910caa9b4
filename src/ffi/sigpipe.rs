//! A connection that the service has closed must not end the caller's program: a write to it raises SIGPIPE, which
//! kills a process that does not expect it. Rust programs ignore the signal from their start; a C program need not.

/// Holds SIGPIPE back from this thread for as long as it lives, and takes away the one that came meanwhile. The
/// process's own handling of the signal is left alone.
pub(super) struct HeldBack {
    #[cfg(target_os = "linux")]
    before: libc::sigset_t,
    #[cfg(target_os = "linux")]
    was_pending: bool,
}

#[cfg(target_os = "linux")]
impl HeldBack {
    pub(super) fn new() -> Self {
        let mut before = empty_set();
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &only_sigpipe(), &mut before) };
        HeldBack {
            // Only what is blocked can be pending.
            was_pending: holds_sigpipe(&before) && is_pending(),
            before,
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for HeldBack {
    fn drop(&mut self) {
        if !self.was_pending && is_pending() {
            let at_once = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            unsafe { libc::sigtimedwait(&only_sigpipe(), std::ptr::null_mut(), &at_once) };
        }
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

#[cfg(target_os = "linux")]
fn empty_set() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

#[cfg(target_os = "linux")]
fn only_sigpipe() -> libc::sigset_t {
    let mut set = empty_set();
    unsafe { libc::sigaddset(&mut set, libc::SIGPIPE) };
    set
}

#[cfg(target_os = "linux")]
fn is_pending() -> bool {
    let mut pending = empty_set();
    unsafe { libc::sigpending(&mut pending) };
    holds_sigpipe(&pending)
}

#[cfg(target_os = "linux")]
fn holds_sigpipe(set: &libc::sigset_t) -> bool {
    unsafe { libc::sigismember(set, libc::SIGPIPE) == 1 }
}

/// Elsewhere sockets are told not to raise it, or there is no such signal.
#[cfg(not(target_os = "linux"))]
impl HeldBack {
    pub(super) fn new() -> Self {
        HeldBack {}
    }
}
