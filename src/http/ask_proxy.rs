//! A CONNECT request of the library's own, made to learn why an HTTP proxy refuses a tunnel. The HTTP client reports only
//! that the proxy refused, and drops the proxy's answer.

use super::proxy::Proxy;
use super::resolve;
use super::route::Route;
use crate::shortage;
use reqwest::header::HeaderValue;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest wait for the proxy's explanation; the call that failed waits for it too.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes read of the proxy's answer.
const LONGEST_HEAD: usize = 8192;

/// The result of a CONNECT request to a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyAnswer {
    /// The proxy itself could not be reached, for this reason.
    Unreachable(String),
    /// The operating system had no descriptor or memory for a connection; its error code.
    Shortage(i32),
    /// The proxy answered.
    Answered {
        status: u16,
        /// The status line without the HTTP version, printable and at most 200 characters long.
        status_line: String,
        /// The authentication schemes that the proxy accepts, from `Proxy-Authenticate`.
        schemes: Vec<String>,
    },
}

impl ProxyAnswer {
    /// The status and the status line of a refusal; `None` if the proxy did not answer, or opened the tunnel.
    pub(crate) fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            ProxyAnswer::Answered {
                status,
                status_line,
                ..
            } if !(200..300).contains(status) => Some((*status, status_line)),
            _ => None,
        }
    }

    /// The authentication schemes that the proxy accepts; empty if it names none.
    pub(crate) fn schemes(&self) -> &[String] {
        match self {
            ProxyAnswer::Answered { schemes, .. } => schemes,
            ProxyAnswer::Unreachable(_) | ProxyAnswer::Shortage(_) => &[],
        }
    }
}

/// The proxy's answer to a CONNECT request for the host; `None` if there is no proxy, or no readable answer in time.
/// `with_login` is false after the proxy has refused the login, because some proxies lock an account after too many
/// failures.
pub(crate) async fn answer_to_connect(route: Route<'_>, with_login: bool) -> Option<ProxyAnswer> {
    let proxy = route.proxy?;
    let answer = async {
        let connection = match connect(proxy).await {
            Ok(connection) => connection,
            Err(error) if shortage::to_error(&error).is_some() => {
                return error.raw_os_error().map(ProxyAnswer::Shortage);
            }
            Err(error) => return Some(ProxyAnswer::Unreachable(error.to_string())),
        };
        if !proxy.speaks_plain_http() {
            return None;
        }
        let login = proxy.authorization().filter(|_| with_login);
        let head = request_tunnel(connection, &route.target(), login).await?;
        parse_head(&proxy.secrets().redact(&head))
    };
    tokio::time::timeout(TIMEOUT, answer).await.ok()?
}

async fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    let addresses = resolve::addresses(proxy.host(), proxy.port()).await;
    let addresses = addresses.map_err(|name| match shortage::to_error(&name.cause) {
        Some(_) => name.cause,
        None => io::Error::other(name),
    })?;
    TcpStream::connect(addresses.as_slice()).await
}

/// Sends the CONNECT request, and returns the head of the answer.
async fn request_tunnel(
    mut proxy: TcpStream,
    target: &str,
    login: Option<HeaderValue>,
) -> Option<String> {
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    proxy.write_all(request.as_bytes()).await.ok()?;
    if let Some(login) = login {
        proxy.write_all(b"Proxy-Authorization: ").await.ok()?;
        proxy.write_all(login.as_bytes()).await.ok()?;
        proxy.write_all(b"\r\n").await.ok()?;
    }
    proxy.write_all(b"\r\n").await.ok()?;
    let mut head = Vec::new();
    while head.len() < LONGEST_HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if proxy.read_buf(&mut head).await.ok()? == 0 {
            break;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn parse_head(head: &str) -> Option<ProxyAnswer> {
    let mut lines = head.split("\r\n").take_while(|line| !line.is_empty());
    let (version, status_line) = lines.next()?.split_once(' ')?;
    if !version.starts_with("HTTP/") {
        return None;
    }
    let status = status_line.get(..3)?.parse().ok()?;
    let schemes = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let scheme = value.split_whitespace().next()?;
        name.eq_ignore_ascii_case("proxy-authenticate")
            .then(|| printable(scheme))
    });
    Some(ProxyAnswer::Answered {
        status,
        status_line: printable(status_line),
        schemes: schemes.collect(),
    })
}

/// Foreign text without control characters and short enough for one line of a log.
fn printable(text: &str) -> String {
    let printable = text.trim().chars().filter(|c| !c.is_control());
    printable.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_parsed() {
        let head = "HTTP/1.1 407 Log in\u{7} first\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Negotiate x\r\n\r\n";
        let answer = parse_head(head).unwrap();
        assert_eq!(answer.refusal(), Some((407, "407 Log in first")));
        assert_eq!(answer.schemes(), ["NTLM", "Negotiate"]);
        assert_eq!(parse_head("HTTP/1.0 200 OK\r\n").unwrap().refusal(), None);
        for bad in [
            "",
            "220 ftp.example",
            "HTTP/1.1",
            "HTTP/1.1 ab",
            "HTTP/1.1 99",
        ] {
            assert_eq!(parse_head(bad), None, "{bad}");
        }
    }
}
