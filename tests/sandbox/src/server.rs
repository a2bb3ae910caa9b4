//! The listeners: of the service's API, with TLS or without, and of the control API.

use crate::faulty_stream::{FaultyStream, Stream};
use crate::sandbox::Sandbox;
use crate::{control, exchange};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Serves until the listener fails. The listener is closed for as long as connections are to be refused.
pub async fn serve_api(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    sandbox: Arc<Sandbox>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut refusals = sandbox.refusing_until.subscribe();
    let mut listener = Some(listener);
    loop {
        let until = *refusals.borrow_and_update();
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            listener = None;
            sandbox.is_listening.store(false, Ordering::Relaxed);
            let _ = tokio::time::timeout_at(until.into(), refusals.changed()).await;
            continue;
        }
        let accepting = match listener.take() {
            Some(listener) => listener,
            None => bind(address)?,
        };
        sandbox.is_listening.store(true, Ordering::Relaxed);
        tokio::select! {
            accepted = accepting.accept() => {
                let (tcp, _) = accepted?;
                tokio::spawn(connection(tcp, tls.clone(), sandbox.clone()));
            }
            _ = refusals.changed() => {}
        }
        listener = Some(accepting);
    }
}

async fn connection(tcp: TcpStream, tls: Option<TlsAcceptor>, sandbox: Arc<Sandbox>) {
    let number = {
        let mut state = sandbox.state();
        state.counters.connections += 1;
        state.counters.open_connections += 1;
        state.counters.connections
    };
    let mut refusals = sandbox.refusing_until.subscribe();
    tokio::select! {
        () = serve_connection(tcp, tls, &sandbox, number) => {}
        // A refusal also closes the connections that are open, as the end of a server does.
        _ = refusals.changed() => {}
    }
    sandbox.state().counters.open_connections -= 1;
}

async fn serve_connection(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    sandbox: &Arc<Sandbox>,
    number: u64,
) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    while sandbox.state().settings.hold_connections {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => Stream::Tls(Box::new(stream)),
            // The client does not trust the certificate, or hung up; the client reports it.
            Err(_) => return,
        },
    };
    let (stream, controller) = FaultyStream::new(stream);
    let service = service_fn(move |request| {
        exchange::serve(request, sandbox.clone(), controller.clone(), number)
    });
    // A connection is ended by a fault, which is in the list of requests, or by the client.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

pub async fn serve_control(listener: TcpListener, sandbox: Arc<Sandbox>) -> io::Result<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| control::serve(request, sandbox.clone()));
            // A test that hangs up on the control API reports the failure itself.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(tcp), service)
                .await;
        });
    }
}
