//! `umapi-bench-server`: a server whose answers are rendered before the first request, so that only the client is measured.
//!
//! ```text
//! umapi-bench-server USERS PAGE_SIZE LATENCY_MS
//!
//! pages       the rendered pages of the listing
//! connection  requests and their answers, one thread for each connection
//! counters    the numbers of requests and actions, at GET /counters
//! ```
//!
//! It prints one JSON line with its address, and ends when its standard input is closed.

mod connection;
mod counters;
mod pages;

use connection::Service;
use std::io::{self, Read};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Option<Vec<usize>> = std::env::args().skip(1).map(|a| a.parse().ok()).collect();
    let Some(&[users, page_size, latency_ms]) = arguments.as_deref() else {
        eprintln!("usage: umapi-bench-server USERS PAGE_SIZE LATENCY_MS");
        return ExitCode::FAILURE;
    };
    let pages = pages::render(users, page_size.max(1));
    let latency = Duration::from_millis(latency_ms as u64);
    match serve(Service::new(pages, latency)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("umapi-bench-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until standard input ends.
fn serve(service: Service) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!(r#"{{"address":"http://{}"}}"#, listener.local_addr()?);
    let service = Arc::new(service);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let service = service.clone();
            // An error affects only this connection: the client has hung up.
            thread::spawn(move || service.serve_connection(stream));
        }
    });
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
