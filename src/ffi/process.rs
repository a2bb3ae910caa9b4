//! Which process this is, known without a system call each time.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// The answer for as long as no fork has made another process of this one.
static KNOWN: AtomicI32 = AtomicI32::new(UNKNOWN);

/// The number of no process that could ask.
const UNKNOWN: libc::pid_t = 0;

pub(super) fn current() -> libc::pid_t {
    match KNOWN.load(Ordering::Relaxed) {
        UNKNOWN => ask(),
        known => known,
    }
}

fn ask() -> libc::pid_t {
    let process = unsafe { libc::getpid() };
    // Otherwise a child would take itself for its parent.
    if is_forgotten_by_children() {
        KNOWN.store(process, Ordering::Relaxed);
    }
    process
}

/// Two threads at once may both arrange it, which does no harm; a lock could be held for ever in a child.
fn is_forgotten_by_children() -> bool {
    static ARRANGED: AtomicBool = AtomicBool::new(false);
    if ARRANGED.load(Ordering::Acquire) {
        return true;
    }
    let arranged = unsafe { libc::pthread_atfork(None, None, Some(forget)) } == 0;
    ARRANGED.fetch_or(arranged, Ordering::Release);
    arranged
}

unsafe extern "C" fn forget() {
    KNOWN.store(UNKNOWN, Ordering::Relaxed);
}
