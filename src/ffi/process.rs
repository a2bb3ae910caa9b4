//! Detection of forks, and values that a child of a fork must not use.

use crate::Process;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

/// Registers a handler by which a child of a fork is recognised as another process. A lock could be held for ever in a
/// child, so none is used: two threads may both register it, and a fork then counts twice.
pub(super) fn watch_for_forks() {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if !WATCHED.load(Ordering::Acquire) {
        // SAFETY: the handler is a function without captured state that may run in any child.
        let watched = unsafe { libc::pthread_atfork(None, None, Some(forked)) } == 0;
        WATCHED.fetch_or(watched, Ordering::Release);
    }
}

unsafe extern "C" fn forked() {
    Process::forked();
}

/// A value that belongs to the process that made it. In a child of that process its destructor does not run, since it
/// could wait for a lock that a thread of the parent held at the fork; the child's copy of the memory is leaked.
pub(super) struct OfProcess<T> {
    value: ManuallyDrop<T>,
    process: Process,
}

impl<T> OfProcess<T> {
    pub(super) fn new(value: T) -> Self {
        watch_for_forks();
        OfProcess {
            value: ManuallyDrop::new(value),
            process: Process::current(),
        }
    }

    /// False in a child of the process that made the value.
    pub(super) fn is_usable(&self) -> bool {
        self.process.is_current()
    }
}

impl<T> Deref for OfProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for OfProcess<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.is_usable() {
            // SAFETY: the value is not used after this.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
