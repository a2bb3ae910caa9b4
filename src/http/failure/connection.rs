//! Errors of name lookups and of TCP connections.

use crate::error::{Error, ErrorKind};
use crate::http::resolve::NameNotFound;
use crate::http::route::Route;
use crate::shortage;
use std::io;

/// The error for a failed name lookup, of the proxy's name or of the host's.
pub(crate) fn name_not_found(name: &NameNotFound, route: Route<'_>) -> Error {
    let (host, cause) = (&name.host, &name.cause);
    if let Some(shortage) = shortage::to_error(cause) {
        return shortage.context(format_args!("the name {host} could not be looked up"));
    }
    let proxy_advice = match route.proxy {
        Some(proxy) => format!(
            "if only the proxy can look up external names, give it as socks5h, not socks5, in {}",
            proxy.where_it_is_set()
        ),
        None => "in a network where only a proxy can look up external names, name the proxy in HTTPS_PROXY or by the \
                 option proxy (socks5h, not socks5)"
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
            "check the spelling of {host} and this machine's name service; {proxy_advice}"
        ))
        .without_connection(),
    }
}

/// The error for a TCP connection, to the proxy or directly to the host, that the library itself tried to open.
pub(crate) fn connection_failed(error: &io::Error, route: Route<'_>) -> Error {
    if let Some(shortage) = shortage::to_error(error) {
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
        Some(proxy) => Error::new(ErrorKind::Proxy, what).with_remedy(proxy.check_it_runs()),
        None => no_connection(what, route),
    }
}

/// The error for a connection that the HTTP client could not establish; `what` says how it failed.
pub(super) fn no_connection(what: String, route: Route<'_>) -> Error {
    match route.proxy {
        // The address that refuses or does not answer is then the proxy's.
        Some(proxy) => Error::new(ErrorKind::Proxy, format!("{what} through the proxy {proxy}"))
            .with_remedy(proxy.check_its_kind()),
        None => Error::new(ErrorKind::Connect, what)
            .with_remedy(format!(
                "ask whether a firewall lets this machine out to {}; if connections must go through a proxy, name it in \
                 HTTPS_PROXY or by the option proxy",
                route.target()
            ))
            .without_connection(),
    }
}

pub(super) fn unconnected(why: &str, route: Route<'_>) -> Error {
    no_connection(format!("no connection to {}: {why}", route.target()), route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxy::Proxy;
    use std::time::Duration;

    #[test]
    fn a_shortage_is_not_blamed_on_a_firewall_or_a_proxy() {
        let url = url::Url::parse("https://service.example").unwrap();
        let proxy = Proxy::from_option("url", "http://proxy.example:3128", None).unwrap();
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
}
