//! A single attempt at a request, over a pool of connections that is created on first use.

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

/// The options of connections, which are the same for the service and for the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct TransportOptions {
    /// How long connecting to a host may take, TLS included.
    pub connect_timeout: Duration,
    /// How long an attempt may take, from connecting to the last byte of its answer.
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

/// The most bytes of an answer. The service's pages stay below 2 MB, so a longer answer does not come from it.
const LONGEST_ANSWER: usize = 64 << 20;

/// How long an idle connection is kept. A firewall may drop a connection that has been idle for longer, and a POST on it
/// would have an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    options: TransportOptions,
    https: OnceCell<Connector>,
    /// The connections over plain http, which is used on this machine only and needs neither certificates nor a proxy.
    plain_http: OnceCell<Connector>,
}

/// The HTTP client for one scheme, created for the first connection.
#[derive(Debug)]
struct Connector {
    client: reqwest::Client,
    proxy_rules: ProxyRules,
}

/// A request as every attempt of a logical call sends it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub class: EndpointClass,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// The pool that the answer's buffer is taken from; without one it is allocated.
    buffer_pool: Option<BufferPool>,
    /// The secrets in the request, which no message may quote.
    pub secrets: Secrets,
}

impl Request {
    /// A request without headers, body and secrets.
    pub(crate) fn new(class: EndpointClass, method: Method, url: Url) -> Self {
        Request {
            class,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            buffer_pool: None,
            secrets: Secrets::default(),
        }
    }

    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Has the answer's buffer taken from a pool, for answers as large as a page of a listing.
    pub(crate) fn with_buffer_pool(mut self, buffer_pool: BufferPool) -> Self {
        self.buffer_pool = Some(buffer_pool);
        self
    }

    /// The method and the path, which identify the call and hold no secrets.
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
    /// The secrets in the request, to be removed from everything that is quoted from the answer.
    pub secrets: Secrets,
}

impl Answer {
    /// The header's value; `None` if it is missing or not visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Transport {
    pub(crate) fn new(options: TransportOptions) -> Self {
        Transport {
            options,
            https: OnceCell::new(),
            plain_http: OnceCell::new(),
        }
    }

    /// The connector for requests to `url`, created on first use.
    fn connector(&self, url: &Url) -> Result<&Connector> {
        match url.scheme() {
            "http" => self.plain_http.get_or_try_init(|| {
                self.new_connector(ProxyRules::Direct, Trust::plain_http_config()?)
            }),
            _ => self.https.get_or_try_init(|| {
                let options = &self.options;
                self.new_connector(options.proxy.rules()?, options.trust.tls_config()?)
            }),
        }
    }

    fn new_connector(&self, proxy_rules: ProxyRules, tls: ClientConfig) -> Result<Connector> {
        let builder = reqwest::Client::builder()
            .user_agent(self.options.user_agent())
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .dns_resolver(Resolver)
            .tls_backend_preconfigured(tls);
        let client = proxy_rules.apply(builder)?.build().map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("the HTTP client could not be set up: {e}"),
            )
        })?;
        Ok(Connector {
            client,
            proxy_rules,
        })
    }

    /// How long establishing a connection may take: never longer than a whole attempt.
    pub(crate) fn connect_timeout(&self) -> Duration {
        let options = &self.options;
        options.connect_timeout.min(options.attempt_timeout)
    }

    pub(crate) fn verifies_certificates(&self) -> bool {
        !self.options.trust.any_certificate
    }

    /// The certificates that are trusted for `url`, for a message; an error if they cannot be loaded.
    pub(crate) fn describe_trust(&self, url: &Url) -> Result<String> {
        self.connector(url)?;
        Ok(match url.scheme() {
            "http" => "not needed for plain http".to_owned(),
            _ => self.options.trust.to_string(),
        })
    }

    /// Why requests to `url` go through no proxy, for a message.
    pub(crate) fn why_direct(&self, url: &Url) -> Result<&'static str> {
        Ok(self.connector(url)?.proxy_rules.why_direct(url))
    }

    /// The route of requests to `url`.
    pub(crate) fn route<'a>(&'a self, url: &'a Url) -> Result<Route<'a>> {
        Ok(Route {
            url,
            proxy: self.connector(url)?.proxy_rules.proxy_for(url),
            connect_timeout: self.connect_timeout(),
        })
    }

    /// Sends the request once, and reads the whole answer. `sent` is set as soon as the service can have seen the request.
    pub(crate) async fn attempt(
        &self,
        request: &Request,
        request_id: &HeaderValue,
        sent: &SentFlag,
    ) -> Result<Answer> {
        let outgoing = self.outgoing(request, request_id, sent)?;
        // The platform's certificates are loaded here, before the attempt's time begins.
        let client = &self.connector(&request.url)?.client;
        let route = self.route(&request.url)?;
        let proxy_secrets = route.proxy.map(Proxy::secrets).unwrap_or_default();
        let secrets = request.secrets.and(proxy_secrets);
        let exchange = async {
            let result = match client.execute(outgoing).await {
                Ok(answer) => {
                    read_answer(answer, route, sent, request.buffer_pool.as_ref(), &secrets).await
                }
                Err(error) => Err(explained(&error, route, sent.settle()).await),
            };
            result.map_err(|error| error.map_words(|text| secrets.redact_mixed(text).into_owned()))
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

/// The error for a failed exchange. Where a proxy caused the failure, the proxy is asked for its reason.
async fn explained(error: &reqwest::Error, route: Route<'_>, sent: bool) -> Error {
    let answer = match failure::cause(error) {
        Cause::ProxyLoginRequired => ask_proxy::answer_to_connect(route, false).await,
        Cause::TunnelRefused | Cause::ProxyFailed => {
            ask_proxy::answer_to_connect(route, true).await
        }
        _ => None,
    };
    failure::describe(error, route, sent, answer.as_ref())
}

async fn read_answer(
    mut answer: reqwest::Response,
    route: Route<'_>,
    sent: &SentFlag,
    buffer_pool: Option<&BufferPool>,
    secrets: &Secrets,
) -> Result<Answer> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let expected = answer.content_length().unwrap_or(0) as usize;
    // Spare capacity is left: `Table::new` appends decoded texts to this buffer.
    let mut body = buffer_pool.map(BufferPool::take).unwrap_or_default();
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
