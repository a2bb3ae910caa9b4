//! When to try again, and after how long: one policy for every call.

use crate::process::random_f64;
use std::time::Duration;

/// How patient a client is. The defaults are those of Adobe's own client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often a request is tried in all; 1 turns retries off.
    pub max_attempts: u32,
    /// The wait before the second attempt where the service names none; it doubles with each further one. Where there
    /// was no connection to be had, it is a second at most, and no attempt begins after a whole connect timeout without.
    pub first_delay: Duration,
    /// The longest single wait that the caller puts up with. If the service asks for more, the call ends as throttled.
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
    /// The wait after the `attempt`th attempt failed: exponential, with up to a third on top so that many clients do
    /// not come back at the same moment.
    pub(crate) fn back_off(&self, attempt: u32) -> Duration {
        doubled(self.first_delay, attempt)
            .mul_f64(1.0 + random_f64() / 3.0)
            .min(self.max_wait)
    }

    /// The wait after the `attempt`th attempt found no connection at all: nobody was burdened by it.
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
