//! The service of one organisation: requests to it that carry a valid token.
//!
//! Each request goes through these layers, in this order:
//!
//! 1. The token: [`TokenCache`](crate::auth::token_cache::TokenCache) lends the one that it holds, or the request waits
//!    for its renewal. Its owner's client id says whose rate limits the request counts against.
//! 2. The rate limit and the gate: [`Throttle`] grants a permit once the documented limit allows another request and the
//!    gate that a 429 closes is open. If the token has expired meanwhile, the permit is given back and layer 1 is next.
//! 3. The headers: [`TokenAuthorisation`] adds the token, the client id and a signal that waits for a request.
//! 4. The attempt: [`Transport`] sends the request once and reads the whole answer, within the time of one attempt.
//! 5. The classification: [`classify`](crate::http::classify) turns an answer that is an error into one, by its status and
//!    its body; the caller's reader parses any other.
//! 6. After an error, the permit: a 429 closes the gate; a request that found no connection gives its permit back.
//! 7. After the first 401, another token: the refused one is discarded, and layer 1 is next.
//! 8. The retry: [`Retries`](crate::http::retry::Retries) decides between another wait and attempt, from layer 1 on, and
//!    the error of the call.
//!
//! [`Http::perform`] runs all of them; requests for a token go through it as well, with headers that never change. The
//! caller wraps a request in [`Call::until_cancelled_or_due`], which ends it in any layer.

mod identity;
mod request_target;
pub(crate) mod signal;
mod status_page;
mod token_authorisation;

pub(crate) use self::identity::Identity;
pub(crate) use self::request_target::{RequestTarget, Resource};
use self::signal::{Signals, SyncSignal};
use self::token_authorisation::TokenAuthorisation;
use crate::auth::credentials::{Credentials, check_id};
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::http::limit::rate_limit::RateLimits;
use crate::http::limit::throttle::Throttle;
use crate::http::perform::{Http, Trace};
use crate::http::retry::{Replay, RetryPolicy};
use crate::http::transport::{Answer, Request, Transport, TransportOptions};
use crate::http::url::resource as address;
use crate::json::buffer_pool::BufferPool;
use crate::lock::lock;
use crate::log::Logger;
use bytes::Bytes;
use reqwest::Method;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How requests reach the service.
#[derive(Debug)]
pub(crate) struct ServiceOptions {
    pub root: Url,
    pub transport: TransportOptions,
    pub retry: RetryPolicy,
    pub rate_limits: RateLimits,
    pub logger: Logger,
}

/// The service of one organisation, under one set of credentials at a time.
#[derive(Debug)]
pub(crate) struct Service {
    /// Replaced as a whole. An attempt under way keeps the identity that it began with.
    identity: Mutex<Arc<Identity>>,
    root: Url,
    org_id: String,
    rate_limits: RateLimits,
    signals: Signals,
    counters: Arc<Counters>,
}

impl Service {
    pub(crate) fn new(
        org_id: &str,
        credentials: Credentials,
        options: ServiceOptions,
        counters: Arc<Counters>,
    ) -> Result<Self> {
        check_id("org_id", org_id)?;
        let http = Http {
            transport: Arc::new(Transport::new(options.transport)),
            throttle: throttle(&options.root, &credentials, &options.rate_limits),
            retry: options.retry,
            logger: options.logger,
        };
        Ok(Service {
            identity: Mutex::new(Identity::new(credentials, http)),
            root: options.root,
            org_id: org_id.to_owned(),
            rate_limits: options.rate_limits,
            signals: Signals::default(),
            counters,
        })
    }

    /// Replaces the credentials: every attempt from now on goes out with the new ones.
    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        let http = Http {
            throttle: throttle(&self.root, &credentials, &self.rate_limits),
            ..self.identity().http.clone()
        };
        let new = Identity::new(credentials, http);
        let old = std::mem::replace(&mut *lock(&self.identity), new);
        // Not under the lock: dropping a token callback may run the program's own code.
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

    /// The address of a resource.
    pub(crate) fn locate(&self, resource: Resource<'_>) -> Result<RequestTarget> {
        Ok(RequestTarget {
            class: resource.class,
            url: address(&self.root, resource.segments, resource.query)?,
        })
    }

    pub(crate) fn signal(&self, signal: SyncSignal) {
        self.signals.add(signal);
    }

    /// Reads a resource.
    pub(crate) async fn get<T: Send>(
        &self,
        call: &Call,
        resource: Resource<'_>,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let target = self.locate(resource)?;
        let request = Request::new(target.class, Method::GET, target.url);
        let trace = Trace::default();
        self.send(call, request, Replay::Reads, &trace, read).await
    }

    /// Reads a resource that is as large as a page of a listing: the memory for the answer comes from `buffer_pool`.
    pub(crate) async fn get_page<T: Send>(
        &self,
        call: &Call,
        resource: Resource<'_>,
        buffer_pool: &BufferPool,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let target = self.locate(resource)?;
        let request = Request::new(target.class, Method::GET, target.url)
            .with_buffer_pool(buffer_pool.clone());
        let trace = Trace::default();
        self.send(call, request, Replay::Reads, &trace, read).await
    }

    /// Posts `json`. `trace` tells how far the request got, also when the future is dropped.
    pub(crate) async fn post<T: Send>(
        &self,
        call: &Call,
        target: &RequestTarget,
        json: Bytes,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let request = Request::new(target.class, Method::POST, target.url.clone()).with_body(json);
        self.send(call, request, replay, trace, read).await
    }

    /// Waits until a part of a POST whose answer was lost may be sent again; an error if it must not be.
    pub(crate) async fn wait_to_repeat(
        &self,
        call: &Call,
        class: EndpointClass,
        lost: Error,
    ) -> Result<()> {
        let http = &self.identity().http;
        let wait = http.retry.wait_after(&lost);
        let mut retries = http.retries(Replay::Safe);
        let retry = retries.after(call, lost, wait, Instant::now())?;
        retry.wait(call, class).await
    }

    async fn send<T: Send>(
        &self,
        call: &Call,
        request: Request,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        self.count(request.class);
        let with_body = request.body.is_some();
        let mut authorisation = TokenAuthorisation::new(self, trace, with_body);
        let answer = self
            .identity()
            .http
            .perform(call, request, &mut authorisation, replay, trace, read)
            .await?;
        authorisation.note_answer();
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

    /// Gets a new token whether or not there is one, and returns how long it lives, if that is known.
    pub(crate) async fn renew_token(&self, call: &Call) -> Result<Option<Duration>> {
        let token = self.identity().renew_token(call, &self.org_id).await?;
        Ok(token.time_left())
    }
}

/// The rate limits that requests with these credentials count against. All clients of the process with the same root,
/// client id and limits share them.
fn throttle(root: &Url, credentials: &Credentials, limits: &RateLimits) -> Arc<Throttle> {
    Throttle::shared(root.as_str(), &credentials.client_id, limits)
}
