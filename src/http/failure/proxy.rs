//! Errors of proxies: refused logins, refused tunnels, and proxies that cannot be reached.

use super::connection::connection_failed;
use super::tls::tls_failed;
use crate::error::{Error, ErrorKind, Result};
use crate::http::ask_proxy::ProxyAnswer;
use crate::http::proxy::Proxy;
use crate::http::route::Route;
use rustls::Error as TlsError;
use std::io;

/// `Ok` if the proxy's answer to a CONNECT request establishes a tunnel; otherwise the error that the answer stands for.
pub(crate) fn check_tunnel_answer(
    proxy: &Proxy,
    answer: Option<&ProxyAnswer>,
    route: Route<'_>,
) -> Result<()> {
    match answer {
        Some(ProxyAnswer::Answered {
            status: 200..=299, ..
        }) => Ok(()),
        Some(ProxyAnswer::Answered { status: 407, .. }) => Err(login_required(proxy, answer)),
        Some(ProxyAnswer::Unreachable(why)) => Err(proxy_unreachable(proxy, why)),
        Some(ProxyAnswer::Shortage(code)) => Err(shortage_error(*code, route)),
        _ => Err(tunnel_refused(proxy, answer, route)),
    }
}

pub(super) fn tunnel_refused(
    proxy: &Proxy,
    answer: Option<&ProxyAnswer>,
    route: Route<'_>,
) -> Error {
    let target = route.target();
    match answer.and_then(|answer| answer.refusal()) {
        // RFC 9110 has 407 for this, but some proxies answer a wrong login with 401.
        Some((401, _)) => login_required(proxy, answer),
        // The proxy itself works; the failure behind it may be temporary.
        Some((500..=504, line)) => {
            cannot_reach(proxy, &target, format_args!("; it says \"{line}\""))
        }
        Some((_, line)) => not_permitted(proxy, &target, format_args!("; it says \"{line}\"")),
        None => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} refused to connect to {target}"),
        )
        .with_remedy(proxy.check_its_kind()),
    }
}

/// The error for a proxy that works and has no connection to the host. It may be temporary.
fn cannot_reach(proxy: &Proxy, target: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Connect,
        format!("the proxy {proxy} cannot reach {target}{reason}"),
    )
    .with_remedy(format!(
        "ask the proxy's operator whether the proxy reaches {target}"
    ))
    .without_connection()
}

/// The error for a proxy that does not permit connections to the host.
fn not_permitted(proxy: &Proxy, target: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Proxy,
        format!("the proxy {proxy} refuses to connect to {target}{reason}"),
    )
    .with_remedy(format!(
        "ask the proxy's operator to permit {target}, or check {}",
        proxy.where_it_is_set()
    ))
}

pub(super) fn login_required(proxy: &Proxy, answer: Option<&ProxyAnswer>) -> Error {
    let mut what = match proxy.has_login() {
        true => format!("the proxy {proxy} refuses the user and password"),
        false => format!("the proxy {proxy} requires a user and password"),
    };
    if let Some((_, line)) = answer.and_then(|answer| answer.refusal()) {
        what.push_str(&format!("; it says \"{line}\""));
    }
    let schemes = answer.map(|answer| answer.schemes()).unwrap_or_default();
    let accepts_basic =
        schemes.is_empty() || schemes.iter().any(|s| s.eq_ignore_ascii_case("basic"));
    let remedy = match accepts_basic {
        true => proxy.how_to_log_in(),
        false => format!(
            "it accepts {} only, and libumapi supports Basic: ask for Basic or for an exception, or connect through a \
             local relay such as cntlm or px",
            schemes.join(", ")
        ),
    };
    Error::new(ErrorKind::Proxy, what)
        .with_http_status(407)
        .with_remedy(remedy)
}

pub(super) fn proxy_failed(
    proxy: &Proxy,
    why: &str,
    answer: Option<&ProxyAnswer>,
    route: Route<'_>,
) -> Error {
    match answer {
        Some(ProxyAnswer::Shortage(code)) => shortage_error(*code, route),
        Some(ProxyAnswer::Unreachable(why)) => proxy_unreachable(proxy, why),
        _ => proxy_unreachable(proxy, why),
    }
}

fn shortage_error(code: i32, route: Route<'_>) -> Error {
    connection_failed(&io::Error::from_raw_os_error(code), route)
}

pub(super) fn proxy_tls_failed(proxy: &Proxy, error: &TlsError, route: Route<'_>) -> Error {
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
    .with_remedy(proxy.check_it_runs())
}

/// The error for the message of a SOCKS proxy.
pub(super) fn socks_refused(proxy: &Proxy, message: &str, route: Route<'_>) -> Error {
    let target = route.target();
    match message {
        "credentials not accepted"
        | "server does not support user/pass authentication"
        | "server implements authentication incorrectly" => Error::new(
            ErrorKind::Proxy,
            match proxy.has_login() {
                true => format!("the proxy {proxy} refuses the user and password: {message}"),
                false => format!("the proxy {proxy} requires a user and password: {message}"),
            },
        )
        .with_remedy(proxy.how_to_log_in()),
        "connection not allowed" => not_permitted(proxy, &target, format_args!(": {message}")),
        "general server failure"
        | "network unreachable"
        | "host unreachable"
        | "connection refused"
        | "ttl expired" => cannot_reach(proxy, &target, format_args!(": {message}")),
        _ => Error::new(
            ErrorKind::Proxy,
            format!("the proxy {proxy} cannot be used: {message}"),
        )
        .with_remedy(format!(
            "check that the proxy speaks SOCKS5 and that {} is right",
            proxy.where_it_is_set()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxy::SettingNames;

    #[test]
    fn a_proxy_without_basic_authentication_is_explained() {
        let proxy = Proxy::from_option("url", "http://proxy.example:3128", None).unwrap();
        let answer = ProxyAnswer::Answered {
            status: 407,
            status_line: "407 Access denied".to_owned(),
            schemes: vec!["Negotiate".to_owned(), "NTLM".to_owned()],
        };
        let error = login_required(&proxy, Some(&answer));
        let remedy = error.remedy().unwrap();
        assert!(
            remedy.starts_with("it accepts Negotiate, NTLM only"),
            "{remedy}"
        );
        assert!(error.message().contains("\"407 Access denied\""), "{error}");
        let error = login_required(&proxy, None);
        let remedy = error.remedy().unwrap();
        assert_eq!(
            remedy,
            "give the right user and password with the option proxy"
        );
    }

    #[test]
    fn messages_name_the_setting_of_the_proxy() {
        let address = "http://proxy.example:3128";
        let settings = SettingNames {
            address: "proxy in /etc/umapi.json".to_owned(),
            user: "proxy_user in /etc/umapi.json".to_owned(),
            password: "UMAPI_PROXY_PASSWORD in the environment".to_owned(),
        };
        let proxy = Proxy::from_option("", address, Some(settings.clone())).unwrap();
        let error = login_required(&proxy, None);
        let remedy = error.remedy().unwrap();
        assert!(
            remedy.ends_with(&format!("by {} and {}", settings.user, settings.password)),
            "{remedy}"
        );
        for error in [
            proxy_unreachable(&proxy, "refused"),
            Error::new(ErrorKind::Proxy, "x").with_remedy(proxy.check_its_kind()),
        ] {
            assert!(error.message().contains(&settings.address), "{error}");
        }
    }
}
