//! Hints that a sync begins or ends. Each goes out with one request, in the order in which they were given.

use crate::error::Error;
use crate::http::perform::{Trace, had_no_connection};
use crate::lock::lock;
use reqwest::header::{HeaderName, HeaderValue, PRAGMA};
use std::collections::VecDeque;
use std::sync::Mutex;

/// A hint to the service's load management, sent once, with the next request for users, groups or actions; several hints
/// go out with one request each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncSignal {
    /// A sync begins (`Pragma: umapi-sync-start`).
    Start = 1,
    /// A sync ends (`Pragma: umapi-sync-end`).
    End = 2,
}

impl SyncSignal {
    fn header(self) -> (HeaderName, HeaderValue) {
        let value = match self {
            SyncSignal::Start => "umapi-sync-start",
            SyncSignal::End => "umapi-sync-end",
        };
        (PRAGMA, HeaderValue::from_static(value))
    }
}

/// The signals that have not gone out yet.
#[derive(Debug, Default)]
pub(crate) struct Signals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<SyncSignal>,
    /// Whether the signal before them is with a request. The others wait until it is known to have gone out, to keep their
    /// order.
    is_lent: bool,
}

impl Signals {
    /// Adds a signal. The same signal twice in a row counts once, and a sync that ended without a request is dropped.
    pub(crate) fn add(&self, signal: SyncSignal) {
        let mut state = lock(&self.0);
        let mut newest = state.waiting.iter().rev().copied();
        let (last, before) = (newest.next(), newest.next());
        if last == Some(signal) {
            return;
        }
        match signal == SyncSignal::Start && before == Some(SyncSignal::Start) {
            true => _ = state.waiting.pop_back(),
            false => state.waiting.push_back(signal),
        }
    }

    /// The place of a signal in a request with this trace; the signal is taken when its header is asked for.
    pub(crate) fn for_request(&self, trace: &Trace) -> Carried<'_> {
        Carried {
            signals: self,
            trace: trace.clone(),
            signal: None,
            has_gone_out: false,
        }
    }

    fn lend(&self) -> Option<SyncSignal> {
        let mut state = lock(&self.0);
        if state.is_lent {
            return None;
        }
        let signal = state.waiting.pop_front()?;
        state.is_lent = true;
        Some(signal)
    }

    fn take_back(&self, unsent: Option<SyncSignal>) {
        let mut state = lock(&self.0);
        state.is_lent = false;
        if let Some(signal) = unsent {
            state.waiting.push_front(signal);
        }
    }
}

/// The signal of one logical request, which is the same in each of its attempts. It is used up once one of them has gone
/// out.
#[derive(Debug)]
pub(crate) struct Carried<'s> {
    signals: &'s Signals,
    trace: Trace,
    signal: Option<SyncSignal>,
    has_gone_out: bool,
}

impl Carried<'_> {
    /// The header of the next attempt.
    pub(crate) fn header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        self.signal = self.signal.or_else(|| self.signals.lend());
        self.signal.map(SyncSignal::header)
    }

    pub(crate) fn note_failure(&mut self, failure: &Error) {
        self.has_gone_out |= !had_no_connection(failure);
    }

    pub(crate) fn note_answer(&mut self) {
        self.has_gone_out = true;
    }
}

impl Drop for Carried<'_> {
    /// Leaves the signal to the next request unless it may have gone out. Of a request that was given up half way, only the
    /// trace knows.
    fn drop(&mut self) {
        if self.signal.is_some() {
            let has_gone_out = self.has_gone_out || self.trace.may_have_arrived();
            self.signals
                .take_back(self.signal.take().filter(|_| !has_gone_out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use SyncSignal::{End, Start};

    /// What an answered request takes with it.
    fn request(signals: &Signals) -> Option<SyncSignal> {
        let mut carried = signals.for_request(&Trace::default());
        carried.header();
        carried.note_answer();
        carried.signal
    }

    #[test]
    fn each_goes_out_with_a_request_of_its_own_in_order() {
        let signals = Signals::default();
        signals.add(Start);
        signals.add(End);
        let sent: Vec<_> = (0..3).map(|_| request(&signals)).collect();
        assert_eq!(sent, [Some(Start), Some(End), None]);
    }

    #[test]
    fn one_that_did_not_go_out_goes_with_the_next_request() {
        let signals = Signals::default();
        signals.add(Start);
        signals.add(End);
        drop(signals.for_request(&Trace::default()));
        let mut given_up = signals.for_request(&Trace::default());
        assert!(given_up.header().is_some());
        assert_eq!(request(&signals), None, "the first is still on its way");
        let refused = Error::new(ErrorKind::Connect, "refused").without_connection();
        given_up.note_failure(&refused);
        assert_eq!(given_up.header().unwrap().1, "umapi-sync-start");
        drop(given_up);
        assert_eq!(request(&signals), Some(Start));

        let trace = Trace::default();
        let mut given_up = signals.for_request(&trace);
        given_up.header();
        trace.begin_attempt().set();
        drop(given_up);
        assert_eq!(request(&signals), None, "its body had begun to leave");
    }

    #[test]
    fn they_never_pile_up() {
        let signals = Signals::default();
        signals.add(End);
        for _ in 0..100 {
            signals.add(Start);
            signals.add(Start);
            signals.add(End);
        }
        signals.add(Start);
        let sent: Vec<_> = (0..3).map(|_| request(&signals)).collect();
        assert_eq!(sent, [Some(End), Some(Start), None]);
    }
}
