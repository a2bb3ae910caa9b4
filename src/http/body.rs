//! A request body that records whether it has begun to leave.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

/// Decides once whether the service can have seen a request. The body and the caller of an attempt share it: the
/// connection asks for the body on the thread that runs it, also while the caller gives up on another one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentFlag(Arc<AtomicU8>);

/// Nothing is decided yet.
const OPEN: u8 = 0;
/// The body has begun to leave.
const SENT: u8 = 1;
/// The body will not leave any more.
const WITHDRAWN: u8 = 2;

impl SentFlag {
    /// Whether the service can have seen the request. If it cannot, the body does not leave any more, so that this stays
    /// true.
    pub(crate) fn settle(&self) -> bool {
        !self.decide(WITHDRAWN)
    }

    /// Records that the body leaves. Returns whether it may.
    pub(crate) fn set(&self) -> bool {
        self.decide(SENT)
    }

    fn decide(&self, end: u8) -> bool {
        let decided = self
            .0
            .compare_exchange(OPEN, end, Ordering::AcqRel, Ordering::Acquire);
        decided.is_ok() || decided == Err(end)
    }
}

/// A request body with its flag. The HTTP client asks for the body only once it has a connection to write it to, and the
/// service does not act on a request without its body.
pub(crate) struct TrackedBody {
    bytes: Option<Bytes>,
    sent: SentFlag,
}

impl TrackedBody {
    pub(crate) fn new(bytes: Bytes, sent: SentFlag) -> Self {
        TrackedBody {
            bytes: Some(bytes),
            sent,
        }
    }
}

/// The error of a body whose caller gave the attempt up before the body left.
#[derive(Debug)]
pub(crate) struct Withdrawn;

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was given up before it was sent")
    }
}

impl std::error::Error for Withdrawn {}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        if !self.sent.set() {
            return Poll::Ready(Some(Err(Withdrawn)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |b| b.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn leaves(body: &mut TrackedBody) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        matches!(
            Pin::new(body).poll_frame(&mut context),
            Poll::Ready(Some(Ok(_)))
        )
    }

    #[test]
    fn a_body_that_has_left_stays_sent() {
        let sent = SentFlag::default();
        let mut body = TrackedBody::new(Bytes::from_static(b"[]"), sent.clone());
        assert!(leaves(&mut body));
        assert!(sent.settle() && sent.settle());
    }

    #[test]
    fn a_body_that_was_told_not_to_have_left_does_not_leave() {
        let sent = SentFlag::default();
        let mut body = TrackedBody::new(Bytes::from_static(b"[]"), sent.clone());
        assert!(!sent.settle());
        assert!(!leaves(&mut body));
        assert!(!sent.settle());
    }

    #[test]
    fn a_connection_and_a_caller_that_gives_up_agree() {
        for _ in 0..2000 {
            let sent = SentFlag::default();
            let mut body = TrackedBody::new(Bytes::from_static(b"[]"), sent.clone());
            let connection = std::thread::spawn(move || leaves(&mut body));
            let told = sent.settle();
            assert_eq!(connection.join().expect("no panic"), told);
        }
    }
}
