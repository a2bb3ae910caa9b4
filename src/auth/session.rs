//! Calls to the service that carry a valid token, whatever it takes.

use super::credentials::{Credentials, check_id};
use super::token_cache::{Token, TokenCache};
use crate::counters::Counters;
use crate::error::{Error, ErrorKind, Result};
use crate::http::call::Call;
use crate::http::endpoint::EndpointClass;
use crate::http::perform::{Http, Replay, Trace};
use crate::http::rate_limit::RateLimits;
use crate::http::throttle::Throttle;
use crate::http::transport::{Answer, Request};
use crate::http::url::resource as address;
use crate::lock::lock;
use crate::model::shelf::Shelf;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, PRAGMA,
};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// One organisation at the service, seen with one set of credentials at a time.
#[derive(Debug)]
pub(crate) struct Session {
    /// Replaced as a whole. Calls under way keep the one that they began with.
    identity: Mutex<Arc<Identity>>,
    root: Url,
    org_id: String,
    rate_limits: RateLimits,
    signal: AtomicU8,
    counters: Arc<Counters>,
}

/// Credentials and what belongs to them: their token, and the pace of their client id. A token that was asked for with
/// other credentials cannot get in here.
#[derive(Debug)]
pub(crate) struct Identity {
    pub credentials: Credentials,
    pub http: Http,
    tokens: TokenCache,
}

impl Identity {
    fn new(credentials: Credentials, http: Http) -> Arc<Self> {
        Arc::new(Identity {
            credentials,
            tokens: TokenCache::default(),
            http,
        })
    }
}

/// A one-shot hint to the service's load management, sent with the next call of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncSignal {
    Start = 1,
    End = 2,
}

/// A resource under the root.
#[derive(Debug)]
pub(crate) struct Resource<'a> {
    pub class: EndpointClass,
    pub segments: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    /// Where the memory for the answer comes from, if it is to be used again.
    pub shelf: Option<&'a Shelf>,
}

/// A resource with its address, which can be kept where many calls go to one.
#[derive(Debug)]
pub(crate) struct Located {
    class: EndpointClass,
    url: Url,
    shelf: Option<Shelf>,
}

impl Session {
    pub(crate) fn new(
        http: Http,
        credentials: Credentials,
        root: Url,
        org_id: &str,
        rate_limits: RateLimits,
        counters: Arc<Counters>,
    ) -> Result<Self> {
        check_id("org_id", org_id)?;
        Ok(Session {
            identity: Mutex::new(Identity::new(credentials, http)),
            root,
            org_id: org_id.to_owned(),
            rate_limits,
            signal: AtomicU8::new(0),
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

    pub(crate) fn locate(&self, resource: Resource<'_>) -> Result<Located> {
        Ok(Located {
            class: resource.class,
            url: address(&self.root, resource.segments, resource.query)?,
            shelf: resource.shelf.cloned(),
        })
    }

    pub(crate) fn signal(&self, signal: SyncSignal) {
        self.signal.store(signal as u8, Ordering::Relaxed);
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
        resource: &Located,
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
            method: Method::GET,
            url,
            headers: self.signal_header().into_iter().collect(),
            body: None,
            shelf: None,
        };
        let trace = Trace::default();
        let identity = self.identity();
        identity
            .http
            .perform(
                call,
                EndpointClass::Status,
                &request,
                Replay::Reads,
                &trace,
                read,
            )
            .await
    }

    async fn send<T>(
        &self,
        call: &Call,
        resource: &Located,
        json: Option<Bytes>,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        self.count(resource.class);
        let mut request = Request {
            method: match json {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            url: resource.url.clone(),
            headers: HeaderMap::new(),
            body: json,
            shelf: resource.shelf.clone(),
        };
        let signal = self.signal_header();
        let mut renewed = false;
        loop {
            let identity = self.identity();
            let token = match self.token(call, &identity).await {
                // Refused, but no longer the ones to go by.
                Err(error) if error.kind() == ErrorKind::Auth && !self.is_current(&identity) => {
                    continue;
                }
                token => token?,
            };
            request.headers = headers(&identity.credentials, &token, request.body.is_some())?;
            request.headers.extend(signal.clone());
            let answer = identity
                .http
                .perform(call, resource.class, &request, replay, trace, &read)
                .await;
            match answer {
                Err(error) if error.kind() == ErrorKind::Auth && !renewed => {
                    identity.tokens.discard(&token);
                    renewed = true;
                }
                answer => return answer,
            }
        }
    }

    fn count(&self, class: EndpointClass) {
        use EndpointClass::*;
        match class {
            Users | Groups | UserGroups => self.counters.add_listing_queries(1),
            User => self.counters.add_single_queries(1),
            Action | Token | Status => {}
        }
    }

    async fn token(&self, call: &Call, identity: &Identity) -> Result<Arc<Token>> {
        let Identity {
            credentials, http, ..
        } = identity;
        let fetch = || credentials.fetch_token(http, call, &self.org_id);
        identity.tokens.get(call, &http.logger, fetch).await
    }

    /// Gets a new token whether or not there is one, and tells how long it lives.
    pub(crate) async fn renew_token(&self, call: &Call) -> Result<Duration> {
        let identity = self.identity();
        let asked_at = Instant::now();
        let Identity {
            credentials, http, ..
        } = &*identity;
        let fetched = credentials.fetch_token(http, call, &self.org_id).await?;
        let lifetime = fetched.lifetime;
        identity.tokens.put(fetched, asked_at);
        Ok(lifetime)
    }

    fn signal_header(&self) -> Option<(HeaderName, HeaderValue)> {
        let value = match self.signal.swap(0, Ordering::Relaxed) {
            n if n == SyncSignal::Start as u8 => "umapi-sync-start",
            n if n == SyncSignal::End as u8 => "umapi-sync-end",
            _ => return None,
        };
        Some((PRAGMA, HeaderValue::from_static(value)))
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
