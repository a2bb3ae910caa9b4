//! The service of one organisation: requests that carry a valid token, whatever it takes.

mod request_target;
pub mod signal;

pub(crate) use self::request_target::{RequestTarget, Resource};
use self::signal::{Carried, Signals, SyncSignal};
use crate::auth::credentials::{Credentials, check_id};
use crate::auth::grant;
use crate::auth::renewal::Renewal;
use crate::auth::token::Token;
use crate::auth::token_cache::TokenCache;
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::counters::Counters;
use crate::error::{Error, ErrorKind, Result};
use crate::http::authorisation::{Authorisation, Shown, Unchanging};
use crate::http::limit::rate_limit::RateLimits;
use crate::http::limit::throttle::Throttle;
use crate::http::perform::{Http, Replay, Trace};
use crate::http::transport::{Answer, Request};
use crate::http::url::resource as address;
use crate::lock::lock;
use crate::model::token::AccessToken;
use crate::redaction::Secrets;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// One organisation at the service, seen with one set of credentials at a time.
#[derive(Debug)]
pub(crate) struct Service {
    /// Replaced as a whole. Calls under way keep the one that they began with.
    identity: Mutex<Arc<Identity>>,
    root: Url,
    org_id: String,
    rate_limits: RateLimits,
    signals: Signals,
    counters: Arc<Counters>,
}

/// Credentials and what belongs to them: their token, and the pace of their client id. A token that was asked for with
/// other credentials cannot get in here.
#[derive(Debug)]
pub(crate) struct Identity {
    pub credentials: Arc<Credentials>,
    pub http: Http,
    tokens: TokenCache,
}

impl Identity {
    fn new(credentials: Credentials, http: Http) -> Arc<Self> {
        Arc::new(Identity {
            credentials: Arc::new(credentials),
            tokens: TokenCache::default(),
            http,
        })
    }

    fn fetch_token(
        &self,
        org_id: &str,
        renewal: Renewal,
    ) -> BoxFuture<'static, Result<AccessToken>> {
        let credentials = self.credentials.clone();
        grant::fetch_token(credentials, self.http.clone(), org_id.to_owned(), renewal)
    }
}

impl Service {
    pub(crate) fn new(
        http: Http,
        credentials: Credentials,
        root: Url,
        org_id: &str,
        rate_limits: RateLimits,
        counters: Arc<Counters>,
    ) -> Result<Self> {
        check_id("org_id", org_id)?;
        Ok(Service {
            identity: Mutex::new(Identity::new(credentials, http)),
            root,
            org_id: org_id.to_owned(),
            rate_limits,
            signals: Signals::default(),
            counters,
        })
    }

    /// Every request from now on goes out with these.
    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        let client_id = &credentials.client_id;
        let throttle = Throttle::shared(self.root.as_str(), client_id, &self.rate_limits);
        let http = Http {
            throttle,
            ..self.identity().http.clone()
        };
        let new = Identity::new(credentials, http);
        let old = std::mem::replace(&mut *lock(&self.identity), new);
        // Not under the lock: the end of a token callback may be the program's own code.
        drop(old);
    }

    pub(crate) fn identity(&self) -> Arc<Identity> {
        lock(&self.identity).clone()
    }

    fn is_current(&self, identity: &Arc<Identity>) -> bool {
        Arc::ptr_eq(&*lock(&self.identity), identity)
    }

    pub(crate) fn org_id(&self) -> &str {
        &self.org_id
    }

    pub(crate) fn root(&self) -> &Url {
        &self.root
    }

    pub(crate) fn locate(&self, resource: Resource<'_>) -> Result<RequestTarget> {
        Ok(RequestTarget {
            class: resource.class,
            url: address(&self.root, resource.segments, resource.query)?,
            buffer_pool: resource.buffer_pool.cloned(),
        })
    }

    pub(crate) fn signal(&self, signal: SyncSignal) {
        self.signals.add(signal);
    }

    pub(crate) async fn get<T>(
        &self,
        call: &Call,
        resource: Resource<'_>,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        let resource = self.locate(resource)?;
        let trace = Trace::default();
        self.send(call, &resource, None, Replay::Reads, &trace, read)
            .await
    }

    pub(crate) async fn post<T>(
        &self,
        call: &Call,
        resource: &RequestTarget,
        json: Bytes,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        self.send(call, resource, Some(json), replay, trace, read)
            .await
    }

    /// Waits until a part of a POST whose answer was lost may be sent again; an error if it is not to be.
    pub(crate) async fn wait_to_repeat(
        &self,
        call: &Call,
        class: EndpointClass,
        lost: Error,
    ) -> Result<()> {
        let http = &self.identity().http;
        let wait = http.wait_after(&lost);
        http.pause(call, class, Replay::Safe, lost, wait).await
    }

    /// The host's status page, which wants no token.
    pub(crate) async fn get_status_page<T>(
        &self,
        call: &Call,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        let mut url = self.root.clone();
        url.set_path("/status");
        let request = Request {
            class: EndpointClass::Status,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            buffer_pool: None,
            secrets: Secrets::default(),
        };
        let trace = Trace::default();
        let http = &self.identity().http;
        let mut authorisation = Unchanging {
            throttle: http.throttle.clone(),
            shown: Shown {
                headers: HeaderMap::new(),
                secrets: Secrets::default(),
            },
            on_failure: |_: &Error| {},
        };
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

    async fn send<T>(
        &self,
        call: &Call,
        resource: &RequestTarget,
        json: Option<Bytes>,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        self.count(resource.class);
        let request = Request {
            class: resource.class,
            method: match json {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            url: resource.url.clone(),
            headers: HeaderMap::new(),
            body: json,
            buffer_pool: resource.buffer_pool.clone(),
            secrets: Secrets::default(),
        };
        let mut authorisation = ByToken {
            service: self,
            signal: self.signals.for_request(trace),
            with_body: request.body.is_some(),
            held: None,
            was_refused: false,
        };
        let answer = self
            .identity()
            .http
            .perform(call, request, &mut authorisation, replay, trace, read)
            .await?;
        authorisation.signal.note_answer();
        Ok(answer)
    }

    fn count(&self, class: EndpointClass) {
        use EndpointClass::*;
        match class {
            Users | Groups | UserGroups => self.counters.add_listing_queries(1),
            User => self.counters.add_single_queries(1),
            Action | Token | Status => {}
        }
    }

    /// Gets a new token whether or not there is one, and tells how long it lives, if that is known.
    pub(crate) async fn renew_token(&self, call: &Call) -> Result<Option<Duration>> {
        let identity = self.identity();
        let fetch = |renewal| identity.fetch_token(&self.org_id, renewal);
        let logger = &identity.http.logger;
        let token = identity.tokens.renew(call, logger, fetch).await?;
        Ok(token.time_left())
    }
}

/// Shows the token of whichever credentials are current, and renews it once when it is refused.
struct ByToken<'s> {
    service: &'s Service,
    signal: Carried<'s>,
    with_body: bool,
    held: Option<(Arc<Identity>, Arc<Token>)>,
    was_refused: bool,
}

impl ByToken<'_> {
    /// Credentials that were replaced are not gone by any more, even if their token is living.
    fn is_current(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|(identity, _)| self.service.is_current(identity))
    }
}

impl Authorisation for ByToken<'_> {
    fn is_ready(&self) -> bool {
        let is_alive = |(_, token): &(_, Arc<Token>)| token.is_alive();
        self.is_current() && self.held.as_ref().is_some_and(is_alive)
    }

    async fn ready(&mut self, call: &Call) -> Result<Arc<Throttle>> {
        loop {
            let identity = self.service.identity();
            let fetch = |renewal| identity.fetch_token(&self.service.org_id, renewal);
            let logger = &identity.http.logger;
            match identity.tokens.get(call, logger, fetch).await {
                Ok(token) => {
                    let throttle = identity.http.throttle.clone();
                    self.held = Some((identity, token));
                    return Ok(throttle);
                }
                // Refused, but no longer the ones to go by.
                Err(error)
                    if error.kind() == ErrorKind::Auth && !self.service.is_current(&identity) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn show(&mut self) -> Result<Option<Shown>> {
        let held = self.held.as_ref().filter(|(_, token)| token.is_alive());
        let Some((identity, token)) = held else {
            return Ok(None);
        };
        let mut headers = headers(&identity.credentials, token, self.with_body)?;
        headers.extend(self.signal.header());
        Ok(Some(Shown {
            headers,
            secrets: token.secrets().clone(),
        }))
    }

    fn failed(&mut self, failure: &Error) -> bool {
        self.signal.note_failure(failure);
        let is_first = failure.kind() == ErrorKind::Auth && !self.was_refused;
        if let Some((identity, token)) = self.held.take_if(|_| is_first) {
            self.was_refused = true;
            identity.tokens.discard(&token);
        }
        is_first
    }
}

/// Room for what the transport adds, too.
const MOST_HEADERS: usize = 8;

fn headers(credentials: &Credentials, token: &Token, with_body: bool) -> Result<HeaderMap> {
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
