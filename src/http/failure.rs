//! Why an attempt got no answer, told apart by what the caller can do about it.

use crate::error::{Delivery, Error, ErrorKind};
use std::error::Error as StdError;
use std::io;

pub(crate) fn delivery(sent: bool) -> Delivery {
    match sent {
        true => Delivery::Unknown,
        false => Delivery::NotSent,
    }
}

/// Turns a failure of the HTTP client into ours. `sent`: whether the service can have seen the request.
pub(crate) fn describe(
    error: &reqwest::Error,
    source: &(dyn StdError + 'static),
    sent: bool,
) -> Error {
    let (kind, what_to_do) = classify(error, source);
    let mut message = String::from(match kind {
        ErrorKind::Tls => "the TLS connection failed",
        ErrorKind::Proxy => "the proxy could not be used",
        ErrorKind::Connect if sent => "the connection broke before the answer was complete",
        ErrorKind::Connect => "no connection",
        ErrorKind::Timeout => "no answer in time",
        ErrorKind::Internal => "the HTTP client could not be set up",
        _ => "the HTTP client failed",
    });
    if let Some(host) = error.url().and_then(|url| url.host_str()) {
        message.push_str(&format!(" ({host})"));
    }
    if let Some(root) = root_cause(source) {
        message.push_str(&format!(": {root}"));
    }
    if let Some(what_to_do) = what_to_do {
        message.push_str(&format!("; {what_to_do}"));
    }
    Error::new(kind, message).with_delivery(delivery(sent))
}

fn classify(
    error: &reqwest::Error,
    source: &(dyn StdError + 'static),
) -> (ErrorKind, Option<&'static str>) {
    if let Some(tls) = chain(source).find_map(as_tls) {
        return (ErrorKind::Tls, tls_remedy(tls));
    }
    if error.is_builder() {
        return (ErrorKind::Internal, None);
    }
    if error.is_connect() && mentions_proxy(source) {
        return (
            ErrorKind::Proxy,
            Some("check HTTPS_PROXY and NO_PROXY in the environment"),
        );
    }
    if error.is_timeout() && !error.is_connect() {
        return (ErrorKind::Timeout, None);
    }
    (ErrorKind::Connect, None)
}

fn tls_remedy(error: &rustls::Error) -> Option<&'static str> {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)) => {
            Some("if your company inspects TLS, add its CA certificate to the client's options")
        }
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Some("check this machine's clock"),
        _ => None,
    }
}

/// The proxy connectors have error types of their own, which they do not export.
fn mentions_proxy(source: &(dyn StdError + 'static)) -> bool {
    chain(source).any(|e| {
        let text = e.to_string().to_ascii_lowercase();
        ["tunnel", "socks", "proxy"]
            .iter()
            .any(|word| text.contains(word))
    })
}

fn root_cause(source: &(dyn StdError + 'static)) -> Option<String> {
    chain(source).last().map(|deepest| deepest.to_string())
}

/// An error and everything that it says was its cause.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| cause(*e))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    inside_io(error).or_else(|| error.source())
}

/// `io::Error` passes over the error inside itself when asked for its source.
fn inside_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner as &(dyn StdError + 'static))
}

fn as_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>()
}
