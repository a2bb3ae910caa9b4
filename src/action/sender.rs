//! The receiver of requests with actions: the service, or what a test puts in its place.

use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Error, Result};
use crate::http::perform::Trace;
use crate::http::retry::Replay;
use crate::http::transport::Answer;
use crate::model::answer::{self, ActionAnswer};
use crate::service::{RequestTarget, Resource, Service};
use bytes::Bytes;
use once_cell::sync::OnceCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, so that the futures of a program that awaits it do not hold the state of the whole HTTP call.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Sends requests with actions.
pub(crate) trait Sender: fmt::Debug + Send + Sync {
    /// Sends one request, as often as the retry policy allows. `trace` tells how far it got, also when the future is
    /// dropped.
    fn post<'a>(
        &'a self,
        call: &'a Call,
        body: Bytes,
        replay: Replay,
        trace: &'a Trace,
    ) -> Boxed<'a, ActionAnswer>;

    /// Waits until a part of a request whose answer was lost may be sent again; an error if it must not be.
    fn wait_to_repeat<'a>(&'a self, call: &'a Call, lost: Error) -> Boxed<'a, ()>;
}

/// The service's endpoint for actions.
#[derive(Debug)]
pub(crate) struct ServiceSender {
    service: Arc<Service>,
    test_mode: bool,
    /// The target of all requests.
    target: OnceCell<RequestTarget>,
}

const CLASS: EndpointClass = EndpointClass::Action;

impl ServiceSender {
    pub(crate) fn new(service: Arc<Service>, test_mode: bool) -> Self {
        ServiceSender {
            service,
            test_mode,
            target: OnceCell::new(),
        }
    }

    fn target(&self) -> Result<&RequestTarget> {
        self.target.get_or_try_init(|| {
            let query: &[_] = match self.test_mode {
                true => &[("testOnly", "true")],
                false => &[],
            };
            self.service.locate(Resource {
                class: CLASS,
                segments: &["action", self.service.org_id()],
                query,
            })
        })
    }
}

impl Sender for ServiceSender {
    fn post<'a>(
        &'a self,
        call: &'a Call,
        body: Bytes,
        replay: Replay,
        trace: &'a Trace,
    ) -> Boxed<'a, ActionAnswer> {
        Box::pin(async move {
            let target = self.target()?;
            let read = |answer: Answer| {
                let parsed = answer::parse(&answer.body);
                parsed.map(|parsed| parsed.redacted(&answer.secrets))
            };
            self.service
                .post(call, target, body, replay, trace, read)
                .await
        })
    }

    fn wait_to_repeat<'a>(&'a self, call: &'a Call, lost: Error) -> Boxed<'a, ()> {
        Box::pin(self.service.wait_to_repeat(call, CLASS, lost))
    }
}
