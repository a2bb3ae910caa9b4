//! The rate limiter of one endpoint class: a queue for permits, and a gate that a 429 closes for every call.
//!
//! After a 429 one request is in flight at a time until the service has shown how many it allows, so that one call meets
//! the next 429 and not all. That call keeps its turn for the next request, so that no call meets 429 after 429 while
//! others pass.

use super::permit_queue::{Permit, PermitQueue, ProbeTurn};
use super::rate_limit::RateLimit;
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::WaitReason;
use crate::error::Result;
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long the gate stays closed at most. The service is not known to block a client for an hour: a later date comes from
/// a wrong clock or from an intermediary, so a probe is sent after an hour.
const LONGEST_CLOSED: Duration = Duration::from_secs(3600);

/// The gate and the queue of one endpoint class.
#[derive(Debug)]
pub(crate) struct EndpointLimiter {
    permits: Arc<PermitQueue>,
    closed_until: Mutex<Option<Instant>>,
}

impl EndpointLimiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        EndpointLimiter {
            permits: Arc::new(PermitQueue::new(limit)),
            closed_until: Mutex::default(),
        }
    }

    /// Waits until a request may be sent, at the gate for `max_wait` at most. `turn`: the turn that the call kept from an
    /// attempt that met a 429. `Throttled` if the gate stays closed for longer than the call may wait.
    pub(crate) async fn acquire(
        &self,
        call: &Call,
        class: EndpointClass,
        max_wait: Duration,
        mut turn: Option<ProbeTurn>,
    ) -> Result<Permit> {
        loop {
            self.wait_at_gate(call, class, max_wait).await?;
            let permit = self.permits.acquire(call, class, turn.take()).await?;
            if self.opens_at().is_none() {
                return Ok(permit);
            }
            turn = permit.give_back();
        }
    }

    /// Records a 429: the gate is closed for every call for `wait`. The returned turn lets the same call send the next
    /// request.
    pub(crate) fn throttled(&self, permit: Permit, wait: Duration) -> Option<ProbeTurn> {
        self.close_for(wait);
        permit.throttled(wait)
    }

    /// Closes the gate for `wait`, as the service asks, but for [`LONGEST_CLOSED`] at most.
    fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_CLOSED);
        let mut closed_until = lock(&self.closed_until);
        *closed_until = closed_until.max(Some(until));
        self.permits.be_cautious_until(until);
    }

    /// When the gate opens; `None` if it is open.
    fn opens_at(&self) -> Option<Instant> {
        lock(&self.closed_until).filter(|until| *until > Instant::now())
    }

    async fn wait_at_gate(
        &self,
        call: &Call,
        class: EndpointClass,
        max_wait: Duration,
    ) -> Result<()> {
        while let Some(until) = self.opens_at() {
            call.wait_until(class, until, WaitReason::Throttled, Some(max_wait))
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::options::CallOptions;
    use crate::error::ErrorKind;

    const CLASS: EndpointClass = EndpointClass::Action;
    const MAX_WAIT: Duration = Duration::from_secs(300);

    fn limiter() -> EndpointLimiter {
        EndpointLimiter::new(Some(RateLimit {
            requests: 100,
            window: Duration::from_secs(60),
        }))
    }

    async fn acquire(limiter: &EndpointLimiter, call: &Call) -> Result<Permit> {
        call.until_cancelled_or_due(limiter.acquire(call, CLASS, MAX_WAIT, None))
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_maximum_fails_at_once() {
        let limiter = limiter();
        limiter.close_for(Duration::from_secs(3244));
        let begun = Instant::now();
        let call = Call::begin(&CallOptions::new());
        let error = acquire(&limiter, &call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3244)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_wait_ends_with_a_probe_after_an_hour() {
        let limiter = limiter();
        limiter.close_for(Duration::from_secs(366 * 24 * 3600));
        let call = Call::begin(&CallOptions::new());
        let error = acquire(&limiter, &call).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(LONGEST_CLOSED));
        tokio::time::sleep(LONGEST_CLOSED).await;
        let probe = acquire(&limiter, &call).await.unwrap();
        let other = Call::begin(&CallOptions::with_timeout(Duration::from_secs(1)));
        let error = acquire(&limiter, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "one at a time");
        drop(probe);
        acquire(&limiter, &call).await.unwrap();
    }

    /// How long five calls take whose requests last a second each.
    async fn five_take(limiter: &EndpointLimiter) -> Duration {
        let begun = Instant::now();
        let work = |_| async {
            let permit = acquire(limiter, &Call::begin(&CallOptions::new())).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            permit.unwrap();
        };
        futures_util::future::join_all((0..5).map(work)).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_429_requests_are_sent_one_at_a_time_for_a_while() {
        let limiter = limiter();
        let seconds = |n: u128| n * 1000..n * 1000 + 100;
        limiter.close_for(Duration::from_secs(40));
        assert!(seconds(45).contains(&five_take(&limiter).await.as_millis()));
        assert!(seconds(5).contains(&five_take(&limiter).await.as_millis()));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(seconds(1).contains(&five_take(&limiter).await.as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_meets_a_429_keeps_its_turn() {
        let limiter = limiter();
        limiter.close_for(Duration::from_secs(1));
        let (call, other) = (
            Call::begin(&CallOptions::new()),
            Call::begin(&CallOptions::new()),
        );
        let permit = acquire(&limiter, &call).await.unwrap();
        let next = acquire(&limiter, &other);
        tokio::pin!(next);
        assert!(
            tokio::time::timeout(Duration::ZERO, &mut next)
                .await
                .is_err()
        );
        let turn = limiter.throttled(permit, Duration::from_secs(1));
        let again = limiter.acquire(&call, CLASS, MAX_WAIT, turn);
        let again = tokio::select! {
            biased;
            _ = &mut next => panic!("it is not the other's turn"),
            permit = again => permit.unwrap(),
        };
        drop(again);
        next.await.unwrap();
    }

    /// A service that allows `limit` requests in any minute, and asks for waits in whole seconds.
    struct Service {
        limit: usize,
        recent: Mutex<Vec<Instant>>,
        throttled: Mutex<Vec<Instant>>,
    }

    impl Service {
        fn answer(&self) -> std::result::Result<(), Duration> {
            let (now, minute) = (Instant::now(), Duration::from_secs(60));
            let mut recent = lock(&self.recent);
            recent.retain(|counted| now - *counted < minute);
            if recent.len() < self.limit {
                recent.push(now);
                return Ok(());
            }
            lock(&self.throttled).push(now);
            let wait = recent[0] + minute - now;
            Err(Duration::from_secs(wait.as_secs() + 1))
        }
    }

    async fn send_one(limiter: &EndpointLimiter, service: &Service) {
        let call = Call::begin(&CallOptions::new());
        let mut turn = None;
        loop {
            let permit = limiter.acquire(&call, CLASS, MAX_WAIT, turn.take()).await;
            let permit = permit.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..900))).await;
            match service.answer() {
                Ok(()) => return tokio::time::sleep(Duration::from_millis(200)).await,
                Err(wait) => turn = limiter.throttled(permit, wait),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_the_documented_limit_is_used_with_at_most_one_429_a_window() {
        let limiter = EndpointLimiter::new(Some(RateLimit {
            requests: 25,
            window: Duration::from_secs(60),
        }));
        let service = Service {
            limit: 12,
            recent: Mutex::default(),
            throttled: Mutex::default(),
        };
        let begun = Instant::now();
        let caller = |_| async {
            for _ in 0..60 {
                let pages = (0..5).map(|_| send_one(&limiter, &service));
                futures_util::future::join_all(pages).await;
            }
        };
        futures_util::future::join_all((0..4).map(caller)).await;
        let windows = f64::from(4 * 60 * 5 / 12 - 1);
        let took = begun.elapsed().as_secs_f64() / 60.0;
        let throttled = lock(&service.throttled);
        for at in throttled.iter() {
            eprintln!("{:?}", *at - begun);
        }
        assert!(took < windows * 1.05, "{took} windows instead of {windows}");
        for (first, second) in throttled.iter().zip(&throttled[1..]) {
            assert!(*second - *first > Duration::from_secs(59), "{throttled:?}");
        }
        assert!(throttled.len() < 8, "{}", throttled.len());
    }
}
