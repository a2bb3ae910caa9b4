//! Accepting connections: the API's, over TLS or not, and the control API's.

use crate::conduit::{Conduit, Stream};
use crate::world::World;
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

/// Serves until the listener fails; closes it for as long as connections are to be refused.
pub async fn serve_api(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    world: Arc<World>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut refusals = world.refusing_until.subscribe();
    let mut listener = Some(listener);
    loop {
        let until = *refusals.borrow_and_update();
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            listener = None;
            world.is_listening.store(false, Ordering::Relaxed);
            let _ = tokio::time::timeout_at(until.into(), refusals.changed()).await;
            continue;
        }
        let accepting = match listener.take() {
            Some(listener) => listener,
            None => bind(address)?,
        };
        world.is_listening.store(true, Ordering::Relaxed);
        tokio::select! {
            accepted = accepting.accept() => {
                let (tcp, _) = accepted?;
                tokio::spawn(connection(tcp, tls.clone(), world.clone()));
            }
            _ = refusals.changed() => {}
        }
        listener = Some(accepting);
    }
}

async fn connection(tcp: TcpStream, tls: Option<TlsAcceptor>, world: Arc<World>) {
    let number = {
        let mut state = world.state();
        state.counters.connections += 1;
        state.counters.open_connections += 1;
        state.counters.connections
    };
    let mut refusals = world.refusing_until.subscribe();
    tokio::select! {
        () = serve_connection(tcp, tls, &world, number) => {}
        // A server that goes down takes its connections with it.
        _ = refusals.changed() => {}
    }
    world.state().counters.open_connections -= 1;
}

async fn serve_connection(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    world: &Arc<World>,
    number: u64,
) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    while world.state().settings.hold_connections {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => Stream::Tls(Box::new(stream)),
            // A client that trusts no one, or hung up: the client tells.
            Err(_) => return,
        },
    };
    let (conduit, handle) = Conduit::new(stream);
    let service =
        service_fn(move |request| exchange::serve(request, world.clone(), handle.clone(), number));
    // What ends a connection is either a fault, which is in the list of requests, or the client's doing.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(conduit), service)
        .await;
}

pub async fn serve_control(listener: TcpListener, world: Arc<World>) -> io::Result<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        let world = world.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| control::serve(request, world.clone()));
            // A test that hangs up on the control API has its own words for it.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(tcp), service)
                .await;
        });
    }
}
