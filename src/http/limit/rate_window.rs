//! The number of requests that may be sent now: the documented limit, until the service shows that it allows fewer. A
//! request counts until one window after its *answer*, so that the service never sees more than the limit in a window,
//! however it counts its minutes and however long the request took to reach it. Requests beyond what has passed before are
//! sent one at a time, as probes.

use super::rate_limit::RateLimit;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The requests of one endpoint class that count against its limit. The caller passes the current time.
///
/// Whether the service keeps to its documentation is not known at first, so half of the documented limit is trusted.
/// Beyond what is trusted or has passed before, one request is in flight at a time: if the service allows fewer, one
/// request meets the 429 and not all.
#[derive(Debug)]
pub(crate) struct RateWindow {
    window: Duration,
    /// The documented number of requests in a window; `None` is no limit.
    requests: Option<usize>,
    in_flight: usize,
    /// The answered requests that still count, in the order in which they expire.
    counting: VecDeque<Counted>,
    /// How many probes are in flight or about to be repeated.
    probes: usize,
    /// When the last request was granted.
    last_granted: Option<Instant>,
    /// The most requests that have passed in a window since the last 429.
    passed: usize,
    /// The number of requests that is trusted without having passed.
    trusted: usize,
    /// Until this time only `passed` counts, and not `trusted`.
    cautious_until: Option<Instant>,
    learnt: Option<LearntLimit>,
}

/// An answered request. The service counted it at some time between its sending and its answer.
#[derive(Clone, Copy, Debug)]
struct Counted {
    sent: Instant,
    until: Instant,
}

/// The limit that a 429 showed.
#[derive(Clone, Copy, Debug)]
struct LearntLimit {
    requests: usize,
    at: Instant,
    /// The number of windows for which the limit is kept; then the documented limit is tried again.
    windows: u32,
    until: Instant,
}

/// The reply to the wish to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The request may be sent. `snapshot` records how many requests count against the window now, and when the oldest
    /// expires. `probe`: the request is sent as a probe.
    Granted { snapshot: Snapshot, probe: bool },
    /// The limit is used up until this time; `None`: until an answer arrives.
    Exhausted(Option<Instant>),
    /// The request can be sent only as a probe, after the answers to all requests in flight, or at this time.
    AfterProbe(Instant),
}

/// The state of the window when a request was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    at: Instant,
    /// How many other requests counted.
    count: usize,
    /// When the first of them expires.
    first_until: Instant,
}

/// The window of the service's documented limits.
const MINUTE: Duration = Duration::from_secs(60);

/// For how many windows a learnt limit is kept at first, and at most.
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
            probes: 0,
            last_granted: None,
            passed: 0,
            trusted: requests.map_or(usize::MAX, |requests| (requests / 2).max(1)),
            cautious_until: None,
            learnt: None,
        }
    }

    /// Asks to send a request. `has_turn`: the caller holds the turn of an earlier probe.
    pub(crate) fn claim(&mut self, now: Instant, has_turn: bool) -> Claim {
        while self.counting.front().is_some_and(|c| c.until <= now) {
            self.counting.pop_front();
        }
        let first = self.counting.front().copied();
        let first_until = first.map(|first| first.until);
        let count = self.in_flight + self.counting.len();
        if count >= self.current_limit(now) {
            return Claim::Exhausted(first_until);
        }
        let probe = count >= self.proven(now);
        if probe && !has_turn && (self.probes > 0 || self.in_flight > 0) {
            let held_until = self.last_granted.unwrap_or(now) + self.hold_back(now);
            if now < held_until {
                let ends = [first_until, self.cautious_until, Some(held_until)];
                let later = ends.into_iter().flatten().filter(|end| *end > now);
                return Claim::AfterProbe(later.min().unwrap_or(held_until));
            }
        }
        // The service may no longer count the oldest request. A probe that passes now would suggest a higher limit than
        // the service has.
        let is_counted = first.is_none_or(|first| first.sent + self.window > now);
        if count >= self.trusted && probe && !is_counted {
            return Claim::Exhausted(first_until);
        }
        self.in_flight += 1;
        self.last_granted = Some(now);
        self.probes += usize::from(probe && !has_turn);
        let snapshot = Snapshot {
            at: now,
            count,
            first_until: first_until.unwrap_or(now + self.window),
        };
        Claim::Granted { snapshot, probe }
    }

    /// The learnt limit while it is kept, and otherwise the documented one.
    fn current_limit(&self, now: Instant) -> usize {
        let learnt = self.learnt.filter(|learnt| now < learnt.until);
        learnt.map_or(self.requests.unwrap_or(usize::MAX), |learnt| {
            learnt.requests
        })
    }

    /// How long a probe waits for requests in flight: `window / requests`, or a whole window soon after a 429. A slow
    /// answer holds other requests back no longer than this.
    fn hold_back(&self, now: Instant) -> Duration {
        match self.requests {
            Some(requests) if !self.is_cautious(now) => self.window / requests.max(1) as u32,
            _ => self.window,
        }
    }

    /// How many requests can count at once without a probe.
    fn proven(&self, now: Instant) -> usize {
        match self.is_cautious(now) {
            true => self.passed,
            false => self.passed.max(self.trusted),
        }
    }

    /// Whether the service has answered with a 429 recently.
    pub(crate) fn is_cautious(&self, now: Instant) -> bool {
        self.cautious_until.is_some_and(|until| now < until)
    }

    /// Records that a probe has ended and will not be repeated.
    pub(crate) fn end_probe(&mut self) {
        self.probes -= 1;
    }

    /// Records that a granted request was not sent.
    pub(crate) fn give_back(&mut self) {
        self.in_flight -= 1;
    }

    /// Records that the service counted a granted request, or may have.
    pub(crate) fn record_counted(&mut self, snapshot: Snapshot, now: Instant) {
        self.in_flight -= 1;
        if self.requests.is_some() {
            self.counting.push_back(Counted {
                sent: snapshot.at,
                until: now + self.window,
            });
            self.passed = self.passed.max(self.counting.len());
        }
    }

    /// Records that the service answered a granted request with a 429, which does not count, and asked for a wait.
    pub(crate) fn record_throttled(&mut self, snapshot: Snapshot, now: Instant, wait: Duration) {
        self.in_flight -= 1;
        self.be_cautious_until(now + wait);
        // A 429 about this window asks to wait until the oldest request expires; any other has another reason.
        let slack = self.window / 16;
        let is_about_the_window =
            wait <= self.window + slack && snapshot.first_until <= now + wait + slack;
        if self.requests.is_some() && snapshot.count > 0 && is_about_the_window {
            self.learn(snapshot, now, wait);
        }
    }

    /// Makes requests go out as probes until one window after `until`.
    pub(crate) fn be_cautious_until(&mut self, until: Instant) {
        self.passed = 0;
        self.cautious_until = self.cautious_until.max(Some(until + self.window));
    }

    /// Records the number of requests that passed before a 429 as the limit. Each trial of the documented limit that shows
    /// no higher one doubles the time until the next trial.
    fn learn(&mut self, snapshot: Snapshot, now: Instant, wait: Duration) {
        let requests = snapshot.count;
        if let Some(learnt) = &mut self.learnt
            && snapshot.at < learnt.at
        {
            // The requests were in flight together, so the higher number is taken: a limit that is too high costs another
            // 429, one that is too low costs throughput for many windows.
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

    fn window_of(requests: u32) -> RateWindow {
        RateWindow::new(Some(RateLimit {
            requests,
            window: MINUTE,
        }))
    }

    /// Claims requests until none is granted, and lets each pass at once; returns their number.
    fn send_all(window: &mut RateWindow, now: Instant) -> usize {
        let mut count = 0;
        while let Claim::Granted { probe, snapshot } = window.claim(now, false) {
            window.record_counted(snapshot, now);
            if probe {
                window.end_probe();
            }
            count += 1;
        }
        count
    }

    fn granted(window: &mut RateWindow, now: Instant) -> Snapshot {
        match window.claim(now, true) {
            Claim::Granted { snapshot, .. } => snapshot,
            claim => panic!("{claim:?}"),
        }
    }

    #[test]
    fn a_slow_answer_holds_the_next_request_back_for_its_share_of_the_window() {
        let mut window = window_of(20);
        let start = Instant::now();
        for _ in 0..10 {
            assert!(matches!(
                window.claim(start, false),
                Claim::Granted { probe: false, .. }
            ));
        }
        for number in 1..=10 {
            let before = start + SECOND * 3 * (number - 1);
            let now = start + SECOND * 3 * number;
            assert_eq!(window.claim(before, false), Claim::AfterProbe(now));
            assert!(matches!(
                window.claim(now, false),
                Claim::Granted { probe: true, .. }
            ));
        }
        assert_eq!(window.claim(start + MINUTE, false), Claim::Exhausted(None));
    }

    #[test]
    fn a_request_counts_until_a_window_after_its_answer() {
        let mut window = window_of(2);
        let start = Instant::now();
        let snapshot = granted(&mut window, start);
        granted(&mut window, start);
        assert_eq!(window.claim(start, false), Claim::Exhausted(None));
        window.record_counted(snapshot, start + SECOND);
        let until = start + SECOND + MINUTE;
        assert_eq!(
            window.claim(start + SECOND, false),
            Claim::Exhausted(Some(until))
        );
        assert!(matches!(window.claim(until, true), Claim::Granted { .. }));
    }

    #[test]
    fn a_429_shows_the_limit() {
        let mut window = window_of(25);
        let start = Instant::now();
        for _ in 0..12 {
            let snapshot = granted(&mut window, start);
            window.record_counted(snapshot, start);
        }
        let refused = granted(&mut window, start + SECOND);
        window.record_throttled(refused, start + SECOND, MINUTE - SECOND);
        for number in 1..=FIRST_WINDOWS {
            let now = start + MINUTE * number + SECOND * number;
            assert_eq!(send_all(&mut window, now), 12, "{number}");
        }
        // Then the documented limit is tried again, and the service allows it.
        let later = start + MINUTE * 6;
        assert_eq!(send_all(&mut window, later), 25);
        assert_eq!(send_all(&mut window, later + MINUTE), 25);
    }

    #[test]
    fn the_next_trial_comes_later_when_a_trial_shows_no_higher_limit() {
        let mut window = window_of(25);
        let mut now = Instant::now();
        for windows in [4, 8, 16, 32, 32] {
            for _ in 0..3 {
                let snapshot = granted(&mut window, now);
                window.record_counted(snapshot, now);
            }
            let refused = granted(&mut window, now);
            window.record_throttled(refused, now, MINUTE);
            for _ in 0..windows {
                now += MINUTE;
                assert_eq!(send_all(&mut window, now), 3);
            }
            now += MINUTE * 2;
        }
    }

    #[test]
    fn a_429_for_another_reason_shows_no_limit() {
        let mut window = window_of(25);
        let start = Instant::now();
        let snapshot = granted(&mut window, start);
        window.record_counted(snapshot, start);
        let refused = granted(&mut window, start);
        window.record_throttled(refused, start, SECOND * 7);
        assert_eq!(send_all(&mut window, start + SECOND * 7), 24);
    }

    #[test]
    fn of_429s_to_requests_in_flight_together_the_highest_limit_counts() {
        let mut window = window_of(25);
        let start = Instant::now();
        let out: Vec<_> = (0..12).map(|_| granted(&mut window, start)).collect();
        for snapshot in out {
            window.record_throttled(snapshot, start + SECOND, MINUTE);
        }
        assert_eq!(window.current_limit(start + SECOND), 11);
    }
}
