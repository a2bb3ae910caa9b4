//! The options of one call.

use super::cancel::Cancel;
use super::progress::{Progress, ProgressSink};
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The options of one call. By default a call has no time limit, cannot be cancelled, reports no progress and has a random
/// request id. The same options may be given to several calls.
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
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets each request be tried once only.
    pub(crate) fn without_retries(mut self) -> Self {
        self.without_retries = true;
        self
    }

    /// Whether the handle of these options is triggered.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_triggered()
    }

    /// Sets the handle that cancels each call with these options.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Sets the `X-Request-Id` of the call's requests, to which the number of the request and of the attempt are appended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) unless the id is 1 to 128 visible ASCII characters.
    pub fn request_id(mut self, id: &str) -> Result<Self> {
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid_argument(
                "request_id",
                "must be 1 to 128 visible ASCII characters, since it goes into a header",
            ));
        }
        self.request_id = Some(id.to_owned());
        Ok(self)
    }

    /// Sets the callback for the progress of each call with these options. It runs on the thread that made the call.
    pub fn progress(mut self, sink: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(sink));
        self
    }

    /// Replaces the callback by one that can pass progress on to it; without a callback there is nothing to replace.
    pub(crate) fn forward_progress<F>(&mut self, forward: impl FnOnce(ProgressSink) -> F)
    where
        F: Fn(Progress) + Send + Sync + 'static,
    {
        if let Some(sink) = self.progress.take() {
            self.progress = Some(Arc::new(forward(sink)));
        }
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
