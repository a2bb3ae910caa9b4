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
        call.ensure_active()?;
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

#[cfg(test)]
mod tests {
    use super::super::scripted::{Does, Scripted, creating, joining, poll_times};
    use super::*;
    use crate::call::options::CallOptions;
    use crate::model::command::Action;
    use Delivery::*;

    /// A set of actions that share a request, and the request.
    fn taken(service: &Scripted, actions: &[Action]) -> (PendingActions, Vec<Entry>) {
        let (dispatcher, _) = service.dispatcher();
        let mut pending = dispatcher.pending();
        for action in actions {
            dispatcher.add(&mut pending, action).unwrap();
        }
        let request = pending.batcher.take_oldest().unwrap();
        assert_eq!(request.len(), actions.len());
        (pending, request)
    }

    /// How far a part got that was as far as `earlier` before, if that is an error.
    async fn delivery(does: Does, earlier: Delivery) -> Option<Delivery> {
        let service = Scripted::new(&[does]);
        let (mut pending, request) = taken(&service, &[joining(1), joining(2)]);
        let mut in_flight = InFlight::new(&mut pending, Vec::new());
        in_flight.add(request, earlier);
        let call = Call::begin(&CallOptions::new());
        let sent = in_flight.send_next(&service, &call, None).await.unwrap();
        let delivery = sent.result.as_ref().err().map(Error::delivery);
        let error = Error::new(ErrorKind::Internal, "the test is over");
        in_flight.pending.end_all(&sent.part.entries, error);
        delivery
    }

    #[tokio::test]
    async fn an_error_tells_how_far_the_part_got_in_all_requests() {
        for (does, alone) in [
            (Does::Refuses, Answered),
            (Does::IsLost, Unknown),
            (Does::Throttles, NotSent),
            (Does::IsOutOfReach, NotSent),
        ] {
            for earlier in [NotSent, Answered] {
                assert_eq!(delivery(does, earlier).await, Some(alone), "{does:?}");
            }
            assert_eq!(delivery(does, Unknown).await, Some(Unknown), "{does:?}");
        }
        for earlier in [NotSent, Answered, Unknown] {
            assert_eq!(delivery(Does::Answers, earlier).await, None);
        }
    }

    #[tokio::test]
    async fn what_would_meet_the_same_error_is_not_tried() {
        let service = Scripted::new(&[]);
        let (mut pending, request) = taken(&service, &[joining(1)]);
        let mut in_flight = InFlight::new(&mut pending, request);
        let call = Call::begin(&CallOptions::new());
        let fatal = Error::new(ErrorKind::Auth, "the token was refused");
        let sent = in_flight.send_next(&service, &call, Some(&fatal)).await;
        let error = sent.unwrap().result.unwrap_err();
        assert!(error.is_same(&fatal));
        assert!(in_flight.send_next(&service, &call, None).await.is_none());
        assert_eq!(service.seen().requests, 0);
    }

    #[tokio::test]
    async fn only_a_part_with_both_kinds_of_entries_is_asked_about_its_repeat() {
        for (actions, is_asked) in [
            ([joining(1), joining(2)], false),
            ([creating(1), creating(2)], false),
            ([joining(1), creating(2)], true),
        ] {
            let service = Scripted::new(&[Does::IsLost]);
            let (mut pending, request) = taken(&service, &actions);
            let mut in_flight = InFlight::new(&mut pending, request);
            let call = Call::begin(&CallOptions::new());
            let sent = in_flight.send_next(&service, &call, None).await.unwrap();
            assert_eq!(sent.repeat.is_some(), is_asked);
        }
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_goes_back_or_ends_as_unknown() {
        for times in 0..5 {
            let service = Scripted::new(&[]);
            let (mut pending, request) = taken(&service, &[joining(1), joining(2)]);
            let call = Call::begin(&CallOptions::new());
            {
                let mut in_flight = InFlight::new(&mut pending, request);
                let send = in_flight.send_next(&service, &call, None);
                assert!(poll_times(send, times).is_none());
            }
            let has_arrived = !service.seen().arrived.is_empty();
            assert_eq!(pending.pending(), if has_arrived { 0 } else { 2 });
            let back = pending.batcher.take_oldest();
            assert_eq!(back.is_some(), !has_arrived);
            for outcome in pending.outcomes().take() {
                assert_eq!(outcome.error.unwrap().delivery(), Unknown);
            }
        }
    }
}
