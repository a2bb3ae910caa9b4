//! The part of HTTP/1.1 that the measured clients use: connections kept alive, bodies of known length, no compression.

use crate::counters::Counters;
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

pub struct Service {
    /// The complete answers, head and body.
    pages: Vec<Vec<u8>>,
    latency: Duration,
    counters: Counters,
}

enum Route {
    Token,
    Page(usize),
    Action,
    Counters,
    Unknown,
}

impl Route {
    fn parse(path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match segments[..] {
            ["ims", "token", ..] => Route::Token,
            ["counters"] => Route::Counters,
            ["v2", "usermanagement", "action", _] => Route::Action,
            ["v2", "usermanagement", "users", _, page] => {
                page.parse().map_or(Route::Unknown, Route::Page)
            }
            _ => Route::Unknown,
        }
    }
}

impl Service {
    pub fn new(pages: Vec<Vec<u8>>, latency: Duration) -> Self {
        Service {
            pages,
            latency,
            counters: Counters::default(),
        }
    }

    /// Answers the requests of one connection until it is closed.
    pub fn serve_connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::with_capacity(64 << 10, stream);
        let mut body = Vec::new();
        while let Some(path) = read_request(&mut reader, &mut body)? {
            writer.write_all(&self.answer(&path, &body))?;
        }
        Ok(())
    }

    fn answer(&self, path: &str, body: &[u8]) -> Cow<'_, [u8]> {
        let route = Route::parse(path);
        match route {
            Route::Counters => return json(&self.counters.to_json()),
            Route::Page(_) | Route::Action => {
                self.counters.count_request();
                thread::sleep(self.latency);
            }
            Route::Token | Route::Unknown => {}
        }
        match route {
            Route::Page(number) => match self.pages.get(number) {
                Some(page) => Cow::Borrowed(page),
                None => json(r#"{"lastPage":true,"result":"Not found"}"#),
            },
            Route::Action => {
                let actions = body.windows(5).filter(|w| w == br#""do":"#).count();
                self.counters.count_actions(actions, body.len());
                json(&format!(
                    r#"{{"result":"success","completed":{actions},"notCompleted":0,"completedInTestMode":0}}"#
                ))
            }
            Route::Token => json(
                r#"{"access_token":"a-token-to-measure-with","token_type":"bearer","expires_in":86399}"#,
            ),
            _ => Cow::Borrowed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }
}

/// Reads a request, its body into `body`, and returns its path, or `None` after the client has hung up.
fn read_request(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            Some(_) => {}
            None => break,
        }
    }
    body.resize(length, 0);
    reader.read_exact(body)?;
    Ok(Some(path))
}

fn json(body: &str) -> Cow<'static, [u8]> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8";
    Cow::Owned(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}
