//! The headers that authorise a request, asked for anew right before each attempt.

use super::limit::throttle::Throttle;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::redaction::Secrets;
use reqwest::header::HeaderMap;
use std::future::Future;
use std::sync::Arc;

/// The headers of one attempt, and the secrets in the request.
#[derive(Clone, Debug)]
pub(crate) struct AttemptHeaders {
    pub headers: HeaderMap,
    pub secrets: Secrets,
}

/// Supplies the headers that authorise each attempt at a request.
pub(crate) trait Authorisation: Send {
    /// Whether [`Authorisation::ready`] would not wait.
    fn is_ready(&self) -> bool;

    /// Waits until there are headers to send, and returns the limits that the request counts against.
    fn ready(&mut self, call: &Call) -> impl Future<Output = Result<Arc<Throttle>>> + Send;

    /// The headers of an attempt that goes out now; `None` if they have expired since they were ready.
    fn headers(&mut self) -> Result<Option<AttemptHeaders>>;

    /// Notes a failed attempt. Returns whether the next one has other headers, so that it may go out at once.
    fn failed(&mut self, failure: &Error) -> bool;
}

/// The same headers for every attempt: of a request that needs no authorisation, or has it in its body.
pub(crate) struct FixedHeaders<'f> {
    pub throttle: Arc<Throttle>,
    pub attempt_headers: AttemptHeaders,
    /// Called after each failed attempt.
    pub on_failure: &'f mut (dyn FnMut(&Error) + Send),
}

impl Authorisation for FixedHeaders<'_> {
    fn is_ready(&self) -> bool {
        true
    }

    async fn ready(&mut self, _: &Call) -> Result<Arc<Throttle>> {
        Ok(self.throttle.clone())
    }

    fn headers(&mut self) -> Result<Option<AttemptHeaders>> {
        Ok(Some(self.attempt_headers.clone()))
    }

    fn failed(&mut self, failure: &Error) -> bool {
        (self.on_failure)(failure);
        false
    }
}
