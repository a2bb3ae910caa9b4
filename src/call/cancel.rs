//! The handle that cancels calls from another thread.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// A handle that cancels calls from another thread.
///
/// Clones share one state, and one handle may be given to any number of calls. A triggered handle stays triggered. A
/// cancelled call ends within 50 ms with an error of the kind [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
///
/// ```
/// use umapi::{CallOptions, Cancel, Client, ClientOptions, Credentials, ErrorKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> umapi::Result<()> {
/// let credentials = Credentials::oauth("a-client-id", "a-client-secret")?;
/// let client = Client::new("12345ABCDE@AdobeOrg", credentials, ClientOptions::default())?;
/// let cancel = Cancel::new();
/// let mut call = CallOptions::new();
/// call.set_cancel(cancel.clone());
/// // From any thread; a call under way would end too.
/// cancel.trigger();
/// let error = client.find_user("ada@example.com", None, &call).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<CancelState>);

/// The state that clones share. Its destructor takes no lock, so that the child of a fork can free an inherited handle.
#[derive(Debug, Default)]
struct CancelState {
    triggered: AtomicBool,
    waiters: Notify,
}

impl Cancel {
    /// A handle that is not triggered.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Cancels every running call that has this handle, and every later one at its start.
    pub fn trigger(&self) {
        self.0.triggered.store(true, Ordering::Release);
        self.0.waiters.notify_waiters();
    }

    /// Whether [`Cancel::trigger`] was called on this handle or on a clone.
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
