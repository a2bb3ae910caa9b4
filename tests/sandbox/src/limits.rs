//! The service's throttles: a minute's budget for each endpoint, of one client and of all clients together, and a long
//! block after page 0 was read too often.

use crate::route::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limit {
    pub requests: usize,
    pub window_ms: u64,
}

impl Limit {
    fn within(requests: usize, window: Duration) -> Self {
        Limit {
            requests,
            window_ms: window.as_millis() as u64,
        }
    }

    fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms)
    }
}

/// Whose requests a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of one client id.
    #[default]
    Client,
    /// Those of all client ids.
    Application,
}

/// One request, as the throttle sees it.
pub struct Asked<'a> {
    pub endpoint: Endpoint,
    pub client_id: &'a str,
    /// Whether it begins a listing of all users or of all groups.
    pub reads_page0_of_all: bool,
    pub now: Instant,
}

#[derive(Debug, Default)]
pub struct Throttle {
    limits: BTreeMap<Scope, BTreeMap<Endpoint, Limit>>,
    page0_block: Duration,
    /// The latest requests that each limit counts.
    recent: BTreeMap<Counted, VecDeque<Instant>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Client(String, Endpoint),
    Application(Endpoint),
    Page0(Endpoint),
    FullListing(Endpoint),
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
        let of_a_client = [
            (Endpoint::Users, limit(25)),
            (Endpoint::User, limit(25)),
            (Endpoint::Groups, limit(5)),
            (Endpoint::UserGroups, limit(5)),
            (Endpoint::Action, limit(10)),
        ];
        let of_all = of_a_client.map(|(endpoint, _)| match endpoint {
            Endpoint::UserGroups => (endpoint, limit(50)),
            _ => (endpoint, limit(100)),
        });
        Throttle {
            limits: [
                (Scope::Client, of_a_client.into()),
                (Scope::Application, of_all.into()),
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
    pub fn set(&mut self, scope: Scope, endpoint: Endpoint, limit: Option<Limit>) {
        let limits = self.limits.entry(scope).or_default();
        match limit {
            Some(limit) => limits.insert(endpoint, limit),
            None => limits.remove(&endpoint),
        };
    }

    pub fn limits(&self) -> &BTreeMap<Scope, BTreeMap<Endpoint, Limit>> {
        &self.limits
    }

    /// Counts a request; an error tells how long to wait. A refused request costs nothing. `full_listing_every` is the
    /// time within which page 0 of all users, or of all groups, may be read once.
    pub fn admit(&mut self, asked: &Asked, full_listing_every: Duration) -> Result<(), Duration> {
        let Asked { endpoint, .. } = *asked;
        let mut limits = Vec::new();
        if asked.reads_page0_of_all && !self.page0_block.is_zero() {
            let limit = Limit::within(PAGE0_READINGS, self.page0_block);
            limits.push((Counted::Page0(endpoint), limit));
        }
        if asked.reads_page0_of_all && !full_listing_every.is_zero() {
            let limit = Limit::within(1, full_listing_every);
            limits.push((Counted::FullListing(endpoint), limit));
        }
        let of = |scope| self.limits.get(&scope)?.get(&endpoint).copied();
        let client = Counted::Client(asked.client_id.to_owned(), endpoint);
        limits.extend(of(Scope::Client).map(|limit| (client, limit)));
        let all = Counted::Application(endpoint);
        limits.extend(of(Scope::Application).map(|limit| (all, limit)));

        for (counted, limit) in &limits {
            let recent = self.recent.entry(counted.clone()).or_default();
            check(recent, limit, asked.now)?;
        }
        for (counted, _) in limits {
            self.recent.entry(counted).or_default().push_back(asked.now);
        }
        Ok(())
    }
}

fn check(recent: &mut VecDeque<Instant>, limit: &Limit, now: Instant) -> Result<(), Duration> {
    let window = limit.window();
    let is_over = |first: &Instant| now.duration_since(*first) >= window;
    while recent.front().is_some_and(is_over) {
        recent.pop_front();
    }
    if recent.len() < limit.requests {
        return Ok(());
    }
    let free_at = recent.front().map(|first| *first + window);
    Err(free_at.map_or(window, |at| at.duration_since(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(endpoint: Endpoint, client_id: &str, now: Instant) -> Asked<'_> {
        Asked {
            endpoint,
            client_id,
            reads_page0_of_all: false,
            now,
        }
    }

    #[test]
    fn a_window_slides_and_a_refusal_costs_nothing() {
        let mut throttle = Throttle::documented(1.0);
        let start = Instant::now();
        let mut ask = |endpoint, seconds| {
            let now = start + Duration::from_secs(seconds);
            throttle.admit(&asked(endpoint, "a", now), Duration::ZERO)
        };
        for second in 0..10 {
            ask(Endpoint::Action, second).unwrap();
        }
        assert_eq!(ask(Endpoint::Action, 20), Err(Duration::from_secs(40)));
        ask(Endpoint::Action, 60).unwrap();
        assert_eq!(ask(Endpoint::Action, 60), Err(Duration::from_secs(1)));
        ask(Endpoint::Users, 60).unwrap();
    }

    #[test]
    fn all_clients_together_have_a_limit() {
        let mut throttle = Throttle::documented(1.0);
        let now = Instant::now();
        let mut answers = (0..120).map(|number| {
            let client = format!("client {}", number / 5);
            throttle.admit(&asked(Endpoint::UserGroups, &client, now), Duration::ZERO)
        });
        assert_eq!(answers.by_ref().take(50).filter(Result::is_err).count(), 0);
        assert_eq!(answers.filter(Result::is_ok).count(), 0);
    }

    #[test]
    fn page_0_blocks_for_long() {
        let mut throttle = Throttle::default().with_page0_block(Duration::from_secs(3244));
        let now = Instant::now();
        let mut ask = |reads_page0_of_all| {
            let asked = Asked {
                reads_page0_of_all,
                ..asked(Endpoint::Users, "a", now)
            };
            throttle.admit(&asked, Duration::ZERO)
        };
        for _ in 0..PAGE0_READINGS {
            ask(true).unwrap();
        }
        assert!(ask(true).is_err());
        ask(false).unwrap();
    }

    #[test]
    fn a_full_listing_begins_once_in_two_hours() {
        let mut throttle = Throttle::default();
        let (start, two_hours) = (Instant::now(), Duration::from_secs(7200));
        let mut ask = |endpoint, seconds| {
            let asked = Asked {
                reads_page0_of_all: true,
                ..asked(endpoint, "a", start + Duration::from_secs(seconds))
            };
            throttle.admit(&asked, two_hours)
        };
        ask(Endpoint::Users, 0).unwrap();
        ask(Endpoint::Groups, 0).unwrap();
        assert_eq!(ask(Endpoint::Users, 7000), Err(Duration::from_secs(200)));
        ask(Endpoint::Users, 7200).unwrap();
    }
}
