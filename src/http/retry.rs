//! The policy of retries, one for every call: when a request is tried again, and after which wait.

use crate::process::random_share;
use std::time::Duration;

/// When a request is tried again. The defaults are those of Adobe's own client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often a request is tried in all; at least 1, which turns retries off.
    pub max_attempts: u32,
    /// The wait before the second attempt where the service names none, at least 1 ms; it doubles with each further
    /// attempt. After a failure to connect the wait is at most 1 s, and no attempt begins once a connect timeout has
    /// passed without a connection.
    pub first_delay: Duration,
    /// The longest single wait that the caller accepts, at least 1 ms. If the service asks for more, the call ends as
    /// throttled.
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

impl RetryPolicy {
    /// The wait after the `attempt`th attempt failed. It is exponential, with up to a third on top, so that many clients
    /// do not come back at the same moment.
    pub(crate) fn back_off(&self, attempt: u32) -> Duration {
        doubled(self.first_delay, attempt)
            .mul_f64(1.0 + random_share() / 3.0)
            .min(self.max_wait)
    }

    /// The wait after the `attempt`th attempt found no connection at all. It is shorter, since such an attempt puts no
    /// load on the service.
    pub(crate) fn reconnect_delay(&self, attempt: u32) -> Duration {
        doubled(self.first_delay.min(FIRST_RECONNECT), attempt).min(self.max_wait)
    }
}

const FIRST_RECONNECT: Duration = Duration::from_secs(1);

fn doubled(first: Duration, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
