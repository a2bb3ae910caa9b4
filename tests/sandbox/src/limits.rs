//! The service's two throttles: a minute's budget for each endpoint, and a long block after page 0 was read too often.

use crate::route::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limit {
    pub requests: usize,
    pub window_ms: u64,
}

#[derive(Debug, Default)]
pub struct Throttle {
    limits: BTreeMap<Endpoint, Limit>,
    recent: BTreeMap<Endpoint, VecDeque<Instant>>,
    page0_block: Duration,
    page0_reads: BTreeMap<Endpoint, VecDeque<Instant>>,
}

/// So many readings of page 0 within the block's length are borne.
const PAGE0_READINGS: usize = 3;

impl Throttle {
    pub fn documented(time_scale: f64) -> Self {
        let window_ms = (60_000.0 / time_scale.max(0.001)) as u64;
        let limit = |requests| Limit {
            requests,
            window_ms,
        };
        Throttle {
            limits: [
                (Endpoint::Users, limit(25)),
                (Endpoint::User, limit(25)),
                (Endpoint::Groups, limit(5)),
                (Endpoint::UserGroups, limit(5)),
                (Endpoint::Action, limit(10)),
            ]
            .into(),
            ..Throttle::default()
        }
    }

    pub fn with_page0_block(mut self, block: Duration) -> Self {
        self.page0_block = block;
        self
    }

    /// Takes the limit of an endpoint away with `None`.
    pub fn set(&mut self, endpoint: Endpoint, limit: Option<Limit>) {
        match limit {
            Some(limit) => self.limits.insert(endpoint, limit),
            None => self.limits.remove(&endpoint),
        };
    }

    pub fn limits(&self) -> &BTreeMap<Endpoint, Limit> {
        &self.limits
    }

    /// Counts a request; an error tells how long to wait. A refused request costs nothing.
    pub fn admit(
        &mut self,
        endpoint: Endpoint,
        reads_page0_of_all: bool,
        now: Instant,
    ) -> Result<(), Duration> {
        if reads_page0_of_all && !self.page0_block.is_zero() {
            let reads = self.page0_reads.entry(endpoint).or_default();
            spend(reads, PAGE0_READINGS, self.page0_block, now)?;
        }
        let Some(limit) = self.limits.get(&endpoint) else {
            return Ok(());
        };
        let recent = self.recent.entry(endpoint).or_default();
        spend(
            recent,
            limit.requests,
            Duration::from_millis(limit.window_ms),
            now,
        )
    }
}

fn spend(
    recent: &mut VecDeque<Instant>,
    most: usize,
    window: Duration,
    now: Instant,
) -> Result<(), Duration> {
    while recent
        .front()
        .is_some_and(|first| now.duration_since(*first) >= window)
    {
        recent.pop_front();
    }
    if recent.len() >= most {
        let free_at = recent.front().map(|first| *first + window);
        return Err(free_at.map_or(window, |at| at.duration_since(now)));
    }
    recent.push_back(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_a_refusal_costs_nothing() {
        let mut throttle = Throttle::documented(1.0);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            throttle.admit(Endpoint::Action, false, at(second)).unwrap();
        }
        assert_eq!(
            throttle.admit(Endpoint::Action, false, at(20)),
            Err(Duration::from_secs(40))
        );
        throttle.admit(Endpoint::Action, false, at(60)).unwrap();
        assert_eq!(
            throttle.admit(Endpoint::Action, false, at(60)),
            Err(Duration::from_secs(1))
        );
        throttle.admit(Endpoint::Users, false, at(60)).unwrap();
    }

    #[test]
    fn page_0_blocks_for_long() {
        let mut throttle = Throttle::default().with_page0_block(Duration::from_secs(3244));
        let now = Instant::now();
        for _ in 0..PAGE0_READINGS {
            throttle.admit(Endpoint::Users, true, now).unwrap();
        }
        assert!(throttle.admit(Endpoint::Users, true, now).is_err());
        throttle.admit(Endpoint::Users, false, now).unwrap();
    }
}
