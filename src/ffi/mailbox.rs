//! The channel from a driver to the thread that made a call: callbacks to run there, and the result.

use super::callback::run_callback;
use crate::Process;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A call of a callback, to be run on the thread that called the library.
pub(super) type CallerTask = Box<dyn FnOnce() + Send>;

/// The receiver of tasks.
pub(super) trait Inbox: Send + Sync {
    fn put(&self, task: CallerTask);
}

/// The tasks for one call, and its result.
pub(super) struct Mailbox<T> {
    content: Mutex<Content<T>>,
    arrived: Condvar,
}

struct Content<T> {
    tasks: VecDeque<CallerTask>,
    end: Option<Result<T, Lost>>,
}

/// The reason why a call has no result.
pub(super) enum Lost {
    Panicked(Box<dyn Any + Send>),
    /// A callback has forked, and this process is the child, which has no driver.
    Forked,
}

/// Locks a mutex even after a panic: the content of these locks is consistent after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Mailbox {
            content: Mutex::new(Content {
                tasks: VecDeque::new(),
                end: None,
            }),
            arrived: Condvar::new(),
        })
    }

    /// Ends the call, unless it has ended already.
    pub(super) fn end(&self, end: Result<T, Lost>) {
        lock(&self.content).end.get_or_insert(end);
        self.arrived.notify_one();
    }

    /// Runs tasks until the call has ended and no task is left.
    pub(super) fn wait(&self) -> Result<T, Lost> {
        let process = Process::current();
        loop {
            let task = {
                let mut content = lock(&self.content);
                loop {
                    if let Some(task) = content.tasks.pop_front() {
                        break task;
                    }
                    if let Some(end) = content.end.take() {
                        return end;
                    }
                    content = self
                        .arrived
                        .wait(content)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            };
            run_callback(task);
            if !process.is_current() {
                return Err(Lost::Forked);
            }
        }
    }

    /// Tasks that came after the end of the call.
    pub(super) fn late_tasks(&self) -> Vec<CallerTask> {
        lock(&self.content).tasks.drain(..).collect()
    }
}

impl<T: Send> Inbox for Mailbox<T> {
    fn put(&self, task: CallerTask) {
        lock(&self.content).tasks.push_back(task);
        self.arrived.notify_one();
    }
}
