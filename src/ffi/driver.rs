//! The driver of a client: the thread that runs its event loop, and the work that it leaves for threads of the program.

use super::callback::Destructor;
use super::mailbox::{CallerTask, Inbox, lock};
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

/// The thread that runs a client's sockets, timers, page prefetches and token renewals. No code of the program runs on
/// it.
pub(super) struct Driver {
    event_loop: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The stack is large enough for a TLS handshake through a proxy that is itself reached over TLS.
const STACK: usize = 512 * 1024;

/// How long a driver that ends waits for threads that look up a name or run a token callback.
const GRACE: Duration = Duration::from_millis(10);

/// How many log lines are kept for the next call of a client. The oldest ones beyond that are dropped.
const MAX_PENDING_TASKS: usize = 1000;

thread_local! {
    static OUTBOX: RefCell<Option<Arc<Outbox>>> = const { RefCell::new(None) };
}

tokio::task_local! {
    static CALLER: Arc<dyn Inbox>;
}

/// The outbox of the driver that runs on this thread; `None` on every other thread.
pub(super) fn of_this_thread() -> Option<Arc<Outbox>> {
    // A destructor can run after the thread-local values have been dropped.
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
            // An error means that the sender was dropped, which ends the driver as well.
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

    /// Runs `work` on the driver. Callbacks that it causes go to `caller`.
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
            // There is no receiver if the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // Joined, so that the library can be unloaded after the last handle is freed.
            let _ = thread.join();
        }
    }
}

/// The callbacks that a driver leaves for threads of the program.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The calls in progress, oldest first.
    callers: Vec<Arc<dyn Inbox>>,
    /// Tasks that came while there was no call.
    tasks: VecDeque<CallerTask>,
    destructors: Vec<Destructor>,
}

impl Outbox {
    /// Adds a call that begins, and gives it the tasks that wait for one.
    pub(super) fn join(&self, caller: Arc<dyn Inbox>) {
        let mut waiting = lock(&self.0);
        let tasks = std::mem::take(&mut waiting.tasks);
        tasks.into_iter().for_each(|task| caller.put(task));
        waiting.callers.push(caller);
    }

    /// Removes a call that has ended, so that it gets no more tasks.
    pub(super) fn leave(&self, caller: &Arc<dyn Inbox>) {
        let mut waiting = lock(&self.0);
        waiting.callers.retain(|other| !Arc::ptr_eq(other, caller));
    }

    /// Leaves a task for the call that the present future belongs to; if there is none, for a call in progress or the
    /// next call.
    pub(super) fn put(&self, task: CallerTask) {
        let mut task = Some(task);
        let for_caller = CALLER.try_with(|caller| task.take().map(|task| caller.put(task)));
        if for_caller.is_err()
            && let Some(task) = task
        {
            self.put_for_any(task);
        }
    }

    fn put_for_any(&self, task: CallerTask) {
        let mut waiting = lock(&self.0);
        if let Some(caller) = waiting.callers.last() {
            return caller.put(task);
        }
        let too_old = match waiting.tasks.len() < MAX_PENDING_TASKS {
            true => None,
            false => waiting.tasks.pop_front(),
        };
        waiting.tasks.push_back(task);
        // A task can own the last reference to a callback, whose drop locks this outbox.
        drop(waiting);
        drop(too_old);
    }

    pub(super) fn put_destructor(&self, destructor: Destructor) {
        lock(&self.0).destructors.push(destructor);
    }

    /// Runs, on a thread of the program, the destructors that came up on the driver.
    pub(super) fn run_destructors(&self) {
        let destructors = std::mem::take(&mut lock(&self.0).destructors);
        destructors.into_iter().for_each(Destructor::run);
    }
}
