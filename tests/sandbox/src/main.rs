//! `umapi-sandbox`: a faithful local stand-in for Adobe's User Management API.
//!
//! ```text
//! server    accepts connections, over TLS or plain, and gives each request a number
//! conduit   the stream below HTTP, which a fault can cut or stall at any byte
//! exchange  one request: faults, throttle, work, answer
//! route     which endpoint a path means
//! ims       tokens       read   listings       action   steps applied to
//! org       the organisation            limits   throttles
//! faults    rules of what goes wrong    scripted answers that a test writes
//! world     all state, behind one lock
//! control   the API that tests steer it by
//! ```

mod action;
mod announce;
mod conduit;
mod control;
mod exchange;
mod faults;
mod ims;
mod limits;
mod options;
mod org;
mod read;
mod reply;
mod route;
mod scripted;
mod server;
mod tls;
mod world;

use clap::Parser;
use options::Options;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use world::World;

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
    let until_told_to_end = end(options.exit_with_stdin);
    let tls = options.tls.then(tls::throw_away).transpose()?;
    let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
    let listener = server::bind(options.listen)?;
    let address = listener.local_addr()?;
    let control = server::bind(([127, 0, 0, 1], 0).into())?;
    let control_address = control.local_addr()?;

    let world = Arc::new(World::new(options)?);
    let api = server::serve_api(listener, acceptor, world.clone());
    let control = server::serve_control(control, world.clone());
    announce::print(&world, address, control_address, tls.as_ref())?;
    tokio::select! {
        result = api => result?,
        result = control => result?,
        () = until_told_to_end => {}
    }
    Ok(())
}

/// Waits for a signal, or for the end of standard input if that is to end the program too.
async fn end(with_stdin: bool) {
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

/// Reads on a thread of its own, which no end of the program has to wait for.
async fn end_of_stdin() {
    let (done, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        done.send(read.is_ok())
    });
    // An input that cannot be read has ended too.
    let _ = end.await;
}
