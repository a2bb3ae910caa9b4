//! Whether the service can be reached at all: if not, a run ends after two requests in a row, not after a thousand.

use crate::error::{Delivery, Error, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;

/// The host is out of reach after so many requests in a row that found no connection. Each of them was tried as often
/// as the client's retry policy allows.
const MOST_IN_A_ROW: u32 = 2;

/// How long a host stays out of reach before a queue tries it with another request.
const PAUSE: Duration = Duration::from_secs(30);

/// What the newest requests say about the reach of the host.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    failed_in_a_row: u32,
    /// The error of the newest of the requests in a row, and until when further requests would meet it.
    lost: Option<(Error, Instant)>,
}

impl Reach {
    /// The error that another request would meet now, if the host is out of reach.
    pub(crate) fn error(&self) -> Option<&Error> {
        let (error, until) = self.lost.as_ref()?;
        (Instant::now() < *until).then_some(error)
    }

    /// Notes that a request ended without an answer.
    pub(crate) fn note_failure(&mut self, error: &Error) {
        if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Deadline) {
            // The caller ended the request, which says nothing about the host.
            return;
        }
        if !is_out_of_reach(error) {
            return self.note_answer();
        }
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= MOST_IN_A_ROW {
            self.lost = Some((error.clone(), Instant::now() + PAUSE));
        }
    }

    /// Notes that a request was answered, or ended in a way that needs a connection.
    pub(crate) fn note_answer(&mut self) {
        *self = Reach::default();
    }
}

/// Whether there was no connection that the request could have been written to.
fn is_out_of_reach(error: &Error) -> bool {
    let without_connection = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout)
        && error.delivery() == Delivery::NotSent
        && error.http_status().is_none();
    without_connection || error.is_unconnected()
}
