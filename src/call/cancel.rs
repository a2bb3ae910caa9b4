//! The handle that ends calls from another thread.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Ends calls from another thread. Clones share one state; once triggered it stays so.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<CancelState>);

/// Its destructor takes no lock, so that a child of a fork can free a handle that it inherited.
#[derive(Debug, Default)]
struct CancelState {
    triggered: AtomicBool,
    waiters: Notify,
}

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Ends every call that was given this handle, and every later one at its start.
    pub fn trigger(&self) {
        self.0.triggered.store(true, Ordering::Release);
        self.0.waiters.notify_waiters();
    }

    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::Acquire)
    }

    /// Waits until the handle is triggered.
    pub(crate) async fn triggered(&self) {
        loop {
            let mut next = pin!(self.0.waiters.notified());
            next.as_mut().enable();
            if self.is_triggered() {
                return;
            }
            next.await;
        }
    }
}
