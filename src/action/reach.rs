//! Whether the hosts can be reached at all: if not, a run ends after two requests in a row, not after a thousand.

use crate::error::{Delivery, Error, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;

/// A host that so many requests in a row have not reached is out of reach. Each of them was tried as often as the
/// client's policy has it.
const MOST_IN_A_ROW: u32 = 2;

/// How long a host stays out of reach before a queue tries it with another request.
const PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Reach {
    failed_in_a_row: u32,
    /// What the newest of the requests in a row met, and until when it speaks for the next ones.
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
            // The caller ended it: that says nothing of the host.
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

    pub(crate) fn note_answer(&mut self) {
        *self = Reach::default();
    }
}

/// Whether no connection came about that the request could have been written to.
fn is_out_of_reach(error: &Error) -> bool {
    let without_connection = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout)
        && error.delivery() == Delivery::NotSent
        && error.http_status().is_none();
    without_connection || error.is_unconnected()
}
