//! What a driver has for the thread that made a call: code of the program to run there, and the result.

use super::callback::run_callback;
use crate::Process;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A call of a callback, for the thread that made the call to the library.
pub(super) type Note = Box<dyn FnOnce() + Send>;

/// Where notes are left.
pub(super) trait Inbox: Send + Sync {
    fn put(&self, note: Note);
}

pub(super) struct Mailbox<T> {
    content: Mutex<Content<T>>,
    arrived: Condvar,
}

struct Content<T> {
    notes: VecDeque<Note>,
    end: Option<Result<T, Lost>>,
}

/// Why there is no result.
pub(super) enum Lost {
    Panicked(Box<dyn Any + Send>),
    /// A callback has forked, and this is the child, which has no driver.
    Forked,
}

/// Locks also after a panic: what these locks guard is whole after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Mailbox {
            content: Mutex::new(Content {
                notes: VecDeque::new(),
                end: None,
            }),
            arrived: Condvar::new(),
        })
    }

    /// Ends the call. The first end counts.
    pub(super) fn end(&self, end: Result<T, Lost>) {
        lock(&self.content).end.get_or_insert(end);
        self.arrived.notify_one();
    }

    /// Runs what notes say until the call has ended and no note is left.
    pub(super) fn wait(&self) -> Result<T, Lost> {
        let process = Process::current();
        loop {
            let note = {
                let mut content = lock(&self.content);
                loop {
                    if let Some(note) = content.notes.pop_front() {
                        break note;
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
            run_callback(note);
            if !process.is_current() {
                return Err(Lost::Forked);
            }
        }
    }

    /// Notes that came after the end of the call.
    pub(super) fn late_notes(&self) -> Vec<Note> {
        lock(&self.content).notes.drain(..).collect()
    }
}

impl<T: Send> Inbox for Mailbox<T> {
    fn put(&self, note: Note) {
        lock(&self.content).notes.push_back(note);
        self.arrived.notify_one();
    }
}
