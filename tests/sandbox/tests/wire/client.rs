//! A sandbox without TLS, and raw requests to it, which show every fault.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

pub struct Sandbox {
    process: Child,
    stdin: Option<ChildStdin>,
    info: Value,
}

/// How an exchange ended.
#[derive(Debug)]
pub enum End {
    /// The connection was closed after this text.
    Closed(String),
    /// The connection was reset after this text.
    Reset(String),
    /// Nothing arrived for 300 ms after this text.
    Hangs(String),
    Refused,
}

impl End {
    pub fn status(&self) -> u16 {
        let (End::Closed(text) | End::Reset(text) | End::Hangs(text)) = self else {
            return 0;
        };
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or(0)
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let End::Closed(text) = self else { return None };
        let mut lines = text.split("\r\n\r\n").next()?.lines();
        lines.find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    pub fn body(&self) -> &str {
        let (End::Closed(text) | End::Reset(text) | End::Hangs(text)) = self else {
            return "";
        };
        text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or(Value::Null)
    }
}

impl Sandbox {
    pub fn start(options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_umapi-sandbox"))
            .arg("--exit-with-stdin")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let stdout = process.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the sandbox announces its addresses");
        Sandbox {
            stdin: process.stdin.take(),
            process,
            info: serde_json::from_str(&line).expect("the announcement is JSON"),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.info[key].as_str().unwrap_or_default()
    }

    pub fn send(&self, head: &str, body: &str) -> End {
        exchange(self.text("auth_host"), head, body)
    }

    pub fn token(&self) -> String {
        let answer = self.control("POST", "/tokens", &Value::Null);
        answer["token"].as_str().unwrap_or_default().to_owned()
    }

    fn call(&self, method: &str, path: &str, body: &str) -> End {
        let (token, key) = (self.token(), self.text("client_id"));
        let head = format!(
            "{method} /v2/usermanagement{path} HTTP/1.1\r\nauthorization: Bearer {token}\r\nx-api-key: {key}\r\n\
             content-type: application/json"
        );
        self.send(&head, body)
    }

    pub fn get(&self, path: &str) -> End {
        self.call("GET", path, "")
    }

    pub fn act(&self, entries: &Value) -> End {
        self.call("POST", "/action/12345ABCDE@AdobeOrg", &entries.to_string())
    }

    pub fn act_in_test_mode(&self, entries: &Value) -> End {
        let path = "/action/12345ABCDE@AdobeOrg?testOnly=true";
        self.call("POST", path, &entries.to_string())
    }

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let end = self.control_request(method, path, body);
        assert_eq!(end.status(), 200, "{method} {path}: {end:?}");
        end.json()
    }

    /// Sends a request to the control API and returns its answer, which may be a refusal.
    pub fn control_request(&self, method: &str, path: &str, body: &Value) -> End {
        let address = self.text("control").trim_start_matches("http://");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        exchange(address, &format!("{method} {path} HTTP/1.1"), &body)
    }

    pub fn fault(&self, rule: Value) {
        self.control("DELETE", "/faults", &Value::Null);
        self.control("POST", "/faults", &rule);
    }

    /// How many steps were applied since the start.
    pub fn applied(&self) -> usize {
        let ledger = self.control("GET", "/ledger", &Value::Null);
        let lines = ledger.as_array().expect("the ledger is a list");
        lines
            .iter()
            .filter(|line| line["applied"] == json!(true))
            .count()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

fn exchange(address: &str, head: &str, body: &str) -> End {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return End::Refused;
    };
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout can be set");
    let length = body.len();
    // The connection may be reset before the whole request is written.
    let _ = write!(
        stream,
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = || String::from_utf8_lossy(&answer).into_owned();
        match stream.read(&mut chunk) {
            Ok(0) => return End::Closed(text()),
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return End::Hangs(text());
            }
            Err(_) => return End::Reset(text()),
        }
        if answer.len() > 1 << 20 {
            return End::Hangs(String::from_utf8_lossy(&answer).into_owned());
        }
    }
}
