//! The status page of the service's host, which needs no token.

use super::Service;
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Error, Result};
use crate::http::authorisation::{AttemptHeaders, FixedHeaders};
use crate::http::perform::Trace;
use crate::http::retry::Replay;
use crate::http::transport::{Answer, Request};
use crate::redaction::Secrets;
use reqwest::Method;
use reqwest::header::HeaderMap;

impl Service {
    /// Reads the status page.
    pub(crate) async fn get_status_page<T: Send>(
        &self,
        call: &Call,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let mut url = self.root.clone();
        url.set_path("/status");
        let request = Request::new(EndpointClass::Status, Method::GET, url);
        let http = &self.identity().http;
        let mut authorisation = FixedHeaders {
            throttle: http.throttle.clone(),
            attempt_headers: AttemptHeaders {
                headers: HeaderMap::new(),
                secrets: Secrets::default(),
            },
            on_failure: &mut |_: &Error| {},
        };
        let trace = Trace::default();
        http.perform(
            call,
            request,
            &mut authorisation,
            Replay::Reads,
            &trace,
            read,
        )
        .await
    }
}
