//! The process that an object belongs to: a fork copies the memory of one thread only, and with it locks that other
//! threads held.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process in the line of forks that led to this one.
///
/// A program that forks, and uses the library in the child, tells it so by [`Process::forked`], as the handler of
/// `pthread_atfork` for example; the C face does that for its programs. Clients of the parent must not be used in the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process.
    pub fn current() -> Self {
        Process(FORKS.load(Ordering::Relaxed))
    }

    /// False for an object that this process inherited from its parent: its locks may be held for ever, and its threads
    /// do not exist here.
    pub fn is_current(self) -> bool {
        self == Process::current()
    }

    /// To be called in the child of a fork, before anything else of the library. It takes no lock and allocates nothing.
    pub fn forked() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// A random number for ids and jitter. A child of a fork does not repeat the numbers of its parent or of its siblings.
pub(crate) fn random_u64() -> u64 {
    seed_after_fork();
    fastrand::u64(..)
}

/// A random share of one.
pub(crate) fn random_share() -> f64 {
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
