//! The four steps for one host: name, connection, proxy and TLS.

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
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::HeaderValue;
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

/// Runs the four steps for the host of `root` and adds them to the report; steps after a failed one are reported as
/// skipped. `Err(title)` names the failed step. The outer error is a cancelled call, or a configuration without a route
/// to the host.
pub(super) async fn check_host(
    http: &Http,
    call: &Call,
    root: &Url,
    report: &mut Report,
) -> Result<std::result::Result<(), String>> {
    let route = http.transport.route(root)?;
    let mut host_check = HostCheck {
        http,
        call,
        route,
        host: route.target(),
        addresses: Vec::new(),
    };
    let mut failed_step: Option<String> = None;
    for kind in STEPS {
        let step = match &failed_step {
            Some(needs) => Step::skipped(kind, &host_check.host, needs),
            None => host_check.run_step(kind).await?,
        };
        let step = report.add(step);
        if step.result == StepResult::Failed {
            failed_step = Some(step.title());
        }
    }
    Ok(failed_step.map_or(Ok(()), Err))
}

/// The state that the steps for one host share.
struct HostCheck<'a> {
    http: &'a Http,
    call: &'a Call,
    route: Route<'a>,
    host: String,
    /// The addresses of the peer of the first connection: the proxy, or the host without one.
    addresses: Vec<SocketAddr>,
}

impl HostCheck<'_> {
    async fn run_step(&mut self, kind: StepKind) -> Result<Step> {
        let (call, host) = (self.call, self.host.clone());
        let work: BoxFuture<_> = match kind {
            StepKind::Name => Box::pin(self.resolve_name()),
            StepKind::Connect => Box::pin(self.check_connection()),
            StepKind::Proxy => Box::pin(self.check_proxy()),
            _ => Box::pin(self.check_tls()),
        };
        timed(kind, Some(&host), call, work).await
    }

    async fn resolve_name(&mut self) -> Result<String> {
        let (target, port) = (
            self.route.url.host_str().unwrap_or_default(),
            self.route.url.port_or_known_default().unwrap_or(443),
        );
        let Some(proxy) = self.route.proxy else {
            self.addresses = self.resolve(target, port).await?;
            return Ok(describe_addresses(target, &self.addresses));
        };
        self.addresses = self.resolve(proxy.host(), proxy.port()).await?;
        let proxy_addresses = describe_addresses(proxy.host(), &self.addresses);
        let target_addresses = match proxy.resolves_names() {
            true => format!("the proxy resolves {target}"),
            false => describe_addresses(target, &self.resolve(target, port).await?),
        };
        Ok(format!("{proxy_addresses}; {target_addresses}"))
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let found = resolve::addresses(host, port).await;
        found.map_err(|name| failure::name_not_found(&name, self.route))
    }

    async fn check_connection(&self) -> Result<String> {
        let connecting = TcpStream::connect(self.addresses.as_slice());
        let connected = tokio::time::timeout(self.route.connect_timeout, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let connection = connected.map_err(|e| failure::connection_failed(&e, self.route))?;
        let peer = match self.route.proxy {
            Some(proxy) => format!("the proxy {proxy}"),
            None => self.host.clone(),
        };
        Ok(match connection.peer_addr() {
            Ok(address) => format!("{peer} accepts connections at {address}"),
            Err(_) => format!("{peer} accepts connections"),
        })
    }

    async fn check_proxy(&self) -> Result<String> {
        let Some(proxy) = self.route.proxy else {
            let why = self.http.transport.why_direct(self.route.url)?;
            return Ok(format!("no proxy, since {why}"));
        };
        match proxy.speaks_plain_http() {
            true => self.check_tunnel(proxy).await?,
            false => self.check_other_proxy(proxy).await?,
        }
        Ok(format!(
            "{proxy}, set by {}, connects to {}",
            proxy.where_it_is_set(),
            self.host
        ))
    }

    async fn check_tunnel(&self, proxy: &Proxy) -> Result<()> {
        let said = ask_proxy::answer_to_connect(self.route, true).await;
        failure::check_tunnel_answer(proxy, said.as_ref(), self.route)
    }

    /// Checks a SOCKS or https proxy with a whole request, since the proxy's part of it cannot be made alone. Only a
    /// failure of the proxy fails this step; the next one reports any other.
    async fn check_other_proxy(&self, proxy: &Proxy) -> Result<()> {
        match self.request_root().await {
            Err(error) if error.kind() == ErrorKind::Proxy || error.is_unconnected() => Err(error),
            Err(error) if error.kind() == ErrorKind::Connect => {
                Err(error.context(format_args!("through {proxy}")))
            }
            _ => Ok(()),
        }
    }

    async fn check_tls(&self) -> Result<String> {
        let status = self.request_root().await?;
        let transport = &self.http.transport;
        let security = match (self.route.url.scheme(), transport.verifies_certificates()) {
            ("http", _) => "plain http, allowed for loopback only",
            (_, true) => "the certificate is trusted",
            (_, false) => "the certificate is NOT VERIFIED",
        };
        Ok(format!("{security}; the answer has HTTP status {status}"))
    }

    /// Requests the path `/` of the host in the same way as any other request, and returns the status. Every status is
    /// good.
    async fn request_root(&self) -> Result<u16> {
        let mut url = self.route.url.clone();
        url.set_path("/");
        let request = Request::new(EndpointClass::Status, Method::GET, url);
        let id = self.call.next_request_id();
        let id = HeaderValue::from_str(&id).expect("request ids are checked");
        let sent = SentFlag::default();
        let answer = self.http.transport.attempt(&request, &id, &sent).await?;
        Ok(answer.status)
    }
}

/// What a name resolves to, for the report.
fn describe_addresses(host: &str, addresses: &[SocketAddr]) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return format!("{bare} is an address, not a name");
    }
    let mut listed: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
    listed.dedup();
    format!("{host} resolves to {}", listed.join(", "))
}
