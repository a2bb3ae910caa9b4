//! The options of one call.

use super::cancel::Cancel;
use super::progress::{Progress, ProgressSink};
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The options of one call; the default has no time limit and cannot be cancelled.
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) request_id: Option<String>,
    pub(crate) progress: Option<ProgressSink>,
    pub(super) without_retries: bool,
}

impl CallOptions {
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// How long each call that gets these options may take in all, waits and retries included; `None` for no limit.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Tries nothing a second time.
    pub(crate) fn without_retries(mut self) -> Self {
        self.without_retries = true;
        self
    }

    /// Whether the cancel handle is triggered.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_triggered()
    }

    /// The handle that ends these calls.
    pub fn set_cancel(&mut self, cancel: Cancel) {
        self.cancel = cancel;
    }

    /// The `X-Request-Id` to use; the number of the request and of the attempt are added to it. An error for what is not 1
    /// to 128 visible ASCII characters.
    pub fn set_request_id(&mut self, id: &str) -> Result<()> {
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid_argument(
                "request_id",
                "must be 1 to 128 visible ASCII characters, since it goes into a header",
            ));
        }
        self.request_id = Some(id.to_owned());
        Ok(())
    }

    /// A function that is told how these calls go on. It runs where the future of the call is polled, and holds up that
    /// call.
    pub fn set_progress(&mut self, sink: impl Fn(Progress) + Send + Sync + 'static) {
        self.progress = Some(Arc::new(sink));
    }

    /// Puts another sink in the place of the present one, which it can pass progress on to: for a program that polls calls
    /// on one thread and is told of their progress on another. Without a present one it does nothing.
    pub fn forward_progress<F>(&mut self, forward: impl FnOnce(ProgressSink) -> F)
    where
        F: Fn(Progress) + Send + Sync + 'static,
    {
        if let Some(sink) = self.progress.take() {
            self.progress = Some(Arc::new(forward(sink)));
        }
    }
}

#[cfg(test)]
impl CallOptions {
    pub(crate) fn with_timeout(timeout: Duration) -> Self {
        let mut options = CallOptions::new();
        options.set_timeout(Some(timeout));
        options
    }

    pub(crate) fn with_cancel(cancel: &Cancel) -> Self {
        let mut options = CallOptions::new();
        options.set_cancel(cancel.clone());
        options
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("cancelled", &self.cancel.is_triggered())
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
