//! The headers of requests to the service: the token of the current credentials, the client id and signals.

use super::Service;
use super::identity::Identity;
use super::signal::Carried;
use crate::auth::credentials::Credentials;
use crate::auth::token::Token;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::http::authorisation::{AttemptHeaders, Authorisation};
use crate::http::limit::throttle::Throttle;
use crate::http::perform::Trace;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Authorises one request with the token of the credentials that are current at each attempt, and has a token renewed
/// once when the service refuses it.
pub(super) struct TokenAuthorisation<'s> {
    service: &'s Service,
    signal: Carried<'s>,
    with_body: bool,
    held: Option<(Arc<Identity>, Arc<Token>)>,
    was_refused: bool,
}

impl<'s> TokenAuthorisation<'s> {
    pub(super) fn new(service: &'s Service, trace: &Trace, with_body: bool) -> Self {
        TokenAuthorisation {
            service,
            signal: service.signals.for_request(trace),
            with_body,
            held: None,
            was_refused: false,
        }
    }

    /// Notes that the request was answered.
    pub(super) fn note_answer(&mut self) {
        self.signal.note_answer();
    }

    /// Whether the token held is one of the current credentials: one of replaced credentials is not used any more, even
    /// if it is living.
    fn is_current(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|(identity, _)| self.service.is_current(identity))
    }
}

impl Authorisation for TokenAuthorisation<'_> {
    fn is_ready(&self) -> bool {
        let is_alive = |(_, token): &(_, Arc<Token>)| token.is_alive();
        self.is_current() && self.held.as_ref().is_some_and(is_alive)
    }

    async fn ready(&mut self, call: &Call) -> Result<Arc<Throttle>> {
        loop {
            let identity = self.service.identity();
            match identity.token(call, &self.service.org_id).await {
                Ok(token) => {
                    let throttle = identity.http.throttle.clone();
                    self.held = Some((identity, token));
                    return Ok(throttle);
                }
                // The credentials were refused, but have been replaced meanwhile.
                Err(error)
                    if error.kind() == ErrorKind::Auth && !self.service.is_current(&identity) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn headers(&mut self) -> Result<Option<AttemptHeaders>> {
        let held = self.held.as_ref().filter(|(_, token)| token.is_alive());
        let Some((identity, token)) = held else {
            return Ok(None);
        };
        let mut headers = headers_for(&identity.credentials, token, self.with_body)?;
        headers.extend(self.signal.header());
        Ok(Some(AttemptHeaders {
            headers,
            secrets: token.secrets().clone(),
        }))
    }

    fn failed(&mut self, failure: &Error) -> bool {
        self.signal.note_failure(failure);
        let is_first = failure.kind() == ErrorKind::Auth && !self.was_refused;
        if let Some((identity, token)) = self.held.take_if(|_| is_first) {
            self.was_refused = true;
            identity.discard(&token);
        }
        is_first
    }
}

/// Room for these headers and those that the transport adds.
const MOST_HEADERS: usize = 8;

fn headers_for(credentials: &Credentials, token: &Token, with_body: bool) -> Result<HeaderMap> {
    let client_id = HeaderValue::from_str(&credentials.client_id)
        .map_err(|_| Error::invalid_argument("client_id", "cannot be put into a header"))?;
    let mut headers = HeaderMap::with_capacity(MOST_HEADERS);
    headers.insert(AUTHORIZATION, token.bearer()?);
    headers.insert(HeaderName::from_static("x-api-key"), client_id);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if with_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(headers)
}
