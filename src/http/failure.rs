//! Why an attempt got no answer, told apart by what the caller can do about it.

use super::ask_proxy::ProxyAnswer;
use super::proxy::Proxy;
use super::resolve::NameNotFound;
use super::route::Route;
use super::trust::UntrustedCertificate;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::shortage;
use rustls::{
    AlertDescription, CertificateError, Error as TlsError, OtherError, PeerIncompatible,
    pki_types::UnixTime,
};
use std::error::Error as StdError;
use std::io;
use std::time::{Duration, SystemTime};

pub(crate) fn delivery(sent: bool) -> Delivery {
    match sent {
        true => Delivery::Unknown,
        false => Delivery::NotSent,
    }
}

/// What kept a request from its answer.
pub(crate) enum Cause<'a> {
    /// Nothing outside this machine.
    Shortage(Error),
    Name(&'a NameNotFound),
    Tls(&'a TlsError),
    /// With the proxy itself, before it was asked for anything.
    ProxyTls(&'a TlsError),
    /// The proxy wants a login, or another one.
    LoginWanted,
    /// The proxy answered, and opened no way to the host.
    TunnelRefused,
    /// The proxy cannot be reached, or broke off.
    ProxyLost,
    /// Words of a SOCKS proxy.
    Socks(String),
    Refused,
    /// The connection was there, and ended before TLS was.
    CutOff,
    ConnectTimeout,
    Unconnected,
    Setup,
    Timeout,
    Broken,
}

pub(crate) fn cause(error: &reqwest::Error) -> Cause<'_> {
    let source: &(dyn StdError + 'static) = error;
    let find = |kind| chain(source).any(|e| io_kind(e) == Some(kind));
    if let Some(shortage) = chain(source).find_map(|e| shortage::explained(e.downcast_ref()?)) {
        Cause::Shortage(shortage)
    } else if let Some(name) = chain(source).find_map(|e| e.downcast_ref()) {
        Cause::Name(name)
    } else if let Some(tls) = chain(source).find_map(|e| e.downcast_ref()) {
        match chain(source).any(|e| of_a_proxy(&e.to_string()).is_some()) {
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
    } else if let Some(proxy) = chain(source).find_map(|e| of_a_proxy(&e.to_string())) {
        proxy
    } else if error.is_timeout() || find(io::ErrorKind::TimedOut) {
        Cause::ConnectTimeout
    } else if find(io::ErrorKind::ConnectionRefused) {
        Cause::Refused
    } else if CUT_OFF.into_iter().any(find) {
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

/// The proxy connectors have error types of their own, which they do not export: these are their words.
fn of_a_proxy(words: &str) -> Option<Cause<'static>> {
    if let Some(words) = words.strip_prefix("tunnel error: ") {
        return Some(match words {
            "proxy authorization required" => Cause::LoginWanted,
            "unsuccessful" | "proxy response headers too long" => Cause::TunnelRefused,
            _ => Cause::ProxyLost,
        });
    }
    let words = words.strip_prefix("SOCKS error: ")?;
    Some(match words {
        "failed to create underlying connection" | "io error during SOCKS handshake" => {
            Cause::ProxyLost
        }
        words => Cause::Socks(words.to_owned()),
    })
}

/// Turns a failure of the HTTP client into ours. `sent`: whether the service can have seen the request. `said`: what
/// the proxy answers, if it was asked why.
pub(crate) fn describe(
    error: &reqwest::Error,
    route: Route<'_>,
    sent: bool,
    said: Option<&ProxyAnswer>,
) -> Error {
    let described = match (cause(error), route.proxy) {
        (Cause::ProxyTls(tls), Some(proxy)) => proxy_tls_failed(proxy, tls, route),
        (Cause::LoginWanted, Some(proxy)) => login_wanted(proxy, said),
        (Cause::TunnelRefused, Some(proxy)) => tunnel_refused(proxy, said, route),
        (Cause::ProxyLost, Some(proxy)) => proxy_lost(proxy, error, said, route),
        (Cause::Socks(words), Some(proxy)) => socks_refused(proxy, &words, route),
        (cause, _) => without_proxy(cause, error, route),
    };
    described.with_delivery(delivery(sent))
}

fn without_proxy(cause: Cause<'_>, error: &reqwest::Error, route: Route<'_>) -> Error {
    match cause {
        Cause::Shortage(shortage) => {
            shortage.context(format_args!("no connection to {}", route.target()))
        }
        Cause::Name(name) => name_not_found(name, route),
        Cause::Tls(tls) | Cause::ProxyTls(tls) => tls_failed(tls, route),
        Cause::Refused => {
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
        Cause::CutOff if route.url.scheme() == "https" => handshake_cut_off(error, route),
        Cause::CutOff
        | Cause::Unconnected
        | Cause::LoginWanted
        | Cause::TunnelRefused
        | Cause::ProxyLost
        | Cause::Socks(_) => unconnected(error, route),
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

pub(crate) fn name_not_found(name: &NameNotFound, route: Route<'_>) -> Error {
    let (host, cause) = (&name.host, &name.cause);
    if let Some(shortage) = shortage::explained(cause) {
        return shortage.context(format_args!("the name {host} could not be looked up"));
    }
    let proxy_knows_more = match route.proxy {
        Some(proxy) => format!(
            "if only the proxy knows the outer names, give it as socks5h, not socks5, in {}",
            proxy.where_it_is_set()
        ),
        None => "in a network where only a proxy knows the outer names, name the proxy in HTTPS_PROXY or by the option \
                 proxy (socks5h, not socks5)"
            .to_owned(),
    };
    match route.proxy {
        Some(proxy) if proxy.host() == host => Error::new(
            ErrorKind::Proxy,
            format!("the proxy's name {host} is not found: {cause}"),
        )
        .with_remedy(format!("check {}", proxy.where_it_is_set())),
        _ => Error::new(
            ErrorKind::Connect,
            format!("the name {host} is not found: {cause}"),
        )
        .with_remedy(format!(
            "check the spelling of {host} and this machine's name service; {proxy_knows_more}"
        ))
        .without_connection(),
    }
}

fn no_connection(what: String, route: Route<'_>) -> Error {
    match route.proxy {
        // The address that refuses or keeps silent is then the proxy's.
        Some(proxy) => Error::new(ErrorKind::Proxy, format!("{what} through the proxy {proxy}"))
            .with_remedy(check_the_proxy(proxy)),
        None => Error::new(ErrorKind::Connect, what)
            .with_remedy(format!(
                "ask whether a firewall lets this machine out to {}; if it must go through a proxy, name it in \
                 HTTPS_PROXY or by the option proxy",
                route.target()
            ))
            .without_connection(),
    }
}

pub(crate) fn connection_failed(error: &io::Error, route: Route<'_>) -> Error {
    if let Some(shortage) = shortage::explained(error) {
        return shortage.context(format_args!("no connection to {}", route.target()));
    }
    let to = match route.proxy {
        Some(proxy) => format!("the proxy {proxy}"),
        None => route.target(),
    };
    let what = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{to} refuses the connection"),
        io::ErrorKind::TimedOut => {
            format!("no connection to {to} within {:?}", route.connect_timeout)
        }
        _ => format!("no connection to {to}: {error}"),
    };
    match route.proxy {
        Some(proxy) => Error::new(ErrorKind::Proxy, what).with_remedy(format!(
            "check that the proxy runs and that {} is right",
            proxy.where_it_is_set()
        )),
        None => no_connection(what, route),
    }
}

fn unconnected(error: &reqwest::Error, route: Route<'_>) -> Error {
    no_connection(
        format!("no connection to {}: {}", route.target(), root(error)),
        route,
    )
}

// ---- Proxies ----

/// Whether the proxy opens a route, as it says itself.
pub(crate) fn tunnel(proxy: &Proxy, said: Option<&ProxyAnswer>, route: Route<'_>) -> Result<()> {
    match said {
        Some(ProxyAnswer::Answered {
            status: 200..=299, ..
        }) => Ok(()),
        Some(ProxyAnswer::Answered { status: 407, .. }) => Err(login_wanted(proxy, said)),
        Some(ProxyAnswer::Unreachable(why)) => Err(proxy_unreachable(proxy, why)),
        Some(ProxyAnswer::Shortage(code)) => Err(shortage_of(*code, route)),
        _ => Err(tunnel_refused(proxy, said, route)),
    }
}

fn tunnel_refused(proxy: &Proxy, said: Option<&ProxyAnswer>, route: Route<'_>) -> Error {
    let target = route.target();
    let words = said.and_then(|said| said.refusal());
    match words {
        // Not the right status, but the one that some give to a wrong login.
        Some((401, _)) => login_wanted(proxy, said),
        // The proxy itself is well, and what is behind it may pass.
        Some((500..=504, words)) => Error::new(
            ErrorKind::Connect,
            format!("the proxy {proxy} cannot reach {target}; it says \"{words}\""),
        )
        .with_remedy(format!(
            "ask whoever runs the proxy whether it reaches {target}"
        ))
        .without_connection(),
        Some((_, words)) => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} refuses the way to {target}; it says \"{words}\""),
        )
        .with_remedy(format!(
            "ask whoever runs the proxy to permit {target}, or check {}",
            proxy.where_it_is_set()
        )),
        None => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} refused the way to {target}"),
        )
        .with_remedy(check_the_proxy(proxy)),
    }
}

fn login_wanted(proxy: &Proxy, said: Option<&ProxyAnswer>) -> Error {
    let mut what = match proxy.has_login() {
        true => format!("the proxy {proxy} refuses the user and password"),
        false => format!("the proxy {proxy} wants a user and password"),
    };
    if let Some((_, words)) = said.and_then(|said| said.refusal()) {
        what.push_str(&format!("; it says \"{words}\""));
    }
    let schemes = said.map(|said| said.schemes()).unwrap_or_default();
    let takes_ours = schemes.is_empty() || schemes.iter().any(|s| s.eq_ignore_ascii_case("basic"));
    let remedy = match takes_ours {
        true => proxy.how_to_log_in(),
        false => format!(
            "it takes {} only, and libumapi speaks Basic: ask for Basic or for an exception, or put a local relay \
             such as cntlm or px before it",
            schemes.join(", ")
        ),
    };
    Error::new(ErrorKind::Proxy, what)
        .with_http_status(407)
        .with_remedy(remedy)
}

fn proxy_lost(
    proxy: &Proxy,
    error: &reqwest::Error,
    said: Option<&ProxyAnswer>,
    route: Route<'_>,
) -> Error {
    match said {
        Some(ProxyAnswer::Shortage(code)) => shortage_of(*code, route),
        Some(ProxyAnswer::Unreachable(why)) => proxy_unreachable(proxy, why),
        _ => proxy_unreachable(proxy, &root(error)),
    }
}

fn shortage_of(code: i32, route: Route<'_>) -> Error {
    connection_failed(&io::Error::from_raw_os_error(code), route)
}

fn check_the_proxy(proxy: &Proxy) -> String {
    format!(
        "check that the proxy is of the kind that its address says, and that {} is right",
        proxy.where_it_is_set()
    )
}

fn proxy_tls_failed(proxy: &Proxy, error: &TlsError, route: Route<'_>) -> Error {
    let to_the_proxy = Route {
        url: proxy.address(),
        proxy: None,
        ..route
    };
    tls_failed(error, to_the_proxy)
        .with_kind(ErrorKind::Proxy)
        .context(format_args!("the proxy {proxy} cannot be used"))
}

fn proxy_unreachable(proxy: &Proxy, why: &str) -> Error {
    Error::new(
        ErrorKind::Proxy,
        format!("the proxy {proxy} cannot be reached: {why}"),
    )
    .with_remedy(format!(
        "check that the proxy runs and that {} is right",
        proxy.where_it_is_set()
    ))
}

fn socks_refused(proxy: &Proxy, words: &str, route: Route<'_>) -> Error {
    let target = route.target();
    match words {
        "credentials not accepted"
        | "server does not support user/pass authentication"
        | "server implements authentication incorrectly" => Error::new(
            ErrorKind::Proxy,
            match proxy.has_login() {
                true => format!("the proxy {proxy} refuses the user and password: {words}"),
                false => format!("the proxy {proxy} wants a user and password: {words}"),
            },
        )
        .with_remedy(proxy.how_to_log_in()),
        "connection not allowed" => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} refuses the way to {target}: {words}"),
        )
        .with_remedy(format!(
            "ask whoever runs the proxy to permit {target}, or check {}",
            proxy.where_it_is_set()
        )),
        "general server failure"
        | "network unreachable"
        | "host unreachable"
        | "connection refused"
        | "ttl expired" => Error::new(
            ErrorKind::Connect,
            format!("the proxy {proxy} cannot reach {target}: {words}"),
        )
        .with_remedy(format!(
            "ask whoever runs the proxy whether it reaches {target}"
        ))
        .without_connection(),
        _ => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} cannot be used: {words}"),
        )
        .with_remedy(format!(
            "check that it speaks SOCKS5 and that {} is right",
            proxy.where_it_is_set()
        )),
    }
}

// ---- TLS ----

/// So firewalls do with hosts that they do not permit. Who it was cannot be told from here.
fn handshake_cut_off(error: &reqwest::Error, route: Route<'_>) -> Error {
    let target = route.target();
    let between = match route.proxy {
        Some(proxy) => format!("the proxy {proxy} or a firewall behind it"),
        None => "a firewall".to_owned(),
    };
    Error::new(
        ErrorKind::Connect,
        format!(
            "the connection to {target} was cut off in the TLS handshake: {}",
            root(error)
        ),
    )
    .with_remedy(format!(
        "ask whether {between} permits {target}; something that inspects TLS may have to make an exception for it"
    ))
    .without_connection()
}

fn tls_failed(error: &TlsError, route: Route<'_>) -> Error {
    let target = route.target();
    let (what, remedy) = match error {
        TlsError::InvalidCertificate(problem) => certificate_refused(problem, route),
        TlsError::InvalidMessage(_) => (
            format!("what answers at {target} does not speak TLS"),
            "check the port: plain http may be spoken there".to_owned(),
        ),
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
        | TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (
            format!("{target} speaks no TLS of 1.2 or later"),
            format!("{} must be brought up to date", the_peer(route)),
        ),
        TlsError::AlertReceived(AlertDescription::HandshakeFailure)
        | TlsError::PeerIncompatible(_) => (
            format!("{target} and this library find no way of TLS in common: {error}"),
            format!("{} must be brought up to date", the_peer(route)),
        ),
        _ => (
            format!("the TLS handshake with {target} failed: {error}"),
            format!("ask whoever runs {}", the_peer(route)),
        ),
    };
    Error::new(ErrorKind::Tls, what).with_remedy(remedy)
}

/// Whoever speaks TLS there: behind a proxy it may be something that inspects.
fn the_peer(route: Route<'_>) -> String {
    match route.proxy {
        Some(proxy) => format!("{}, or what inspects TLS behind {proxy},", route.host()),
        None => route.host().to_owned(),
    }
}

fn certificate_refused(problem: &CertificateError, route: Route<'_>) -> (String, String) {
    let host = route.host();
    match problem {
        CertificateError::Other(OtherError(inner)) => {
            let is_self_signed = inner
                .downcast_ref::<UntrustedCertificate>()
                .is_some_and(|stranger| stranger.is_self_signed);
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
                names(presented)
            ),
            "check the host in the endpoint and in the token host, and what answers there"
                .to_owned(),
        ),
        CertificateError::ExpiredContext { time, not_after } => (
            format!(
                "the certificate of {host} has expired on {}",
                date(not_after)
            ),
            clock(host, time),
        ),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!(
                "the certificate of {host} is not valid before {}",
                date(not_before)
            ),
            clock(host, time),
        ),
        _ => (
            format!("the certificate of {host} cannot be accepted: {problem}"),
            format!("ask whoever runs {host}"),
        ),
    }
}

const ADD_YOUR_CA: &str =
    "if your company inspects TLS, add your company's CA certificate with the option ca_file";

const REPLACE_IT: &str =
    "give the host a certificate of a CA, and add that CA's certificate with the option ca_file";

/// The verifier gives them as `DnsName("a")` and `IpAddress(1.2.3.4)`.
fn names(presented: &[String]) -> String {
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
        // Beyond this year HTTP has no dates.
        Some(time) if time < SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800) => {
            httpdate::fmt_http_date(time)
        }
        _ => "a day too far off to name".to_owned(),
    }
}

fn clock(host: &str, now: &UnixTime) -> String {
    format!(
        "check this machine's clock, which says {}; if it is right, whoever runs {host} must renew the certificate",
        date(now)
    )
}

// ---- What errors hold ----

fn root(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, |deepest| deepest.to_string())
}

/// An error and everything that it says was its cause.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| next(*e))
}

fn next<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    inside_io(error).or_else(|| error.source())
}

/// `io::Error` passes over the error inside itself when asked for its source.
fn inside_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner as &(dyn StdError + 'static))
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    Some(error.downcast_ref::<io::Error>()?.kind())
}

#[cfg(test)]
mod tests {
    use super::super::proxy::Places;
    use super::*;

    #[test]
    fn a_proxy_that_takes_no_login_that_we_speak() {
        let proxy = Proxy::given(None, "url", "http://proxy.example:3128").unwrap();
        let said = ProxyAnswer::Answered {
            status: 407,
            words: "407 Access denied".to_owned(),
            schemes: vec!["Negotiate".to_owned(), "NTLM".to_owned()],
        };
        let error = login_wanted(&proxy, Some(&said));
        let remedy = error.remedy().unwrap();
        assert!(
            remedy.starts_with("it takes Negotiate, NTLM only"),
            "{remedy}"
        );
        assert!(error.message().contains("\"407 Access denied\""), "{error}");
        let error = login_wanted(&proxy, None);
        let remedy = error.remedy().unwrap();
        assert_eq!(
            remedy,
            "give the right user and password with the option proxy"
        );
    }

    #[test]
    fn a_proxy_is_named_by_where_it_was_set() {
        let address = "http://proxy.example:3128";
        let places = Places {
            address: "proxy in /etc/umapi.json".to_owned(),
            user: "proxy_user in /etc/umapi.json".to_owned(),
            password: "UMAPI_PROXY_PASSWORD in the environment".to_owned(),
        };
        let proxy = Proxy::given(Some(places.clone()), "", address).unwrap();
        let error = login_wanted(&proxy, None);
        let remedy = error.remedy().unwrap();
        assert!(
            remedy.ends_with(&format!("by {} and {}", places.user, places.password)),
            "{remedy}"
        );
        for error in [
            proxy_unreachable(&proxy, "refused"),
            Error::new(ErrorKind::Proxy, "x").with_remedy(check_the_proxy(&proxy)),
        ] {
            assert!(error.message().contains(&places.address), "{error}");
        }
    }

    #[test]
    fn a_shortage_is_nobodys_firewall() {
        let url = url::Url::parse("https://service.example").unwrap();
        let proxy = Proxy::given(None, "url", "http://proxy.example:3128").unwrap();
        for proxy in [None, Some(&proxy)] {
            let route = Route {
                url: &url,
                proxy,
                connect_timeout: Duration::from_secs(1),
            };
            let shortage = || io::Error::from_raw_os_error(24);
            let name = NameNotFound {
                host: "service.example".to_owned(),
                cause: shortage(),
            };
            for error in [
                connection_failed(&shortage(), route),
                name_not_found(&name, route),
            ] {
                assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
                assert!(error.message().contains(&shortage().to_string()), "{error}");
                assert!(!error.message().contains("proxy"), "{error}");
                assert!(!error.is_unconnected());
            }
        }
    }

    #[test]
    fn the_names_of_a_certificate() {
        let presented = ["DnsName(\"a.example\")", "IpAddress(1.2.3.4)", "other"];
        let presented = presented.map(str::to_owned);
        assert_eq!(names(&presented), "a.example, 1.2.3.4, other");
        assert_eq!(names(&[]), "no name");
    }
}
