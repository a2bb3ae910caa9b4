//! What each attempt at a request shows to the service, asked for anew right before it goes out.

use super::limit::throttle::Throttle;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::redaction::Secrets;
use reqwest::header::HeaderMap;
use std::future::Future;
use std::sync::Arc;

/// The headers of one attempt, and the secrets in the request.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub headers: HeaderMap,
    pub secrets: Secrets,
}

/// Supplies the headers that authorise each attempt at a request.
pub(crate) trait Authorisation: Send {
    /// Whether [`Authorisation::ready`] would not wait.
    fn is_ready(&self) -> bool;

    /// Waits until there is something to show, and tells whose limits the request counts against.
    fn ready(&mut self, call: &Call) -> impl Future<Output = Result<Arc<Throttle>>> + Send;

    /// What to show with an attempt that goes out now; `None` if that has come to its end since it was ready.
    fn show(&mut self) -> Result<Option<Shown>>;

    /// Tells of a failed attempt. Whether the next one shows something else, and so may go out at once.
    fn failed(&mut self, failure: &Error) -> bool;
}

/// The same for every attempt: nothing, or what is in the body.
pub(crate) struct Unchanging<F> {
    pub throttle: Arc<Throttle>,
    pub shown: Shown,
    /// Told of each failure.
    pub on_failure: F,
}

impl<F: FnMut(&Error) + Send> Authorisation for Unchanging<F> {
    fn is_ready(&self) -> bool {
        true
    }

    async fn ready(&mut self, _: &Call) -> Result<Arc<Throttle>> {
        Ok(self.throttle.clone())
    }

    fn show(&mut self) -> Result<Option<Shown>> {
        Ok(Some(self.shown.clone()))
    }

    fn failed(&mut self, failure: &Error) -> bool {
        (self.on_failure)(failure);
        false
    }
}
