//! A request on its way, which may be given up at any moment: then what was not sent goes back to where it waited, and
//! what may have arrived ends as unknown.

use super::execute::Lost;
use super::pending::PendingActions;
use super::split::Entry;
use crate::error::{Delivery, Error, ErrorKind};
use crate::http::perform::Trace;

/// Entries that share a request, and what came of them when they were sent before.
#[derive(Debug)]
pub(super) struct Part {
    pub entries: Vec<Entry>,
    pub sending: Sending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    First,
    /// They were refused together with others.
    Refused,
    /// They may have been applied already.
    Lost,
}

impl Part {
    /// Whether some of it may be sent again and some may not.
    pub(super) fn is_mixed(&self) -> bool {
        let safe = self
            .entries
            .iter()
            .filter(|entry| entry.replay_safe)
            .count();
        (1..self.entries.len()).contains(&safe)
    }
}

/// The parts that a request has come apart into and that have no end yet. The last one is next, or on its way.
pub(super) struct InFlight<'a> {
    pub pending: &'a mut PendingActions,
    parts: Vec<Part>,
    /// How far the last part has got.
    trace: Trace,
}

impl<'a> InFlight<'a> {
    pub(super) fn new(pending: &'a mut PendingActions, request: Vec<Entry>) -> Self {
        let mut in_flight = InFlight {
            pending,
            parts: Vec::new(),
            trace: Trace::default(),
        };
        in_flight.add(request, Sending::First);
        in_flight
    }

    /// Adds a part, to be sent before those that are there.
    pub(super) fn add(&mut self, entries: Vec<Entry>, sending: Sending) {
        if !entries.is_empty() {
            self.parts.push(Part { entries, sending });
        }
    }

    /// The part that is next, or on its way.
    pub(super) fn part(&self) -> Option<&Part> {
        self.parts.last()
    }

    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes the part that was on its way. From here on, ends for its entries are up to the caller.
    pub(super) fn take_part(&mut self) -> Option<Part> {
        self.trace = Trace::default();
        self.parts.pop()
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut may_have_arrived = self.trace.may_have_arrived();
        let mut unsent = Vec::new();
        while let Some(part) = self.take_part() {
            if may_have_arrived || part.sending == Sending::Lost {
                self.pending.mark_sent(&part.entries);
                self.pending
                    .end_all(&part.entries, Lost::Unknown(given_up()));
            } else {
                unsent.extend(part.entries);
            }
            may_have_arrived = false;
        }
        if !unsent.is_empty() {
            self.pending.batcher.put_back(unsent);
        }
    }
}

fn given_up() -> Error {
    let words = "the call was given up before its answer came";
    Error::new(ErrorKind::Cancelled, words).with_delivery(Delivery::Unknown)
}
