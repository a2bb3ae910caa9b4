//! The driver of a client: a thread that runs its event loop, and what it leaves for threads of the program.

use super::callback::Destructor;
use super::mailbox::{Inbox, Note, lock};
use super::signals::Mask;
use crate::Error;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread that runs a client's sockets, timers, pages ahead and token renewals. No code of the program runs on it.
pub(super) struct Driver {
    event_loop: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Enough for a TLS handshake through a proxy with TLS of its own.
const STACK: usize = 512 * 1024;

/// How long the end of a driver waits for threads that look up a name or run a token callback.
const GRACE: Duration = Duration::from_millis(10);

/// How many log lines are kept for the next call of a client. More are dropped, the oldest first.
const MOST_NOTES: usize = 1000;

thread_local! {
    static OUTBOX: RefCell<Option<Arc<Outbox>>> = const { RefCell::new(None) };
}

tokio::task_local! {
    static CALLER: Arc<dyn Inbox>;
}

/// The outbox of the driver that this thread is, if it is one.
pub(super) fn of_this_thread() -> Option<Arc<Outbox>> {
    // A destructor can run after the thread's own values are gone.
    OUTBOX
        .try_with(|outbox| outbox.borrow().clone())
        .ok()
        .flatten()
}

impl Driver {
    pub(super) fn start(outbox: Arc<Outbox>) -> Result<Self, Error> {
        let mask = Mask::block_all();
        let started = Driver::start_with_signals_blocked(outbox, mask);
        mask.restore();
        started.map_err(|e| {
            Error::from_system("the client's thread and event loop cannot be started", &e)
        })
    }

    fn start_with_signals_blocked(outbox: Arc<Outbox>, mask: Mask) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_start(move || mask.keep_for_callbacks())
            .build()?;
        let event_loop = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            OUTBOX.set(Some(outbox));
            // An error is the end of the sender, and means the same.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(GRACE);
        };
        let thread = thread::Builder::new()
            .name("umapi".to_owned())
            .stack_size(STACK)
            .spawn(run)?;
        Ok(Driver {
            event_loop,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Runs `work` on the driver. What it tells goes to `caller`.
    pub(super) fn spawn(
        &self,
        caller: Arc<dyn Inbox>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.event_loop.spawn(CALLER.scope(caller, work));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread has ended already if nothing receives it.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // Waited for, so that the library can be unloaded after the last handle is freed.
            let _ = thread.join();
        }
    }
}

/// What a driver has for threads of the program.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The calls under way, oldest first.
    callers: Vec<Arc<dyn Inbox>>,
    /// What no call was there for.
    notes: VecDeque<Note>,
    destructors: Vec<Destructor>,
}

impl Outbox {
    /// A call begins: it gets what has waited for one.
    pub(super) fn join(&self, caller: Arc<dyn Inbox>) {
        let mut waiting = lock(&self.0);
        let notes = std::mem::take(&mut waiting.notes);
        notes.into_iter().for_each(|note| caller.put(note));
        waiting.callers.push(caller);
    }

    /// A call has ended: it gets no more.
    pub(super) fn leave(&self, caller: &Arc<dyn Inbox>) {
        let mut waiting = lock(&self.0);
        waiting.callers.retain(|other| !Arc::ptr_eq(other, caller));
    }

    /// Leaves a note for the call that this task works for; otherwise for a call under way, or for the next.
    pub(super) fn put(&self, note: Note) {
        let mut note = Some(note);
        let for_caller = CALLER.try_with(|caller| note.take().map(|note| caller.put(note)));
        if for_caller.is_err()
            && let Some(note) = note
        {
            self.put_for_any(note);
        }
    }

    pub(super) fn put_for_any(&self, note: Note) {
        let mut waiting = lock(&self.0);
        if let Some(caller) = waiting.callers.last() {
            return caller.put(note);
        }
        let too_old = match waiting.notes.len() < MOST_NOTES {
            true => None,
            false => waiting.notes.pop_front(),
        };
        waiting.notes.push_back(note);
        // A note can own the last of a callback, whose end looks for this outbox.
        drop(waiting);
        drop(too_old);
    }

    pub(super) fn put_destructor(&self, destructor: Destructor) {
        lock(&self.0).destructors.push(destructor);
    }

    /// Runs, on a thread of the program, the destructors that the driver has met.
    pub(super) fn run_destructors(&self) {
        let destructors = std::mem::take(&mut lock(&self.0).destructors);
        destructors.into_iter().for_each(Destructor::run);
    }
}
