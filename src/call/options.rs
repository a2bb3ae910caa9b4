//! The options of one call.

use super::cancel::Cancel;
use super::progress::{Progress, ProgressSink};
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The options of one call. By default a call has no time limit, cannot be cancelled, reports no progress and has a random
/// request id. The same options may be given to several calls.
///
/// ```
/// use std::time::Duration;
/// use umapi::{CallOptions, Progress};
///
/// # fn main() -> umapi::Result<()> {
/// let mut call = CallOptions::new();
/// call.set_timeout(Some(Duration::from_secs(60)));
/// call.set_request_id("nightly-sync-7")?;
/// call.set_progress(|progress| {
///     if let Progress::Wait { reason, duration, .. } = progress {
///         println!("waiting for {duration:?}: {reason:?}");
///     }
/// });
/// assert!(!call.is_cancelled());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) request_id: Option<String>,
    pub(crate) progress: Option<ProgressSink>,
    pub(super) without_retries: bool,
}

impl CallOptions {
    /// The defaults.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Sets how long each call with these options may take in all, waits and retries included; `None` is no limit. A call
    /// whose time is up ends with an error of the kind [`ErrorKind::Deadline`](crate::ErrorKind::Deadline).
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Lets each request be tried once only.
    pub(crate) fn without_retries(mut self) -> Self {
        self.without_retries = true;
        self
    }

    /// Whether the cancel handle of these options is triggered.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_triggered()
    }

    /// Sets the handle that cancels each call with these options.
    pub fn set_cancel(&mut self, cancel: Cancel) {
        self.cancel = cancel;
    }

    /// Sets the `X-Request-Id` of the calls' requests, to which the number of the request and of the attempt are appended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) unless the id is 1 to 128 visible ASCII characters.
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

    /// Sets the callback for the progress of each call with these options. It runs on the thread that polls the call's
    /// future, and delays only that call.
    pub fn set_progress(&mut self, sink: impl Fn(Progress) + Send + Sync + 'static) {
        self.progress = Some(Arc::new(sink));
    }

    /// Replaces the callback by one that can pass progress on to it, for a program that polls calls on one thread and
    /// handles their progress on another. Without a callback it does nothing.
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
