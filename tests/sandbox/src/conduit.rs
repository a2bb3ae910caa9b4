//! The stream that HTTP runs over, which a fault can cut, stall or replace at any byte of an answer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

/// What is to happen to the bytes that HTTP writes.
#[derive(Debug, Default)]
enum Order {
    #[default]
    Pass,
    /// Lets so many bytes through, and then breaks the connection or leaves it hanging.
    Cut { after: usize, then: End },
    /// Lets nothing through for a while.
    Hold(Pin<Box<Sleep>>),
    /// Writes these bytes instead, and then hangs up.
    Replace(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Reset,
    /// For so long, or for ever.
    Stall(Option<Duration>),
}

#[derive(Debug, Default)]
struct Orders {
    order: Order,
    reset_at_the_end: bool,
}

/// The hand of a fault on a connection.
#[derive(Clone, Debug, Default)]
pub struct Handle(Arc<Mutex<Orders>>);

impl Handle {
    fn with<T>(&self, act: impl FnOnce(&mut Orders) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// However the connection ends, the peer is to see a reset.
    pub fn reset_at_the_end(&self) {
        self.with(|orders| orders.reset_at_the_end = true);
    }

    pub fn cut(&self, after: usize, then: End) {
        self.with(|orders| orders.order = Order::Cut { after, then });
    }

    pub fn replace(&self, bytes: Vec<u8>) {
        self.with(|orders| orders.order = Order::Replace(bytes));
    }
}

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    fn io(&mut self) -> Pin<&mut (dyn ReadWrite + Unpin)> {
        match self {
            Stream::Plain(tcp) => Pin::new(tcp),
            Stream::Tls(tls) => Pin::new(&mut **tls),
        }
    }
}

trait ReadWrite: AsyncRead + AsyncWrite {}
impl<T: AsyncRead + AsyncWrite> ReadWrite for T {}

pub struct Conduit {
    stream: Stream,
    handle: Handle,
}

impl Conduit {
    pub fn new(stream: Stream) -> (Self, Handle) {
        let handle = Handle::default();
        let conduit = Conduit {
            stream,
            handle: handle.clone(),
        };
        (conduit, handle)
    }

    fn broken() -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for Conduit {
    fn drop(&mut self) {
        if self.handle.with(|orders| orders.reset_at_the_end) {
            // A socket that is gone already needs no reset.
            let _ = socket2::SockRef::from(self.stream.tcp()).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Conduit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.io().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Conduit {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let handle = self.handle.clone();
        handle.with(|orders| match &mut orders.order {
            Order::Pass => self.stream.io().poll_write(cx, bytes),
            Order::Hold(until) => {
                std::task::ready!(until.as_mut().poll(cx));
                orders.order = Order::Pass;
                self.stream.io().poll_write(cx, bytes)
            }
            Order::Cut {
                after: 0,
                then: End::Stall(for_how_long),
            } => {
                let Some(time) = *for_how_long else {
                    return Poll::Pending;
                };
                orders.order = Order::Hold(Box::pin(tokio::time::sleep(time)));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Order::Cut {
                after: 0,
                then: End::Reset,
            } => {
                orders.reset_at_the_end = true;
                Conduit::broken()
            }
            Order::Cut { after, .. } => {
                let most = bytes.len().min(*after);
                let written = self.stream.io().poll_write(cx, &bytes[..most]);
                if let Poll::Ready(Ok(length)) = written {
                    *after -= length;
                }
                written
            }
            Order::Replace(own) if own.is_empty() => Conduit::broken(),
            Order::Replace(own) => match self.stream.io().poll_write(cx, own) {
                Poll::Ready(Ok(length)) => {
                    own.drain(..length);
                    // Claims the least, so as to be asked again until all is written.
                    Poll::Ready(Ok(bytes.len().min(1)))
                }
                other => other,
            },
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.io().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.handle.with(|orders| orders.reset_at_the_end) {
            true => Poll::Ready(Ok(())),
            false => self.stream.io().poll_shutdown(cx),
        }
    }
}
