//! The steps on the way to one host: its name, a connection, the proxy, TLS.

use super::kind::{StepKind, StepResult};
use super::report::Report;
use super::step::{Step, timed};
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{ErrorKind, Result};
use crate::http::body::SentFlag;
use crate::http::failure;
use crate::http::perform::Http;
use crate::http::proxy::Proxy;
use crate::http::route::Route;
use crate::http::transport::Request;
use crate::http::{ask_proxy, resolve};
use crate::redaction::Secrets;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use url::Url;

const STEPS: [StepKind; 4] = [
    StepKind::Name,
    StepKind::Connect,
    StepKind::Proxy,
    StepKind::Tls,
];

/// Adds the steps to the report, up to the first that fails, whose title is then the inner error.
pub(super) async fn check(
    http: &Http,
    call: &Call,
    root: &Url,
    report: &mut Report,
) -> Result<std::result::Result<(), String>> {
    let route = http.transport.route(root)?;
    let mut walk = Walk {
        http,
        call,
        route,
        host: route.target(),
        addresses: Vec::new(),
    };
    let mut failed: Option<String> = None;
    for kind in STEPS {
        let step = match &failed {
            Some(needs) => Step::skipped(kind, &walk.host, needs),
            None => walk.step(kind).await?,
        };
        let step = report.add(step);
        if step.result == StepResult::Failed {
            failed = Some(step.title());
        }
    }
    Ok(failed.map_or(Ok(()), Err))
}

struct Walk<'a> {
    http: &'a Http,
    call: &'a Call,
    route: Route<'a>,
    host: String,
    /// Where the first connection goes: to the proxy, or straight to the host.
    addresses: Vec<SocketAddr>,
}

impl Walk<'_> {
    async fn step(&mut self, kind: StepKind) -> Result<Step> {
        let (call, host) = (self.call, self.host.clone());
        match kind {
            StepKind::Name => timed(kind, Some(&host), call, self.name()).await,
            StepKind::Connect => timed(kind, Some(&host), call, self.connect()).await,
            StepKind::Proxy => timed(kind, Some(&host), call, self.proxy()).await,
            _ => timed(kind, Some(&host), call, self.tls()).await,
        }
    }

    async fn name(&mut self) -> Result<String> {
        let (target, port) = (
            self.route.url.host_str().unwrap_or_default(),
            self.route.url.port_or_known_default().unwrap_or(443),
        );
        let Some(proxy) = self.route.proxy else {
            self.addresses = self.look_up(target, port).await?;
            return Ok(told(target, &self.addresses));
        };
        self.addresses = self.look_up(proxy.host(), proxy.port()).await?;
        let proxys = told(proxy.host(), &self.addresses);
        let targets = match proxy.resolves_names() {
            true => format!("the proxy looks up {target}"),
            false => told(target, &self.look_up(target, port).await?),
        };
        Ok(format!("{proxys}; {targets}"))
    }

    async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let found = resolve::addresses(host, port).await;
        found.map_err(|name| failure::name_not_found(&name, self.route))
    }

    async fn connect(&self) -> Result<String> {
        let connecting = TcpStream::connect(self.addresses.as_slice());
        let connected = tokio::time::timeout(self.route.connect_timeout, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let connection = connected.map_err(|e| failure::connection_failed(&e, self.route))?;
        let to = match self.route.proxy {
            Some(proxy) => format!("the proxy {proxy}"),
            None => self.host.clone(),
        };
        Ok(match connection.peer_addr() {
            Ok(address) => format!("{to} takes connections, at {address}"),
            Err(_) => format!("{to} takes connections"),
        })
    }

    async fn proxy(&self) -> Result<String> {
        let Some(proxy) = self.route.proxy else {
            let why = self.http.transport.why_direct(self.route.url)?;
            return Ok(format!("no proxy, since {why}"));
        };
        match proxy.speaks_plain_http() {
            true => self.tunnel(proxy).await?,
            false => self.through(proxy).await?,
        }
        let by = proxy.where_it_is_set();
        Ok(format!("{proxy}, by {by}, opens a way to {}", self.host))
    }

    async fn tunnel(&self, proxy: &Proxy) -> Result<()> {
        let said = ask_proxy::answer_to_connect(self.route, true).await;
        failure::check_tunnel_answer(proxy, said.as_ref(), self.route)
    }

    /// What a proxy of another kind does shows only with what is behind it.
    async fn through(&self, proxy: &Proxy) -> Result<()> {
        match self.request().await {
            Err(error) if error.kind() == ErrorKind::Proxy || error.is_unconnected() => Err(error),
            Err(error) if error.kind() == ErrorKind::Connect => {
                Err(error.context(format_args!("through {proxy}")))
            }
            _ => Ok(()),
        }
    }

    async fn tls(&self) -> Result<String> {
        let status = self.request().await?;
        let transport = &self.http.transport;
        let security = match (self.route.url.scheme(), transport.verifies_certificates()) {
            ("http", _) => "plain http, to this machine only",
            (_, true) => "the certificate is trusted",
            (_, false) => "the certificate is NOT VERIFIED",
        };
        Ok(format!("{security}; HTTP {status} in answer"))
    }

    /// A request as every other one goes, to the host's front page; any answer will do.
    async fn request(&self) -> Result<u16> {
        let mut url = self.route.url.clone();
        url.set_path("/");
        let request = Request {
            class: EndpointClass::Status,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            buffer_pool: None,
            secrets: Secrets::default(),
        };
        let id = self.call.next_request_id();
        let id = HeaderValue::from_str(&id).expect("request ids are checked");
        let sent = SentFlag::default();
        let answer = self.http.transport.attempt(&request, &id, &sent).await?;
        Ok(answer.status)
    }
}

fn told(host: &str, addresses: &[SocketAddr]) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return format!("{bare} is an address, not a name");
    }
    let mut listed: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
    listed.dedup();
    format!("{host} is {}", listed.join(", "))
}
