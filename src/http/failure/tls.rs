//! Errors of TLS handshakes and of certificates.

use crate::error::{Error, ErrorKind};
use crate::http::route::Route;
use crate::http::trust::UntrustedCertificate;
use rustls::{
    AlertDescription, CertificateError, Error as TlsError, OtherError, PeerIncompatible,
    pki_types::UnixTime,
};
use std::time::{Duration, SystemTime};

/// The error for a connection that was closed in the TLS handshake. Firewalls close connections to hosts that they do not
/// permit in this way; which device closed the connection cannot be told from here.
pub(super) fn handshake_cut_off(why: &str, route: Route<'_>) -> Error {
    let target = route.target();
    let between = match route.proxy {
        Some(proxy) => format!("the proxy {proxy} or a firewall behind it"),
        None => "a firewall".to_owned(),
    };
    Error::new(
        ErrorKind::Connect,
        format!("the connection to {target} was cut off in the TLS handshake: {why}"),
    )
    .with_remedy(format!(
        "ask whether {between} permits {target}; a device that inspects TLS may need an exception for it"
    ))
    .without_connection()
}

/// The error for a failed TLS handshake with `route.url`.
pub(super) fn tls_failed(error: &TlsError, route: Route<'_>) -> Error {
    let target = route.target();
    let (what, remedy) = match error {
        TlsError::InvalidCertificate(problem) => certificate_refused(problem, route),
        TlsError::InvalidMessage(_) => (
            format!("the server at {target} does not speak TLS"),
            "check the port: it may serve plain HTTP".to_owned(),
        ),
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
        | TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (
            format!("{target} does not support TLS 1.2 or later"),
            format!("{} must be brought up to date", tls_peer(route)),
        ),
        TlsError::AlertReceived(AlertDescription::HandshakeFailure)
        | TlsError::PeerIncompatible(_) => (
            format!("{target} and this library have no TLS parameters in common: {error}"),
            format!("{} must be brought up to date", tls_peer(route)),
        ),
        _ => (
            format!("the TLS handshake with {target} failed: {error}"),
            format!("ask the operator of {}", tls_peer(route)),
        ),
    };
    Error::new(ErrorKind::Tls, what).with_remedy(remedy)
}

/// The other end of the TLS connection, which behind a proxy may be a device that inspects TLS.
fn tls_peer(route: Route<'_>) -> String {
    match route.proxy {
        Some(proxy) => format!(
            "{}, or the device behind {proxy} that inspects TLS,",
            route.host()
        ),
        None => route.host().to_owned(),
    }
}

/// The message and the remedy for a certificate that was refused.
fn certificate_refused(problem: &CertificateError, route: Route<'_>) -> (String, String) {
    let host = route.host();
    match problem {
        CertificateError::Other(OtherError(inner)) => {
            let is_self_signed = inner
                .downcast_ref::<UntrustedCertificate>()
                .is_some_and(|certificate| certificate.is_self_signed);
            let remedy = match is_self_signed {
                true => REPLACE_IT,
                false => ADD_YOUR_CA,
            };
            (
                format!("the certificate of {host} {inner}"),
                remedy.to_owned(),
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => (
            format!(
                "the certificate is for {}, and not for {host}",
                plain_names(presented)
            ),
            "check the host in the endpoint and in the token host, and which server answers there"
                .to_owned(),
        ),
        CertificateError::ExpiredContext { time, not_after } => (
            format!(
                "the certificate of {host} has expired on {}",
                date(not_after)
            ),
            check_the_clock(host, time),
        ),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!(
                "the certificate of {host} is not valid before {}",
                date(not_before)
            ),
            check_the_clock(host, time),
        ),
        _ => (
            format!("the certificate of {host} cannot be accepted: {problem}"),
            format!("ask the operator of {host}"),
        ),
    }
}

const ADD_YOUR_CA: &str =
    "if your company inspects TLS, add your company's CA certificate with the option ca_file";

const REPLACE_IT: &str =
    "give the host a certificate of a CA, and add that CA's certificate with the option ca_file";

/// The names of a certificate, which the verifier gives as `DnsName("a")` and `IpAddress(1.2.3.4)`, as plain text.
fn plain_names(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| {
        let inside = name
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        inside.unwrap_or(name).trim_matches('"')
    });
    match bare.collect::<Vec<_>>() {
        none if none.is_empty() => "no name".to_owned(),
        names => names.join(", "),
    }
}

fn date(time: &UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    match time {
        // HTTP dates end with the year 9999.
        Some(time) if time < SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800) => {
            httpdate::fmt_http_date(time)
        }
        _ => "a day after the year 9999".to_owned(),
    }
}

fn check_the_clock(host: &str, now: &UnixTime) -> String {
    format!(
        "check this machine's clock, which says {}; if it is right, the operator of {host} must renew the certificate",
        date(now)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_are_shown_plainly() {
        let presented = ["DnsName(\"a.example\")", "IpAddress(1.2.3.4)", "other"];
        let presented = presented.map(str::to_owned);
        assert_eq!(plain_names(&presented), "a.example, 1.2.3.4, other");
        assert_eq!(plain_names(&[]), "no name");
    }
}
