//! The causes of a failed attempt, told apart by what the caller can do about them, and their error messages.

mod connection;
mod proxy;
mod tls;

pub(crate) use self::connection::{connection_failed, name_not_found};
pub(crate) use self::proxy::check_tunnel_answer;

use self::connection::{no_connection, unconnected};
use self::proxy::{login_required, proxy_failed, proxy_tls_failed, socks_refused, tunnel_refused};
use self::tls::{handshake_cut_off, tls_failed};
use super::ask_proxy::ProxyAnswer;
use super::resolve::NameNotFound;
use super::route::Route;
use crate::error::{Delivery, Error, ErrorKind};
use crate::shortage;
use rustls::Error as TlsError;
use std::error::Error as StdError;
use std::io;

/// The delivery of a request without an answer. `sent`: the service can have seen the request.
pub(crate) fn delivery(sent: bool) -> Delivery {
    match sent {
        true => Delivery::Unknown,
        false => Delivery::NotSent,
    }
}

/// The cause of a failed attempt.
pub(crate) enum Cause<'a> {
    /// The operating system has no descriptors, memory or buffers left; nothing outside this machine failed.
    Shortage(Error),
    /// The name lookup found no address.
    NameNotFound(&'a NameNotFound),
    /// The TLS handshake with the host failed.
    Tls(&'a TlsError),
    /// The TLS handshake with the proxy itself failed, before any request to it.
    ProxyTls(&'a TlsError),
    /// The proxy requires a login, or refused the given one.
    ProxyLoginRequired,
    /// The proxy answered the CONNECT request with a refusal.
    TunnelRefused,
    /// The proxy cannot be reached, or closed the connection.
    ProxyFailed,
    /// A SOCKS proxy refused the connection, with this message.
    Socks(String),
    /// The host refused the TCP connection.
    ConnectionRefused,
    /// The TCP connection was established, and was closed before the TLS handshake was complete.
    CutOff,
    ConnectTimeout,
    /// No connection was established, for another reason.
    Unconnected,
    /// The HTTP client could not be built.
    Setup,
    /// The answer did not arrive in time.
    Timeout,
    /// The connection was closed before the answer was complete.
    Broken,
}

/// The cause of a failure, from the chain of errors that the HTTP client reports.
pub(crate) fn cause(error: &reqwest::Error) -> Cause<'_> {
    let source: &(dyn StdError + 'static) = error;
    let has_kind = |kind| chain(source).any(|e| io_kind(e) == Some(kind));
    if let Some(shortage) = chain(source).find_map(|e| shortage::to_error(e.downcast_ref()?)) {
        Cause::Shortage(shortage)
    } else if let Some(name) = chain(source).find_map(|e| e.downcast_ref()) {
        Cause::NameNotFound(name)
    } else if let Some(tls) = chain(source).find_map(|e| e.downcast_ref()) {
        match chain(source).any(|e| proxy_cause(&e.to_string()).is_some()) {
            true => Cause::ProxyTls(tls),
            false => Cause::Tls(tls),
        }
    } else if error.is_builder() {
        Cause::Setup
    } else if !error.is_connect() {
        match error.is_timeout() {
            true => Cause::Timeout,
            false => Cause::Broken,
        }
    } else if let Some(proxy) = chain(source).find_map(|e| proxy_cause(&e.to_string())) {
        proxy
    } else if error.is_timeout() || has_kind(io::ErrorKind::TimedOut) {
        Cause::ConnectTimeout
    } else if has_kind(io::ErrorKind::ConnectionRefused) {
        Cause::ConnectionRefused
    } else if CUT_OFF.into_iter().any(has_kind) {
        Cause::CutOff
    } else {
        Cause::Unconnected
    }
}

const CUT_OFF: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];

/// The cause that a message of the HTTP client's proxy connectors stands for. The connectors do not export their error
/// types, so the messages are compared.
fn proxy_cause(message: &str) -> Option<Cause<'static>> {
    if let Some(message) = message.strip_prefix("tunnel error: ") {
        return Some(match message {
            "proxy authorization required" => Cause::ProxyLoginRequired,
            "unsuccessful" | "proxy response headers too long" => Cause::TunnelRefused,
            _ => Cause::ProxyFailed,
        });
    }
    let message = message.strip_prefix("SOCKS error: ")?;
    Some(match message {
        "failed to create underlying connection" | "io error during SOCKS handshake" => {
            Cause::ProxyFailed
        }
        message => Cause::Socks(message.to_owned()),
    })
}

/// The library's error for a failure of the HTTP client. `sent`: the service can have seen the request. `answer`: the
/// proxy's answer to a second CONNECT request, if one was made to learn the proxy's reason.
pub(crate) fn describe(
    error: &reqwest::Error,
    route: Route<'_>,
    sent: bool,
    answer: Option<&ProxyAnswer>,
) -> Error {
    let described = match (cause(error), route.proxy) {
        (Cause::ProxyTls(tls), Some(proxy)) => proxy_tls_failed(proxy, tls, route),
        (Cause::ProxyLoginRequired, Some(proxy)) => login_required(proxy, answer),
        (Cause::TunnelRefused, Some(proxy)) => tunnel_refused(proxy, answer, route),
        (Cause::ProxyFailed, Some(proxy)) => proxy_failed(proxy, &root(error), answer, route),
        (Cause::Socks(message), Some(proxy)) => socks_refused(proxy, &message, route),
        (cause, _) => describe_without_proxy(cause, error, route),
    };
    described.with_delivery(delivery(sent))
}

fn describe_without_proxy(cause: Cause<'_>, error: &reqwest::Error, route: Route<'_>) -> Error {
    match cause {
        Cause::Shortage(shortage) => {
            shortage.context(format_args!("no connection to {}", route.target()))
        }
        Cause::NameNotFound(name) => name_not_found(name, route),
        Cause::Tls(tls) | Cause::ProxyTls(tls) => tls_failed(tls, route),
        Cause::ConnectionRefused => {
            no_connection(format!("{} refuses the connection", route.target()), route)
        }
        Cause::ConnectTimeout => no_connection(
            format!(
                "no connection to {} within {:?}",
                route.target(),
                route.connect_timeout
            ),
            route,
        ),
        Cause::CutOff if route.url.scheme() == "https" => handshake_cut_off(&root(error), route),
        Cause::CutOff
        | Cause::Unconnected
        | Cause::ProxyLoginRequired
        | Cause::TunnelRefused
        | Cause::ProxyFailed
        | Cause::Socks(_) => unconnected(&root(error), route),
        Cause::Setup => Error::new(
            ErrorKind::Internal,
            format!("the HTTP client could not be set up: {}", root(error)),
        ),
        Cause::Timeout => Error::new(
            ErrorKind::Timeout,
            format!("no answer in time from {}: {}", route.target(), root(error)),
        ),
        Cause::Broken => Error::new(
            ErrorKind::Connect,
            format!(
                "the connection to {} broke before the answer was complete: {}",
                route.target(),
                root(error)
            ),
        ),
    }
}

/// The message of the innermost error.
fn root(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, |deepest| deepest.to_string())
}

/// The error, followed by its causes from the outermost to the innermost.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| next_cause(*e))
}

fn next_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    inside_io(error).or_else(|| error.source())
}

/// The error that an `io::Error` wraps, which its `source` passes over.
fn inside_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner as &(dyn StdError + 'static))
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    Some(error.downcast_ref::<io::Error>()?.kind())
}
