//! The identity of a process across forks, and random numbers that differ between them. A fork copies only the calling
//! thread, but also the locks that other threads hold, so an object must know which process it belongs to.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// How many forks led from the process that loaded the library to this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// This process or one of its ancestors.
///
/// A Rust program that forks and uses the library in the child must call [`Process::forked`] there, for example as a
/// handler of `pthread_atfork`; the C API does so for its programs. Clients of the parent must not be used in the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process.
    pub fn current() -> Self {
        Process(FORKS.load(Ordering::Relaxed))
    }

    /// Whether this is the running process. It is false for the process of an object that was inherited from the parent: the
    /// object's locks may be held forever, and its threads do not exist here.
    pub fn is_current(self) -> bool {
        self == Process::current()
    }

    /// Records a fork. It must be called in the child of a fork before anything else of the library; it takes no lock and
    /// allocates no memory.
    pub fn forked() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// A random number for ids and jitter. A child of a fork does not repeat the numbers of its parent or of its siblings.
pub(crate) fn random_u64() -> u64 {
    seed_after_fork();
    fastrand::u64(..)
}

/// A random number from 0 up to but not including 1.
pub(crate) fn random_f64() -> f64 {
    seed_after_fork();
    fastrand::f64()
}

fn seed_after_fork() {
    thread_local! {
        static SEEDED_IN: Cell<Process> = const { Cell::new(Process(0)) };
    }
    let process = Process::current();
    if SEEDED_IN.replace(process) != process {
        let mut hasher = DefaultHasher::new();
        (std::process::id(), SystemTime::now(), fastrand::u64(..)).hash(&mut hasher);
        fastrand::seed(hasher.finish());
    }
}
