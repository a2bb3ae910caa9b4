//! The service's throttles: for each endpoint a limit on the requests of a minute, of one client and of all clients
//! together, and a long block after page 0 was read too often.

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

/// The clients whose requests a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One client id.
    #[default]
    Client,
    /// All client ids together.
    Application,
}

/// What the throttle needs to know of a request.
pub struct RequestInfo<'a> {
    pub endpoint: Endpoint,
    pub client_id: &'a str,
    /// Whether the request begins a listing of all users or of all groups.
    pub reads_page0_of_all: bool,
    pub now: Instant,
}

#[derive(Debug, Default)]
pub struct Throttle {
    limits: BTreeMap<Scope, BTreeMap<Endpoint, Limit>>,
    page0_block: Duration,
    /// The times of the latest requests that each limit counts.
    recent: BTreeMap<Counted, VecDeque<Instant>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Client(String, Endpoint),
    Application(Endpoint),
    Page0(Endpoint),
    FullListing(Endpoint),
}

/// How many times page 0 may be read within the length of the block.
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

    /// Sets the limit of an endpoint, or removes it with `None`.
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

    /// Counts a request. The error is the time to wait; a refused request is not counted. `full_listing_every` is the
    /// time within which page 0 of all users, or of all groups, may be read once.
    pub fn acquire(
        &mut self,
        info: &RequestInfo,
        full_listing_every: Duration,
    ) -> Result<(), Duration> {
        let RequestInfo { endpoint, .. } = *info;
        let mut limits = Vec::new();
        if info.reads_page0_of_all && !self.page0_block.is_zero() {
            let limit = Limit::within(PAGE0_READINGS, self.page0_block);
            limits.push((Counted::Page0(endpoint), limit));
        }
        if info.reads_page0_of_all && !full_listing_every.is_zero() {
            let limit = Limit::within(1, full_listing_every);
            limits.push((Counted::FullListing(endpoint), limit));
        }
        let of = |scope| self.limits.get(&scope)?.get(&endpoint).copied();
        let client = Counted::Client(info.client_id.to_owned(), endpoint);
        limits.extend(of(Scope::Client).map(|limit| (client, limit)));
        let all = Counted::Application(endpoint);
        limits.extend(of(Scope::Application).map(|limit| (all, limit)));

        for (counted, limit) in &limits {
            let recent = self.recent.entry(counted.clone()).or_default();
            check_window(recent, limit, info.now)?;
        }
        for (counted, _) in limits {
            self.recent.entry(counted).or_default().push_back(info.now);
        }
        Ok(())
    }
}

fn check_window(
    recent: &mut VecDeque<Instant>,
    limit: &Limit,
    now: Instant,
) -> Result<(), Duration> {
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

    fn info(endpoint: Endpoint, client_id: &str, now: Instant) -> RequestInfo<'_> {
        RequestInfo {
            endpoint,
            client_id,
            reads_page0_of_all: false,
            now,
        }
    }

    #[test]
    fn a_window_slides_and_a_refusal_is_not_counted() {
        let mut throttle = Throttle::documented(1.0);
        let start = Instant::now();
        let mut ask = |endpoint, seconds| {
            let now = start + Duration::from_secs(seconds);
            throttle.acquire(&info(endpoint, "a", now), Duration::ZERO)
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
            throttle.acquire(&info(Endpoint::UserGroups, &client, now), Duration::ZERO)
        });
        assert_eq!(answers.by_ref().take(50).filter(Result::is_err).count(), 0);
        assert_eq!(answers.filter(Result::is_ok).count(), 0);
    }

    #[test]
    fn reading_page_0_too_often_causes_the_long_block() {
        let mut throttle = Throttle::default().with_page0_block(Duration::from_secs(3244));
        let now = Instant::now();
        let mut ask = |reads_page0_of_all| {
            let info = RequestInfo {
                reads_page0_of_all,
                ..info(Endpoint::Users, "a", now)
            };
            throttle.acquire(&info, Duration::ZERO)
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
            let info = RequestInfo {
                reads_page0_of_all: true,
                ..info(endpoint, "a", start + Duration::from_secs(seconds))
            };
            throttle.acquire(&info, two_hours)
        };
        ask(Endpoint::Users, 0).unwrap();
        ask(Endpoint::Groups, 0).unwrap();
        assert_eq!(ask(Endpoint::Users, 7000), Err(Duration::from_secs(200)));
        ask(Endpoint::Users, 7200).unwrap();
    }
}
