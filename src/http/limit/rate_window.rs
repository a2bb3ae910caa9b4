//! How many requests may go out now: what is documented, until the service shows that it allows less.
//!
//! A request counts until one window after its *answer*: whatever way the service counts its minutes, and however long
//! the request took to reach it, it then never sees more than the budget in a window.
//!
//! That the service keeps to its documentation is not known from the start. Half of the documented budget is taken on
//! trust. Beyond what is trusted or has been let through before, one request goes out at a time: if the service allows
//! less, one request learns it and not all.

use super::rate_limit::RateLimit;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The account of one endpoint class. It reads no clock.
#[derive(Debug)]
pub(crate) struct RateWindow {
    window: Duration,
    /// As documented; `None` is no limit.
    requests: Option<usize>,
    in_flight: usize,
    /// Answered requests that count, in the order in which they cease to.
    counting: VecDeque<Counted>,
    /// So many requests are out that should go probe, or are about to go again.
    probe: usize,
    newest: Option<Instant>,
    /// The most that the service has let through in a window since it last refused.
    shown: usize,
    trusted: usize,
    /// Until then only what was shown counts.
    cautious_until: Option<Instant>,
    learnt: Option<LearntLimit>,
}

/// The service counted the request at some time between its sending and its answer.
#[derive(Clone, Copy, Debug)]
struct Counted {
    sent: Instant,
    until: Instant,
}

/// What a refusal taught.
#[derive(Clone, Copy, Debug)]
struct LearntLimit {
    requests: usize,
    at: Instant,
    /// For so many windows it is believed; then the documented budget is tried again.
    windows: u32,
    until: Instant,
}

/// Whether a request may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It may; so many others count snapshot it, and the first of them until then.
    Granted { snapshot: Snapshot, probe: bool },
    /// Not before this time; `None`: not before an answer comes.
    Spent(Option<Instant>),
    /// Only probe, and so not before the answers to all that are out; or after this time.
    NotBesideAnother(Instant),
}

/// What counted when a request went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    at: Instant,
    count: usize,
    first_until: Instant,
}

/// The service counts by the minute.
const MINUTE: Duration = Duration::from_secs(60);

const FIRST_WINDOWS: u32 = 4;
const MOST_WINDOWS: u32 = 32;

impl RateWindow {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        let requests = limit.map(|limit| limit.requests as usize);
        RateWindow {
            window: limit.map_or(MINUTE, |limit| limit.window),
            requests,
            in_flight: 0,
            counting: VecDeque::new(),
            probe: 0,
            newest: None,
            shown: 0,
            trusted: requests.map_or(usize::MAX, |requests| (requests / 2).max(1)),
            cautious_until: None,
            learnt: None,
        }
    }

    /// Asks for a request. Who has the turn to go probe brings it.
    pub(crate) fn claim(&mut self, now: Instant, has_turn: bool) -> Claim {
        while self.counting.front().is_some_and(|c| c.until <= now) {
            self.counting.pop_front();
        }
        let first = self.counting.front().copied();
        let first_until = first.map(|first| first.until);
        let count = self.in_flight + self.counting.len();
        if count >= self.most(now) {
            return Claim::Spent(first_until);
        }
        let probe = count >= self.proven(now);
        if probe && !has_turn && (self.probe > 0 || self.in_flight > 0) {
            let patience = self.newest.unwrap_or(now) + self.hold_back(now);
            if now < patience {
                let ends = [first_until, self.cautious_until, Some(patience)];
                let later = ends.into_iter().flatten().filter(|end| *end > now);
                return Claim::NotBesideAnother(later.min().unwrap_or(patience));
            }
        }
        // What the service may count no more would make it seem to allow more than it does.
        let is_sure = first.is_none_or(|first| first.sent + self.window > now);
        if count >= self.trusted && probe && !is_sure {
            return Claim::Spent(first_until);
        }
        self.in_flight += 1;
        self.newest = Some(now);
        self.probe += usize::from(probe && !has_turn);
        let snapshot = Snapshot {
            at: now,
            count,
            first_until: first_until.unwrap_or(now + self.window),
        };
        Claim::Granted { snapshot, probe }
    }

    fn most(&self, now: Instant) -> usize {
        let learnt = self.learnt.filter(|learnt| now < learnt.until);
        learnt.map_or(self.requests.unwrap_or(usize::MAX), |learnt| {
            learnt.requests
        })
    }

    /// An answer that is slow, or that nobody waits for, holds the others back no longer than its part of the window;
    /// soon after a refusal, than the window.
    fn hold_back(&self, now: Instant) -> Duration {
        match self.requests {
            Some(requests) if !self.is_cautious(now) => self.window / requests.max(1) as u32,
            _ => self.window,
        }
    }

    fn proven(&self, now: Instant) -> usize {
        match self.is_cautious(now) {
            true => self.shown,
            false => self.shown.max(self.trusted),
        }
    }

    /// Whether the service was heard to refuse of late.
    pub(crate) fn is_cautious(&self, now: Instant) -> bool {
        self.cautious_until.is_some_and(|until| now < until)
    }

    /// A request that went probe is over and will not go again.
    pub(crate) fn end_turn(&mut self) {
        self.probe -= 1;
    }

    /// Nothing was sent of a request that was granted.
    pub(crate) fn give_back(&mut self) {
        self.in_flight -= 1;
    }

    /// A request was let through, for all that is known.
    pub(crate) fn spend(&mut self, snapshot: Snapshot, now: Instant) {
        self.in_flight -= 1;
        if self.requests.is_some() {
            self.counting.push_back(Counted {
                sent: snapshot.at,
                until: now + self.window,
            });
            self.shown = self.shown.max(self.counting.len());
        }
    }

    /// The service refused a request, which cost nothing, and asked to `wait`.
    pub(crate) fn refuse(&mut self, snapshot: Snapshot, now: Instant, wait: Duration) {
        self.in_flight -= 1;
        self.be_cautious_until(now + wait);
        // The service asks to wait until what counted first ceases to; otherwise it refuses for another reason.
        let slack = self.window / 16;
        let is_about_the_window =
            wait <= self.window + slack && snapshot.first_until <= now + wait + slack;
        if self.requests.is_some() && snapshot.count > 0 && is_about_the_window {
            self.learn(snapshot, now, wait);
        }
    }

    /// Nobody is sure of anything until one window after `until`.
    pub(crate) fn be_cautious_until(&mut self, until: Instant) {
        self.shown = 0;
        self.cautious_until = self.cautious_until.max(Some(until + self.window));
    }

    /// As long as a trial of the documented budget teaches nothing new, the next is put off twice as long.
    fn learn(&mut self, snapshot: Snapshot, now: Instant, wait: Duration) {
        let requests = snapshot.count;
        if let Some(learnt) = &mut self.learnt
            && snapshot.at < learnt.at
        {
            // They were out together. To believe too much costs less than to believe too little.
            learnt.requests = learnt.requests.max(requests);
            self.trusted = learnt.requests;
            return;
        }
        let windows = match self.learnt {
            Some(before) if requests <= before.requests => (before.windows * 2).min(MOST_WINDOWS),
            _ => FIRST_WINDOWS,
        };
        self.trusted = requests;
        self.learnt = Some(LearntLimit {
            requests,
            at: now,
            windows,
            until: now + wait + self.window * windows,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn budget(requests: u32) -> RateWindow {
        RateWindow::new(Some(RateLimit {
            requests,
            window: MINUTE,
        }))
    }

    /// Asks until there is no more, and lets each through at once: how many there were.
    fn spend_all(budget: &mut RateWindow, now: Instant) -> usize {
        let mut count = 0;
        while let Claim::Granted { probe, snapshot } = budget.claim(now, false) {
            budget.spend(snapshot, now);
            if probe {
                budget.end_turn();
            }
            count += 1;
        }
        count
    }

    fn granted(budget: &mut RateWindow, now: Instant) -> Snapshot {
        match budget.claim(now, true) {
            Claim::Granted { snapshot, .. } => snapshot,
            claim => panic!("{claim:?}"),
        }
    }

    #[test]
    fn a_slow_answer_holds_the_next_back_for_its_part_of_the_window() {
        let mut budget = budget(20);
        let start = Instant::now();
        for _ in 0..10 {
            assert!(matches!(
                budget.claim(start, false),
                Claim::Granted { probe: false, .. }
            ));
        }
        for number in 1..=10 {
            let before = start + SECOND * 3 * (number - 1);
            let now = start + SECOND * 3 * number;
            assert_eq!(budget.claim(before, false), Claim::NotBesideAnother(now));
            assert!(matches!(
                budget.claim(now, false),
                Claim::Granted { probe: true, .. }
            ));
        }
        assert_eq!(budget.claim(start + MINUTE, false), Claim::Spent(None));
    }

    #[test]
    fn a_request_counts_until_a_window_after_its_answer() {
        let mut budget = budget(2);
        let start = Instant::now();
        let snapshot = granted(&mut budget, start);
        granted(&mut budget, start);
        assert_eq!(budget.claim(start, false), Claim::Spent(None));
        budget.spend(snapshot, start + SECOND);
        let until = start + SECOND + MINUTE;
        assert_eq!(
            budget.claim(start + SECOND, false),
            Claim::Spent(Some(until))
        );
        assert!(matches!(budget.claim(until, true), Claim::Granted { .. }));
    }

    #[test]
    fn a_refusal_teaches_what_was_let_through() {
        let mut budget = budget(25);
        let start = Instant::now();
        for _ in 0..12 {
            let snapshot = granted(&mut budget, start);
            budget.spend(snapshot, start);
        }
        let refused = granted(&mut budget, start + SECOND);
        budget.refuse(refused, start + SECOND, MINUTE - SECOND);
        for window in 1..=FIRST_WINDOWS {
            let now = start + MINUTE * window + SECOND * window;
            assert_eq!(spend_all(&mut budget, now), 12, "{window}");
        }
        // Then the documented budget is tried again, and holds.
        let later = start + MINUTE * 6;
        assert_eq!(spend_all(&mut budget, later), 25);
        assert_eq!(spend_all(&mut budget, later + MINUTE), 25);
    }

    #[test]
    fn a_trial_that_teaches_nothing_new_is_put_off_ever_longer() {
        let mut budget = budget(25);
        let mut now = Instant::now();
        for windows in [4, 8, 16, 32, 32] {
            for _ in 0..3 {
                let snapshot = granted(&mut budget, now);
                budget.spend(snapshot, now);
            }
            let refused = granted(&mut budget, now);
            budget.refuse(refused, now, MINUTE);
            for _ in 0..windows {
                now += MINUTE;
                assert_eq!(spend_all(&mut budget, now), 3);
            }
            now += MINUTE * 2;
        }
    }

    #[test]
    fn a_refusal_about_something_else_teaches_nothing() {
        let mut budget = budget(25);
        let start = Instant::now();
        let snapshot = granted(&mut budget, start);
        budget.spend(snapshot, start);
        let refused = granted(&mut budget, start);
        budget.refuse(refused, start, SECOND * 7);
        assert_eq!(spend_all(&mut budget, start + SECOND * 7), 24);
    }

    #[test]
    fn of_requests_that_were_out_together_the_last_teaches() {
        let mut budget = budget(25);
        let start = Instant::now();
        let out: Vec<_> = (0..12).map(|_| granted(&mut budget, start)).collect();
        for snapshot in out {
            budget.refuse(snapshot, start + SECOND, MINUTE);
        }
        assert_eq!(budget.most(start + SECOND), 11);
    }
}
