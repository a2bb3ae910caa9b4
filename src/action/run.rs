//! What one call learns from the requests that it sends, and whether further ones are worth sending.

use super::pending::PendingActions;
use crate::call::Call;
use crate::call::progress::Progress;
use crate::error::{Delivery, Error, ErrorKind, Origin};

/// The state of one call that sends requests of a set of pending actions.
#[derive(Debug)]
pub(super) struct Run {
    /// How many actions had their outcome before.
    settled_before: usize,
    /// An error that would meet every further request as well.
    fatal: Option<Error>,
    /// How many entries, one after the other, something on the way has refused.
    blocked_in_a_row: usize,
}

/// So many entries in a row are not refused for a word that each of them holds: no action gets through.
const MOST_BLOCKED: usize = 20;

impl Run {
    pub(super) fn new(pending: &PendingActions) -> Self {
        Run {
            settled_before: pending.settled(),
            fatal: pending.fatal().cloned(),
            blocked_in_a_row: 0,
        }
    }

    /// The error with which all further actions end, as not sent.
    pub(super) fn fatal(&self) -> Option<&Error> {
        self.fatal.as_ref()
    }

    /// Sends nothing more, because of `error`.
    pub(super) fn stop(&mut self, error: &Error) {
        self.fatal
            .get_or_insert_with(|| error.clone().with_delivery(Delivery::NotSent));
    }

    /// Sends nothing more if the set of actions is stopped or its host out of reach.
    pub(super) fn learn_from(&mut self, pending: &PendingActions) {
        if let Some(error) = pending.fatal() {
            self.stop(error);
        }
    }

    pub(super) fn note_answer(&mut self) {
        self.blocked_in_a_row = 0;
    }

    /// Notes that a part with so many entries failed.
    pub(super) fn note_failure(&mut self, error: &Error, entries: usize) {
        if error.is_about_content() && error.origin() == Some(Origin::Intermediary) {
            self.blocked_in_a_row += entries;
        }
        if is_fatal_for_run(error) || self.blocked_in_a_row >= MOST_BLOCKED {
            self.stop(error);
        }
    }

    pub(super) fn report(&self, call: &Call, pending: &PendingActions) {
        let done = pending.settled() - self.settled_before;
        call.report(Progress::Actions {
            done: done as u64,
            total: (done + pending.pending()) as u64,
        });
    }
}

/// Credentials, certificates and proxies do not mend themselves between two requests, and a call that is over stays so.
fn is_fatal_for_run(error: &Error) -> bool {
    use ErrorKind::*;
    matches!(
        error.kind(),
        Auth | Forbidden | Tls | Proxy | InvalidArgument | Cancelled | Deadline
    )
}
