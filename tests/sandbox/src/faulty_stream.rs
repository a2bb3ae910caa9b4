//! The stream below HTTP, which a fault can cut, stall or replace at any byte of an answer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

/// What happens to the bytes that HTTP writes.
#[derive(Debug, Default)]
enum WriteMode {
    #[default]
    Pass,
    /// Lets `after` bytes pass, and then resets or stalls the connection.
    Cut { after: usize, then: End },
    /// Lets nothing pass until the timer expires.
    Hold(Pin<Box<Sleep>>),
    /// Writes these bytes instead, and then closes the connection.
    Replace(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Reset,
    /// For the given time, or for ever.
    Stall(Option<Duration>),
}

#[derive(Debug, Default)]
struct Control {
    mode: WriteMode,
    reset_on_close: bool,
}

/// A handle on a connection, by which a fault changes what is written to it.
#[derive(Clone, Debug, Default)]
pub struct StreamController(Arc<Mutex<Control>>);

impl StreamController {
    fn with<T>(&self, act: impl FnOnce(&mut Control) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the peer see a reset, in whatever way the connection ends.
    pub fn reset_on_close(&self) {
        self.with(|control| control.reset_on_close = true);
    }

    pub fn cut(&self, after: usize, then: End) {
        self.with(|control| control.mode = WriteMode::Cut { after, then });
    }

    pub fn replace(&self, bytes: Vec<u8>) {
        self.with(|control| control.mode = WriteMode::Replace(bytes));
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

pub struct FaultyStream {
    stream: Stream,
    controller: StreamController,
}

impl FaultyStream {
    pub fn new(stream: Stream) -> (Self, StreamController) {
        let controller = StreamController::default();
        let faulty_stream = FaultyStream {
            stream,
            controller: controller.clone(),
        };
        (faulty_stream, controller)
    }

    fn aborted() -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.controller.with(|control| control.reset_on_close) {
            // The error is of a socket that is gone, which needs no reset.
            let _ = socket2::SockRef::from(self.stream.tcp()).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.io().poll_read(cx, buffer)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let controller = self.controller.clone();
        controller.with(|control| match &mut control.mode {
            WriteMode::Pass => self.stream.io().poll_write(cx, bytes),
            WriteMode::Hold(until) => {
                std::task::ready!(until.as_mut().poll(cx));
                control.mode = WriteMode::Pass;
                self.stream.io().poll_write(cx, bytes)
            }
            WriteMode::Cut {
                after: 0,
                then: End::Stall(duration),
            } => {
                let Some(time) = *duration else {
                    return Poll::Pending;
                };
                control.mode = WriteMode::Hold(Box::pin(tokio::time::sleep(time)));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            WriteMode::Cut {
                after: 0,
                then: End::Reset,
            } => {
                control.reset_on_close = true;
                FaultyStream::aborted()
            }
            WriteMode::Cut { after, .. } => {
                let most = bytes.len().min(*after);
                let written = self.stream.io().poll_write(cx, &bytes[..most]);
                if let Poll::Ready(Ok(length)) = written {
                    *after -= length;
                }
                written
            }
            WriteMode::Replace(own) if own.is_empty() => FaultyStream::aborted(),
            WriteMode::Replace(own) => match self.stream.io().poll_write(cx, own) {
                Poll::Ready(Ok(length)) => {
                    own.drain(..length);
                    // The smallest length, so that the caller writes again until all bytes are written.
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
        match self.controller.with(|control| control.reset_on_close) {
            true => Poll::Ready(Ok(())),
            false => self.stream.io().poll_shutdown(cx),
        }
    }
}
