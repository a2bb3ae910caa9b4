//! One request under way: its sending, what its end means, and what becomes of its actions if it is given up.
//!
//! The future of a sending may be dropped at any moment: then what was not sent goes back to where it waited, and what
//! may have reached the service ends as unknown.

use super::pending::PendingActions;
use super::sender::Sender;
use super::split::Entry;
use crate::call::Call;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::perform::Trace;
use crate::http::retry::Replay;
use crate::model::answer::ActionAnswer;
use bytes::Bytes;

/// Entries that share a request.
#[derive(Debug)]
pub(super) struct Part {
    pub entries: Vec<Entry>,
    /// How far an earlier request with these entries got: `NotSent` where there was none, `Answered` where they were
    /// refused together with others.
    pub earlier: Delivery,
}

impl Part {
    /// Whether some entries may be sent again and some may not.
    fn is_mixed(&self) -> bool {
        let safe = self
            .entries
            .iter()
            .filter(|entry| entry.replay_safe)
            .count();
        (1..self.entries.len()).contains(&safe)
    }

    fn replay(&self) -> Replay {
        match self.entries.iter().all(|entry| entry.replay_safe) {
            true => Replay::Safe,
            false => Replay::Unsafe,
        }
    }

    fn body(&self) -> Bytes {
        let mut body = String::with_capacity(self.entries.len() * 512);
        body.push('[');
        for (position, entry) in self.entries.iter().enumerate() {
            if position > 0 {
                body.push(',');
            }
            entry.push_json(&mut body);
        }
        body.push(']');
        Bytes::from(body)
    }
}

/// A part that is not under way any more. Its entries have no end yet.
pub(super) struct Sent {
    pub part: Part,
    /// The answer, or an error whose delivery tells how far the part got in this and all earlier requests.
    pub result: Result<Answered>,
    /// Whether the entries that may run twice may be sent again, where the answer to them and others was lost.
    pub repeat: Option<Result<()>>,
}

/// The answer to a request.
#[derive(Debug)]
pub(super) struct Answered {
    pub answer: ActionAnswer,
    /// Whether an earlier attempt or request with the same entries may have been applied.
    pub repeated: bool,
}

/// The parts that a request has come apart into and that have no end yet.
pub(super) struct InFlight<'a> {
    pub pending: &'a mut PendingActions,
    /// The part that is next, or under way.
    next: Option<Part>,
    /// The parts after it, the last one first.
    later: Vec<Part>,
    /// How far the part under way has got.
    trace: Option<Trace>,
}

impl<'a> InFlight<'a> {
    pub(super) fn new(pending: &'a mut PendingActions, request: Vec<Entry>) -> Self {
        let mut in_flight = InFlight {
            pending,
            next: None,
            later: Vec::new(),
            trace: None,
        };
        in_flight.add(request, Delivery::NotSent);
        in_flight
    }

    /// Adds a part, to be sent before those that are there.
    pub(super) fn add(&mut self, entries: Vec<Entry>, earlier: Delivery) {
        if !entries.is_empty() {
            let part = Part { entries, earlier };
            self.later.extend(self.next.replace(part));
        }
    }

    /// Sends the part that is next, or takes it unsent if there is an error that it would meet as well. `None` after
    /// the last part. From here on, ends for the entries are up to the caller.
    pub(super) async fn send_next(
        &mut self,
        sender: &dyn Sender,
        call: &Call,
        fatal: Option<&Error>,
    ) -> Option<Sent> {
        self.next.as_ref()?;
        let result = match fatal {
            Some(error) => Err(error.clone()),
            None => self.post(sender, call).await,
        };
        let repeat = match &result {
            Err(error) if self.is_half_safe(error) => {
                let wait = sender.wait_to_repeat(call, error.clone());
                Some(call.until_cancelled_or_due(wait).await)
            }
            _ => None,
        };
        let part = self.take_next()?;
        if fatal.is_none() {
            self.pending.note_reach(result.as_ref().err());
        }
        let result = result.map_err(|error| {
            let delivery = error.delivery().after(part.earlier);
            error.with_delivery(delivery)
        });
        if !matches!(&result, Err(error) if error.delivery() == Delivery::NotSent) {
            self.pending.mark_sent(&part.entries);
        }
        Some(Sent {
            part,
            result,
            repeat,
        })
    }

    /// Sends the part that is next. The delivery of an error is that of this request alone.
    async fn post(&mut self, sender: &dyn Sender, call: &Call) -> Result<Answered> {
        call.check()?;
        let part = self.next.as_ref().expect("there is a next part");
        self.pending.about_to_send(&part.entries)?;
        let trace = self.trace.insert(Trace::default());
        let send = sender.post(call, part.body(), part.replay(), trace);
        let result = call.until_cancelled_or_due(send).await;
        // The trace knows of each attempt, also of one that a cancel interrupted; an error only of the last one.
        let may_have_arrived = trace.may_have_arrived();
        match result {
            Ok(answer) => Ok(Answered {
                answer,
                repeated: may_have_arrived || part.earlier == Delivery::Unknown,
            }),
            Err(error) if may_have_arrived => Err(error.with_delivery(Delivery::Unknown)),
            Err(error) if error.delivery() == Delivery::Answered => Err(error),
            Err(error) => Err(error.with_delivery(Delivery::NotSent)),
        }
    }

    /// Whether the answer to the part under way was lost, and some of its entries may be sent again.
    fn is_half_safe(&self, error: &Error) -> bool {
        error.delivery() == Delivery::Unknown && self.next.as_ref().is_some_and(Part::is_mixed)
    }

    fn take_next(&mut self) -> Option<Part> {
        self.trace = None;
        std::mem::replace(&mut self.next, self.later.pop())
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.next.is_none() {
            return;
        }
        let trace = self.trace.take();
        let mut may_have_arrived = trace.is_some_and(|trace| trace.may_have_arrived());
        let mut unsent = Vec::new();
        while let Some(part) = self.take_next() {
            if may_have_arrived || part.earlier == Delivery::Unknown {
                self.pending.mark_sent(&part.entries);
                self.pending.end_all(&part.entries, given_up());
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
    let what = "the call was given up before its answer came";
    Error::new(ErrorKind::Cancelled, what).with_delivery(Delivery::Unknown)
}
