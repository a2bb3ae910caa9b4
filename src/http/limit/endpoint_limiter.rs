//! One endpoint class of one client id: its queue, and a gate that closes for every call when a 429 is met all the same.
//!
//! After a 429 one request goes out at a time until the service has shown what it allows: whoever meets the next 429 is
//! one call and not all, and keeps its turn, so that the same call is never the unlucky one for long.

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

/// The longest block that the service is known to impose is below an hour. A date beyond that comes from a wrong clock or
/// from something on the way, so a probe goes out after an hour.
const LONGEST_CLOSED: Duration = Duration::from_secs(3600);

/// One endpoint class: its gate and its queue.
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

    /// Waits until a request may go out. Who has a `turn` from an attempt that met a 429 keeps it.
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
            if self.open_at().is_none() {
                return Ok(permit);
            }
            turn = permit.give_back();
        }
    }

    /// The request met a 429: everyone is kept out for `wait`, and the next attempt is this call's.
    pub(crate) fn throttled(&self, permit: Permit, wait: Duration) -> Option<ProbeTurn> {
        self.close_for(wait);
        permit.throttled(wait)
    }

    /// Holds all requests back for `wait`, as the service asks, but for [`LONGEST_CLOSED`] at most.
    fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_CLOSED);
        let mut closed_until = lock(&self.closed_until);
        *closed_until = closed_until.max(Some(until));
        self.permits.be_cautious_until(until);
    }

    fn open_at(&self) -> Option<Instant> {
        lock(&self.closed_until).filter(|until| *until > Instant::now())
    }

    async fn wait_at_gate(
        &self,
        call: &Call,
        class: EndpointClass,
        max_wait: Duration,
    ) -> Result<()> {
        while let Some(until) = self.open_at() {
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
    const PATIENCE: Duration = Duration::from_secs(300);

    fn limiter() -> EndpointLimiter {
        EndpointLimiter::new(Some(RateLimit {
            requests: 100,
            window: Duration::from_secs(60),
        }))
    }

    async fn acquire(limiter: &EndpointLimiter, call: &Call) -> Result<Permit> {
        call.until_cancelled_or_due(limiter.acquire(call, CLASS, PATIENCE, None))
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_callers_patience_is_told_at_once() {
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
    async fn an_absurd_wait_lets_a_probe_through_after_an_hour() {
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

    /// Five calls whose requests take a second each: when the last of them has its answer.
    async fn five_take(limiter: &EndpointLimiter) -> Duration {
        let begun = Instant::now();
        let work = |_| async {
            let pass = acquire(limiter, &Call::begin(&CallOptions::new())).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            pass.unwrap();
        };
        futures_util::future::join_all((0..5).map(work)).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_closed_gate_one_goes_at_a_time_for_a_while() {
        let limiter = limiter();
        let seconds = |n: u128| n * 1000..n * 1000 + 100;
        limiter.close_for(Duration::from_secs(40));
        assert!(seconds(45).contains(&five_take(&limiter).await.as_millis()));
        assert!(seconds(5).contains(&five_take(&limiter).await.as_millis()));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(seconds(1).contains(&five_take(&limiter).await.as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_meets_a_429_keeps_its_turn() {
        let limiter = limiter();
        limiter.close_for(Duration::from_secs(1));
        let (call, other) = (
            Call::begin(&CallOptions::new()),
            Call::begin(&CallOptions::new()),
        );
        let pass = acquire(&limiter, &call).await.unwrap();
        let next = acquire(&limiter, &other);
        tokio::pin!(next);
        assert!(
            tokio::time::timeout(Duration::ZERO, &mut next)
                .await
                .is_err()
        );
        let turn = limiter.throttled(pass, Duration::from_secs(1));
        let again = limiter.acquire(&call, CLASS, PATIENCE, turn);
        let again = tokio::select! {
            biased;
            _ = &mut next => panic!("it is not the other's turn"),
            pass = again => pass.unwrap(),
        };
        drop(again);
        next.await.unwrap();
    }

    /// A service that allows so many requests in any minute, and tells of the wait in whole seconds.
    struct Service {
        most: usize,
        recent: Mutex<Vec<Instant>>,
        refused: Mutex<Vec<Instant>>,
    }

    impl Service {
        fn ask(&self) -> std::result::Result<(), Duration> {
            let (now, minute) = (Instant::now(), Duration::from_secs(60));
            let mut recent = lock(&self.recent);
            recent.retain(|counted| now - *counted < minute);
            if recent.len() < self.most {
                recent.push(now);
                return Ok(());
            }
            lock(&self.refused).push(now);
            let wait = recent[0] + minute - now;
            Err(Duration::from_secs(wait.as_secs() + 1))
        }
    }

    async fn let_one_through(limiter: &EndpointLimiter, service: &Service) {
        let call = Call::begin(&CallOptions::new());
        let mut turn = None;
        loop {
            let permit = limiter.acquire(&call, CLASS, PATIENCE, turn.take()).await;
            let permit = permit.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..900))).await;
            match service.ask() {
                Ok(()) => return tokio::time::sleep(Duration::from_millis(200)).await,
                Err(wait) => turn = limiter.throttled(permit, wait),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_service_allows_half_it_is_spent_with_one_429_a_window_at_most() {
        let limiter = EndpointLimiter::new(Some(RateLimit {
            requests: 25,
            window: Duration::from_secs(60),
        }));
        let service = Service {
            most: 12,
            recent: Mutex::default(),
            refused: Mutex::default(),
        };
        let begun = Instant::now();
        let caller = |_| async {
            for _ in 0..60 {
                let pages = (0..5).map(|_| let_one_through(&limiter, &service));
                futures_util::future::join_all(pages).await;
            }
        };
        futures_util::future::join_all((0..4).map(caller)).await;
        let windows = f64::from(4 * 60 * 5 / 12 - 1);
        let took = begun.elapsed().as_secs_f64() / 60.0;
        let refused = lock(&service.refused);
        for r in refused.iter() {
            eprintln!("{:?}", *r - begun);
        }
        assert!(took < windows * 1.05, "{took} windows instead of {windows}");
        for (first, second) in refused.iter().zip(&refused[1..]) {
            assert!(*second - *first > Duration::from_secs(59), "{refused:?}");
        }
        assert!(refused.len() < 8, "{}", refused.len());
    }
}
