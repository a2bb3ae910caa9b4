//! One attempt at one request, over a pool of connections that is opened on first use.

use super::ask_proxy;
use super::body::{SentFlag, TrackedBody};
use super::failure::{self, Cause};
use super::proxy::{Proxy, ProxyChoice, ProxyRules};
use super::resolve::Resolver;
use super::route::Route;
use super::trust::Trust;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Error, ErrorKind, Result};
use crate::json::buffer_pool::{BufferPool, PooledBuf};
use crate::redaction::Secrets;
use bytes::Bytes;
use http_body::Body as _;
use once_cell::sync::OnceCell;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, redirect};
use rustls::ClientConfig;
use std::time::Duration;
use url::Url;

/// How to reach the hosts; the same for the service and for the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct TransportOptions {
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// From the first byte of an attempt to the last byte of its answer.
    pub attempt_timeout: Duration,
    pub user_agent_prefix: Option<String>,
    pub trust: Trust,
    pub proxy: ProxyChoice,
}

impl Default for TransportOptions {
    fn default() -> Self {
        TransportOptions {
            connect_timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(120),
            user_agent_prefix: None,
            trust: Trust::default(),
            proxy: ProxyChoice::default(),
        }
    }
}

impl TransportOptions {
    fn user_agent(&self) -> String {
        let own = concat!("libumapi/", env!("CARGO_PKG_VERSION"));
        match &self.user_agent_prefix {
            Some(prefix) => format!("{prefix} {own}"),
            None => own.to_owned(),
        }
    }
}

/// A page of the service is below 2 MB; what goes beyond this is no answer of it.
const LONGEST_ANSWER: usize = 64 << 20;

/// A connection that idled longer may be half closed by something in between, and a POST on it would end as unknown.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Transport {
    options: TransportOptions,
    secure: OnceCell<Opened>,
    /// For plain http, which is for this machine only and needs neither certificates nor a proxy.
    plain: OnceCell<Opened>,
}

/// What is there from the first connection on.
#[derive(Debug)]
struct Opened {
    client: reqwest::Client,
    routes: ProxyRules,
}

/// What goes out in each attempt of a logical call.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub class: EndpointClass,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// Where the memory for the answer comes from, if it is to be used again.
    pub buffer_pool: Option<BufferPool>,
    /// What it carries that is never to be quoted.
    pub secrets: Secrets,
}

impl Request {
    /// Method and path: enough to recognise a call, and free of secrets.
    pub(crate) fn endpoint(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: PooledBuf<Vec<u8>>,
    /// What the request carried: to be blotted out of whatever is quoted from the answer.
    pub secrets: Secrets,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Transport {
    pub(crate) fn new(options: TransportOptions) -> Self {
        Transport {
            options,
            secure: OnceCell::new(),
            plain: OnceCell::new(),
        }
    }

    /// What is needed for requests to `url`.
    fn opened(&self, url: &Url) -> Result<&Opened> {
        match url.scheme() {
            "http" => self
                .plain
                .get_or_try_init(|| self.open(ProxyRules::Direct, Trust::no_tls()?)),
            _ => self.secure.get_or_try_init(|| {
                let options = &self.options;
                self.open(options.proxy.routes()?, options.trust.tls()?)
            }),
        }
    }

    fn open(&self, routes: ProxyRules, tls: ClientConfig) -> Result<Opened> {
        let builder = reqwest::Client::builder()
            .user_agent(self.options.user_agent())
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout())
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_nodelay(true)
            .dns_resolver(Resolver)
            .tls_backend_preconfigured(tls);
        let client = routes.apply(builder)?.build().map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("the HTTP client could not be set up: {e}"),
            )
        })?;
        Ok(Opened { client, routes })
    }

    /// How long it takes until a connection counts as not to be had.
    pub(crate) fn connect_timeout(&self) -> Duration {
        let options = &self.options;
        options.connect_timeout.min(options.attempt_timeout)
    }

    pub(crate) fn verifies_certificates(&self) -> bool {
        !self.options.trust.anyone
    }

    /// Whose certificates are trusted on the way to `url`; fails if they cannot be loaded.
    pub(crate) fn describe_trust(&self, url: &Url) -> Result<String> {
        self.opened(url)?;
        Ok(match url.scheme() {
            "http" => "none wanted".to_owned(),
            _ => self.options.trust.to_string(),
        })
    }

    /// Why the way to `url` leads through no proxy.
    pub(crate) fn why_direct(&self, url: &Url) -> Result<&'static str> {
        Ok(self.opened(url)?.routes.why_direct(url))
    }

    /// The way that a request to `url` takes.
    pub(crate) fn route<'a>(&'a self, url: &'a Url) -> Result<Route<'a>> {
        Ok(Route {
            url,
            proxy: self.opened(url)?.routes.proxy_for(url),
            connect_timeout: self.connect_timeout(),
        })
    }

    /// Sends the request once. `sent` is set from the moment that the service can have seen it.
    pub(crate) async fn attempt(
        &self,
        request: &Request,
        request_id: &HeaderValue,
        sent: &SentFlag,
    ) -> Result<Answer> {
        let outgoing = self.outgoing(request, request_id, sent)?;
        // Loading the platform's certificates is no part of an attempt's time.
        let client = &self.opened(&request.url)?.client;
        let route = self.route(&request.url)?;
        let of_proxy = route.proxy.map(Proxy::secrets).unwrap_or_default();
        let secrets = request.secrets.and(of_proxy);
        let exchange = async {
            let result = match client.execute(outgoing).await {
                Ok(answer) => {
                    read(answer, route, sent, request.buffer_pool.as_ref(), &secrets).await
                }
                Err(error) => Err(explained(&error, route, sent.settle()).await),
            };
            result.map_err(|error| error.map_words(|words| secrets.blot_mixed(words).into_owned()))
        };
        match tokio::time::timeout(self.options.attempt_timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "no complete answer within {:?}",
                    self.options.attempt_timeout
                ),
            )
            .with_delivery(failure::delivery(sent.settle()))),
        }
    }

    fn outgoing(
        &self,
        request: &Request,
        request_id: &HeaderValue,
        sent: &SentFlag,
    ) -> Result<reqwest::Request> {
        let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
        *outgoing.headers_mut() = request.headers.clone();
        outgoing
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), request_id.clone());
        if let Some(bytes) = &request.body {
            let body = TrackedBody::new(bytes.clone(), sent.clone());
            debug_assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
            *outgoing.body_mut() = Some(Body::wrap(body));
        }
        Ok(outgoing)
    }
}

/// Tells what stopped a request, in the proxy's own words where it was the proxy.
async fn explained(error: &reqwest::Error, route: Route<'_>, sent: bool) -> Error {
    let said = match failure::cause(error) {
        Cause::LoginWanted => ask_proxy::ask(route, false).await,
        Cause::TunnelRefused | Cause::ProxyLost => ask_proxy::ask(route, true).await,
        _ => None,
    };
    failure::describe(error, route, sent, said.as_ref())
}

async fn read(
    mut answer: reqwest::Response,
    route: Route<'_>,
    sent: &SentFlag,
    buffer_pool: Option<&BufferPool>,
    secrets: &Secrets,
) -> Result<Answer> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let expected = answer.content_length().unwrap_or(0) as usize;
    // Whoever reads the answer writes behind it what it has to decode.
    let mut body = buffer_pool.map(BufferPool::lend).unwrap_or_default();
    body.reserve_exact((expected + expected / 32).min(LONGEST_ANSWER));
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|e| failure::describe(&e, route, true, None).with_http_status(status))?
    {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("the answer is longer than {LONGEST_ANSWER} bytes"),
            )
            .with_delivery(failure::delivery(sent.settle()))
            .with_http_status(status));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
        secrets: secrets.clone(),
    })
}
