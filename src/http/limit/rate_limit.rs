//! The limits on the pace of requests: the figures of the service's documentation, or what the options say.

use crate::call::endpoint_class::EndpointClass;
use std::time::Duration;

/// A number of requests in each window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// How many requests; at least 1.
    pub requests: u32,
    /// The time in which so many requests may be sent, at least 1 ms; it slides.
    pub window: Duration,
}

/// The limits of one client id, one for each endpoint class; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RateLimits([Option<RateLimit>; EndpointClass::COUNT]);

impl Default for RateLimits {
    /// The limits that Adobe documents, per minute and client id.
    fn default() -> Self {
        use EndpointClass::*;
        let mut limits = RateLimits::unlimited();
        for (class, requests) in [
            (Users, 25),
            (User, 25),
            (Groups, 5),
            (UserGroups, 5),
            (Action, 10),
        ] {
            limits.set(
                class,
                Some(RateLimit {
                    requests,
                    window: Duration::from_secs(60),
                }),
            );
        }
        limits
    }
}

impl RateLimits {
    /// No limit for any class. The service then answers 429 when there are too many requests.
    fn unlimited() -> Self {
        RateLimits([None; EndpointClass::COUNT])
    }

    /// Sets the limit of a class; `None` removes it.
    pub(crate) fn set(&mut self, class: EndpointClass, limit: Option<RateLimit>) {
        self.0[class as usize] = limit;
    }

    /// The limits by the number of their class.
    pub(crate) fn each(&self) -> [Option<RateLimit>; EndpointClass::COUNT] {
        self.0
    }
}
