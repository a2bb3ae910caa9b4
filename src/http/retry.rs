//! The decision about what follows a failed attempt: another attempt after some time, or the error of the call.

use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::WaitReason;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::process::random_f64;
use std::time::Duration;
use tokio::time::Instant;

/// How often and after how long a client tries a request again. The defaults are those of Adobe's own client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often a request is tried in all; at least 1, which turns retries off.
    pub max_attempts: u32,
    /// The wait before the second attempt where the service names none, at least 1 ms; it doubles with each further
    /// attempt. Where no connection could be made, the first wait is a second at most, and no attempt begins once the
    /// connect timeout has passed without a connection.
    pub first_delay: Duration,
    /// The longest single wait, at least 1 ms. If the service asks for more, the call ends as throttled.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 4,
            first_delay: Duration::from_secs(15),
            max_wait: Duration::from_secs(300),
        }
    }
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// It changes nothing.
    Reads,
    /// It may run twice with the same end.
    Safe,
    /// Running twice could end differently than running once.
    Unsafe,
}

impl RetryPolicy {
    /// How long to wait after a failed attempt: at first as long as the service asks, and otherwise by the policy. A
    /// service that asks for little again and again is in a block that is longer than it says, so the policy holds from
    /// the second time on.
    pub(crate) fn wait_after(&self, failure: &Error) -> Duration {
        let attempts = failure.attempts();
        match failure.retry_after() {
            Some(asked) if attempts <= 1 => asked,
            Some(asked) => asked.max(self.back_off(attempts - 1)),
            None if failure.is_unconnected() => self.reconnect_delay(attempts),
            None => self.back_off(attempts),
        }
    }

    /// The wait after the `attempt`th attempt failed: exponential, with up to a third on top so that many clients do
    /// not come back at the same moment.
    fn back_off(&self, attempt: u32) -> Duration {
        doubled(self.first_delay, attempt)
            .mul_f64(1.0 + random_f64() / 3.0)
            .min(self.max_wait)
    }

    /// The wait after the `attempt`th attempt found no connection at all. It is shorter, since such an attempt puts no
    /// load on any host.
    fn reconnect_delay(&self, attempt: u32) -> Duration {
        doubled(self.first_delay.min(FIRST_RECONNECT), attempt).min(self.max_wait)
    }
}

const FIRST_RECONNECT: Duration = Duration::from_secs(1);

fn doubled(first: Duration, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings)
}

/// The retries of one logical call.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    policy: &'a RetryPolicy,
    replay: Replay,
    /// No attempt begins once this has passed without a connection.
    connect_timeout: Duration,
    /// The begin of the first of the newest attempts in a row that found no connection.
    unconnected_since: Option<Instant>,
}

/// Another attempt is to follow `failure`.
#[derive(Debug)]
pub(crate) struct Retry {
    at: Instant,
    failure: Error,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(policy: &'a RetryPolicy, replay: Replay, connect_timeout: Duration) -> Self {
        Retries {
            policy,
            replay,
            connect_timeout,
            unconnected_since: None,
        }
    }

    /// Decides what follows an attempt that began at `begun` and ended with `failure`, if the next one is to wait for
    /// `wait`: another attempt, or the error of the call.
    pub(crate) fn after(
        &mut self,
        call: &Call,
        failure: Error,
        wait: Duration,
        begun: Instant,
    ) -> Result<Retry> {
        match failure.is_unconnected() {
            true => _ = self.unconnected_since.get_or_insert(begun),
            false => self.unconnected_since = None,
        }
        let attempts = failure.attempts();
        if !self.may_connect_again(attempts) || !may_try_again(&failure, self.replay) {
            return Err(failure);
        }
        let at = Instant::now() + wait;
        if wait > self.policy.max_wait || !call.has_time_until(at) {
            return Err(without_time(failure));
        }
        match attempts < call.attempts(self.policy.max_attempts) {
            true => Ok(Retry { at, failure }),
            false => Err(failure),
        }
    }

    /// A connection that cannot be made is tried again soon and not for long: mostly something is set up wrongly, and
    /// the caller should learn that within seconds.
    fn may_connect_again(&self, attempts: u32) -> bool {
        self.unconnected_since.is_none_or(|since| {
            let next = since.elapsed() + self.policy.reconnect_delay(attempts);
            next < self.connect_timeout
        })
    }
}

impl Retry {
    /// Waits until the next attempt may begin; the failure if the call ends before.
    pub(crate) async fn wait(self, call: &Call, class: EndpointClass) -> Result<()> {
        if self.failure.kind() == ErrorKind::Throttled {
            // All requests wait at the gate that the failure has closed, this one included.
            return Ok(());
        }
        let waited = call.wait_until(class, self.at, WaitReason::BackOff, None);
        waited.await.map_err(|_| self.failure)
    }
}

fn may_try_again(failure: &Error, replay: Replay) -> bool {
    use ErrorKind::*;
    match failure.kind() {
        Throttled => true,
        Connect | Timeout | Server => match failure.delivery() {
            Delivery::NotSent => true,
            Delivery::Unknown => replay != Replay::Unsafe,
            Delivery::Answered => false,
        },
        // An unintelligible answer to a read is told at once. What became of actions has to be found out.
        Protocol => failure.delivery() == Delivery::Unknown && replay == Replay::Safe,
        _ => false,
    }
}

/// The error of a call that cannot wait for the next attempt after `failure`. Where the service named the wait, the call
/// ends as throttled, so that its caller learns the figure as after any throttle.
pub(crate) fn without_time(failure: Error) -> Error {
    match failure.retry_after() {
        Some(_) => failure.with_kind(ErrorKind::Throttled),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::options::CallOptions;
    use Delivery::*;
    use ErrorKind::*;

    const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

    fn failure(kind: ErrorKind, delivery: Delivery) -> Error {
        Error::new(kind, "as the test says")
            .with_delivery(delivery)
            .with_attempts(1)
    }

    fn decide(options: &CallOptions, replay: Replay, failure: Error) -> Result<Retry> {
        let policy = RetryPolicy::default();
        let wait = policy.wait_after(&failure);
        let mut retries = Retries::new(&policy, replay, CONNECT_TIMEOUT);
        retries.after(&Call::begin(options), failure, wait, Instant::now())
    }

    fn is_tried_again(replay: Replay, failure: Error) -> bool {
        decide(&CallOptions::new(), replay, failure).is_ok()
    }

    #[test]
    fn the_back_off_doubles_within_its_bounds() {
        let policy = RetryPolicy::default();
        for (attempt, base) in [(1, 15.0), (2, 30.0), (3, 60.0)] {
            for _ in 0..100 {
                let wait = policy.back_off(attempt).as_secs_f64();
                assert!(
                    (base..=base * 4.0 / 3.0).contains(&wait),
                    "{attempt}: {wait}"
                );
            }
        }
        assert_eq!(policy.back_off(40), policy.max_wait);
    }

    #[test]
    fn a_connection_is_asked_for_again_within_seconds() {
        let mut policy = RetryPolicy::default();
        let waits = [1, 2, 3].map(|attempt| policy.reconnect_delay(attempt).as_secs());
        assert_eq!(waits, [1, 2, 4]);
        policy.first_delay = Duration::from_millis(10);
        assert_eq!(policy.reconnect_delay(2), Duration::from_millis(20));
    }

    #[test]
    fn the_service_names_the_first_wait_and_the_policy_the_least_of_the_others() {
        let policy = RetryPolicy::default();
        let asking = |attempts| {
            let failure = failure(Throttled, NotSent).with_attempts(attempts);
            failure.with_retry_after(Some(Duration::from_secs(2)))
        };
        assert_eq!(policy.wait_after(&asking(1)), Duration::from_secs(2));
        assert!(policy.wait_after(&asking(2)) >= Duration::from_secs(15));
        let unconnected = failure(Connect, NotSent).without_connection();
        assert_eq!(policy.wait_after(&unconnected), FIRST_RECONNECT);
        assert!(policy.wait_after(&failure(Server, Unknown)) >= Duration::from_secs(15));
    }

    #[tokio::test]
    async fn a_lost_answer_is_tried_again_only_where_that_does_no_harm() {
        for kind in [Connect, Timeout, Server] {
            for (delivery, expected) in [
                (NotSent, [true, true, true]),
                (Unknown, [true, true, false]),
                (Answered, [false; 3]),
            ] {
                let replays = [Replay::Reads, Replay::Safe, Replay::Unsafe];
                let tried = replays.map(|replay| is_tried_again(replay, failure(kind, delivery)));
                assert_eq!(tried, expected, "{kind:?}, {delivery:?}");
            }
        }
        assert!(is_tried_again(Replay::Unsafe, failure(Throttled, NotSent)));
        assert!(is_tried_again(Replay::Safe, failure(Protocol, Unknown)));
        for replay in [Replay::Reads, Replay::Unsafe] {
            assert!(!is_tried_again(replay, failure(Protocol, Unknown)));
        }
        for kind in [Auth, Forbidden, Tls, Proxy, Rejected, Cancelled, Deadline] {
            assert!(!is_tried_again(Replay::Safe, failure(kind, NotSent)));
        }
    }

    #[tokio::test]
    async fn too_long_a_wait_or_too_many_attempts_give_the_error_back() {
        let asking = |seconds| {
            let wait = Some(Duration::from_secs(seconds));
            failure(Server, NotSent).with_retry_after(wait)
        };
        let decide = |options: &CallOptions, failure| decide(options, Replay::Reads, failure);
        let patient = CallOptions::new();
        assert!(decide(&patient, asking(299)).is_ok());
        let error = decide(&patient, asking(301)).unwrap_err();
        assert_eq!(error.kind(), Throttled, "the service named the wait");
        let mut short = CallOptions::new();
        short.set_timeout(Some(Duration::from_secs(5)));
        assert_eq!(decide(&short, asking(6)).unwrap_err().kind(), Throttled);
        let unnamed = decide(&short, failure(Server, NotSent)).unwrap_err();
        assert_eq!(unnamed.kind(), Server);
        let last = |attempts| failure(Server, NotSent).with_attempts(attempts);
        assert!(decide(&patient, last(3)).is_ok());
        assert!(decide(&patient, last(4)).is_err());
        assert!(decide(&patient.clone().without_retries(), last(1)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_after_a_connect_timeout_without_a_connection() {
        let policy = RetryPolicy {
            max_attempts: 100,
            ..RetryPolicy::default()
        };
        let call = Call::begin(&CallOptions::new());
        let mut retries = Retries::new(&policy, Replay::Unsafe, CONNECT_TIMEOUT);
        let begun = Instant::now();
        let mut attempts = 0;
        let error = loop {
            attempts += 1;
            let failure = failure(Connect, NotSent).without_connection();
            let failure = failure.with_attempts(attempts);
            let wait = policy.wait_after(&failure);
            match retries.after(&call, failure, wait, Instant::now()) {
                Ok(retry) => retry.wait(&call, EndpointClass::Action).await.unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), attempts), (Connect, 5));
        assert_eq!(begun.elapsed().as_secs(), 1 + 2 + 4 + 8);
    }
}
