//! A sandbox for Rust tests, and the support of random schedules.

#![allow(dead_code, reason = "each test uses a part of the module")]

pub mod c_api;
pub mod faults;
pub mod schedules;

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;
use umapi::{ClientOptions, Credentials, RetryPolicy};

/// A running sandbox. It ends when its standard input is closed, at the latest when this is dropped.
pub struct Sandbox {
    process: Child,
    stdin: Option<ChildStdin>,
    info: Value,
}

impl Sandbox {
    pub fn start(options: &[&str]) -> Self {
        let mut process = Command::new(program())
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

    pub fn info(&self, key: &str) -> &str {
        self.info[key].as_str().unwrap_or_default()
    }

    pub fn credentials(&self) -> Credentials {
        let mut credentials =
            Credentials::oauth(self.info("client_id"), self.info("client_secret"))
                .expect("the sandbox's credentials are good");
        credentials
            .set_auth_host(self.info("auth_url"))
            .expect("the sandbox's address is good");
        credentials
    }

    /// Options without rate limits of the client, and with retries after a millisecond.
    pub fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::default();
        options
            .set_endpoint(self.info("endpoint"))
            .expect("the sandbox's address is good");
        if !self.info("ca_file").is_empty() {
            let ca = std::fs::read(self.info("ca_file")).expect("the sandbox's CA is there");
            options.add_ca_certificates(&ca).expect("it is a CA");
        }
        for option in ClientOptions::table() {
            if option.key().starts_with("rate_limit_") {
                options.set(option.key(), "off").expect("it is a value");
            }
        }
        let retry = RetryPolicy {
            first_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        options.set_retry(retry).expect("the times are good");
        options
    }

    /// Sends a request to the control API, which must succeed.
    pub fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let address = self.info("control").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the control API listens");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("the control API reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the control API answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("in HTTP");
        assert!(
            head.starts_with("HTTP/1.1 200"),
            "{method} {path}: {answer}"
        );
        serde_json::from_str(body).expect("in JSON")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

/// The sandbox's program: `UMAPI_SANDBOX`, or where Cargo builds it, near this test.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("UMAPI_SANDBOX") {
        return path.into();
    }
    let test = std::env::current_exe().expect("this test has a path");
    let program = test
        .ancestors()
        .map(|directory| directory.join("umapi-sandbox"))
        .find(|program| program.is_file());
    program.expect("the sandbox is built: cargo build -p umapi-sandbox")
}
