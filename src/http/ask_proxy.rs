//! Asks an HTTP proxy why it opens no route: the HTTP client keeps only that it did not, and forgets its words.

use super::proxy::Proxy;
use super::resolve;
use super::route::Route;
use crate::shortage;
use reqwest::header::HeaderValue;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An explanation is not worth more than this.
const PATIENCE: Duration = Duration::from_secs(5);

const LONGEST_HEAD: usize = 8192;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyAnswer {
    /// In whose words the proxy itself could not be reached.
    Unreachable(String),
    /// The operating system had nothing left for a connection; its error code.
    Shortage(i32),
    Answered {
        status: u16,
        /// The line that it answered with, without the version.
        words: String,
        /// What it takes in `Proxy-Authorization`.
        schemes: Vec<String>,
    },
}

impl ProxyAnswer {
    /// Status and words, if it is a refusal.
    pub(crate) fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            ProxyAnswer::Answered { status, words, .. } if !(200..300).contains(status) => {
                Some((*status, words))
            }
            _ => None,
        }
    }

    pub(crate) fn schemes(&self) -> &[String] {
        match self {
            ProxyAnswer::Answered { schemes, .. } => schemes,
            ProxyAnswer::Unreachable(_) | ProxyAnswer::Shortage(_) => &[],
        }
    }
}

/// What the proxy says to a request for a way to the host; `None` if it says nothing that can be understood.
/// `with_login`: not after it refused ours, for some proxies lock out who fails too often.
pub(crate) async fn ask(route: Route<'_>, with_login: bool) -> Option<ProxyAnswer> {
    let proxy = route.proxy?;
    let asked = async {
        let connection = match connect(proxy).await {
            Ok(connection) => connection,
            Err(error) if shortage::explained(&error).is_some() => {
                return error.raw_os_error().map(ProxyAnswer::Shortage);
            }
            Err(error) => return Some(ProxyAnswer::Unreachable(error.to_string())),
        };
        if !proxy.speaks_plain_http() {
            return None;
        }
        let login = proxy.authorization().filter(|_| with_login);
        let head = request_a_way(connection, &route.target(), login).await?;
        understand(&proxy.secrets().blot(&head))
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()?
}

async fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    let addresses = resolve::addresses(proxy.host(), proxy.port()).await;
    let addresses = addresses.map_err(|name| match shortage::explained(&name.cause) {
        Some(_) => name.cause,
        None => io::Error::other(name),
    })?;
    TcpStream::connect(addresses.as_slice()).await
}

async fn request_a_way(
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

fn understand(head: &str) -> Option<ProxyAnswer> {
    let mut lines = head.split("\r\n").take_while(|line| !line.is_empty());
    let (version, words) = lines.next()?.split_once(' ')?;
    if !version.starts_with("HTTP/") {
        return None;
    }
    let status = words.get(..3)?.parse().ok()?;
    let schemes = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let scheme = value.split_whitespace().next()?;
        name.eq_ignore_ascii_case("proxy-authenticate")
            .then(|| printable(scheme))
    });
    Some(ProxyAnswer::Answered {
        status,
        words: printable(words),
        schemes: schemes.collect(),
    })
}

/// Foreign words, fit for a line of a log.
fn printable(words: &str) -> String {
    let words = words.trim().chars().filter(|c| !c.is_control());
    words.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_understood() {
        let head = "HTTP/1.1 407 Log in\u{7} first\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Negotiate x\r\n\r\n";
        let answer = understand(head).unwrap();
        assert_eq!(answer.refusal(), Some((407, "407 Log in first")));
        assert_eq!(answer.schemes(), ["NTLM", "Negotiate"]);
        assert_eq!(understand("HTTP/1.0 200 OK\r\n").unwrap().refusal(), None);
        for bad in [
            "",
            "220 ftp.example",
            "HTTP/1.1",
            "HTTP/1.1 ab",
            "HTTP/1.1 99",
        ] {
            assert_eq!(understand(bad), None, "{bad}");
        }
    }
}
