//! `umapi-sandbox`: a faithful local stand-in for Adobe's User Management API.
//!
//! ```text
//! server         accepts connections, over TLS or plain, and serves HTTP on them
//! faulty_stream  the stream below HTTP, which a fault can cut or stall at any byte
//! exchange       one request: faults, authorisation, throttle, work, answer
//! route          the endpoint that a path names
//! ims            the token endpoints
//! read           listings, one user, the service's status
//! action         steps, applied to the organisation
//! org            the organisation: users, groups, domains
//! limits         the throttles
//! faults         the rules that say which requests go wrong, and how
//! scripted       answers that a test writes
//! sandbox        all state, behind one lock
//! control        the control API, for tests
//! ```

mod action;
mod announce;
mod control;
mod exchange;
mod faults;
mod faulty_stream;
mod ims;
mod limits;
mod options;
mod org;
mod read;
mod reply;
mod route;
mod sandbox;
mod scripted;
mod server;
mod tls;

use clap::Parser;
use options::Options;
use sandbox::Sandbox;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("umapi-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let until_stopped = stop_requested(options.exit_with_stdin);
    let tls = options.tls.then(tls::generate).transpose()?;
    let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
    let listener = server::bind(options.listen)?;
    let address = listener.local_addr()?;
    let control = server::bind(([127, 0, 0, 1], 0).into())?;
    let control_address = control.local_addr()?;

    let sandbox = Arc::new(Sandbox::new(options)?);
    let api = server::serve_api(listener, acceptor, sandbox.clone());
    let control = server::serve_control(control, sandbox.clone());
    announce::print(&sandbox, address, control_address, tls.as_ref())?;
    tokio::select! {
        result = api => result?,
        result = control => result?,
        () = until_stopped => {}
    }
    Ok(())
}

/// Waits for SIGTERM or SIGINT, and with `with_stdin` also for the end of standard input.
async fn stop_requested(with_stdin: bool) {
    let stdin_closed = async {
        match with_stdin {
            true => end_of_stdin().await,
            false => std::future::pending().await,
        }
    };
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stdin_closed => {}
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Reads standard input to its end on a thread of its own, which the program does not join when it ends.
async fn end_of_stdin() {
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        done.send(read.is_ok())
    });
    // An input that cannot be read counts as ended, and so does a reader thread that is gone.
    let _ = ended.await;
}
