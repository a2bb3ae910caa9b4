//! One endpoint class of one client id: its pacer, and a gate that closes for every call when a 429 is met all the same.
//!
//! After a 429 the service allows less than was thought, so for a while one request goes out at a time: whoever meets
//! the next 429 is one call and not all, and keeps its turn, so that the same call is never the unlucky one for long.

use super::call::{Call, Progress, WaitReason};
use super::endpoint::EndpointClass;
use super::pacer::{Pacer, Spent};
use super::rate_limit::RateLimit;
use crate::error::Result;
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// One endpoint class: its gate and its pacer.
#[derive(Debug)]
pub(crate) struct Lane {
    pacer: Option<Arc<Pacer>>,
    /// For how long after a 429 one request goes out at a time.
    caution: Duration,
    gate: Mutex<Gate>,
    /// First come, first served.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The service counts by the minute.
const CAUTION: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Gate {
    closed_until: Option<Instant>,
    one_by_one_until: Option<Instant>,
}

/// The right to be the one whose request is out, while one goes out at a time.
pub(crate) type Turn = tokio::sync::OwnedMutexGuard<()>;

impl Lane {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Lane {
            pacer: limit.map(|limit| Arc::new(Pacer::new(limit))),
            caution: limit.map_or(CAUTION, |limit| limit.window),
            gate: Mutex::default(),
            turn: Arc::default(),
        }
    }

    /// Waits until a request may go out. The pass counts against the limit until well after its answer. Who has a
    /// `turn` from an attempt that met a 429 keeps it.
    pub(crate) async fn admit(
        &self,
        call: &Call,
        class: EndpointClass,
        max_wait: Duration,
        mut turn: Option<Turn>,
    ) -> Result<Pass> {
        loop {
            self.wait_at_gate(call, class, max_wait).await?;
            match self.is_one_by_one() {
                false => turn = None,
                true if turn.is_none() => {
                    turn = Some(self.take_turn(call, class).await);
                    continue;
                }
                true => {}
            }
            let slot = match &self.pacer {
                Some(pacer) => Some(pacer.slot(call, class).await?),
                None => None,
            };
            let pass = Pass { slot, turn };
            if self.open_at().is_none() {
                return Ok(pass);
            }
            turn = pass.give_back();
        }
    }

    /// Keeps everyone out for `wait`, on the service's word.
    pub(crate) fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut gate = lock(&self.gate);
        gate.closed_until = gate.closed_until.max(Some(until));
        gate.one_by_one_until = gate.closed_until.map(|until| until + self.caution);
    }

    fn open_at(&self) -> Option<Instant> {
        lock(&self.gate)
            .closed_until
            .filter(|until| *until > Instant::now())
    }

    fn is_one_by_one(&self) -> bool {
        lock(&self.gate)
            .one_by_one_until
            .is_some_and(|until| until > Instant::now())
    }

    async fn take_turn(&self, call: &Call, class: EndpointClass) -> Turn {
        if let Ok(turn) = self.turn.clone().try_lock_owned() {
            return turn;
        }
        call.report(Progress::Wait {
            endpoint: class,
            reason: WaitReason::Throttled,
            duration: None,
        });
        self.turn.clone().lock_owned().await
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

/// The right to send one request. Held until its answer is in.
#[derive(Debug)]
pub(crate) struct Pass {
    slot: Option<Spent>,
    turn: Option<Turn>,
}

impl Pass {
    /// Nothing was sent: the slot is free at once.
    pub(crate) fn give_back(self) -> Option<Turn> {
        if let Some(slot) = self.slot {
            slot.give_back();
        }
        self.turn
    }

    /// The request met a 429: the next attempt is this call's as well.
    pub(crate) fn keep_turn(self) -> Option<Turn> {
        self.turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::http::call::CallOptions;

    const CLASS: EndpointClass = EndpointClass::Action;
    const PATIENCE: Duration = Duration::from_secs(300);

    fn lane() -> Lane {
        Lane::new(Some(RateLimit {
            requests: 100,
            window: Duration::from_secs(60),
        }))
    }

    async fn admit(lane: &Lane, call: &Call) -> Result<Pass> {
        call.bounded(lane.admit(call, CLASS, PATIENCE, None)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_callers_patience_is_told_at_once() {
        let lane = lane();
        lane.close_for(Duration::from_secs(3244));
        let begun = Instant::now();
        let call = Call::begin(&CallOptions::new());
        let error = admit(&lane, &call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3244)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    /// Five calls whose requests take a second each: when the last of them has its answer.
    async fn five_take(lane: &Lane) -> Duration {
        let begun = Instant::now();
        let work = |_| async {
            let pass = admit(lane, &Call::begin(&CallOptions::new())).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            pass.unwrap();
        };
        futures_util::future::join_all((0..5).map(work)).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_closed_gate_one_goes_at_a_time_for_a_while() {
        let lane = lane();
        let seconds = |n: u128| n * 1000..n * 1000 + 100;
        lane.close_for(Duration::from_secs(40));
        assert!(seconds(45).contains(&five_take(&lane).await.as_millis()));
        assert!(seconds(5).contains(&five_take(&lane).await.as_millis()));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(seconds(1).contains(&five_take(&lane).await.as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_meets_a_429_keeps_its_turn() {
        let lane = lane();
        lane.close_for(Duration::from_secs(1));
        let (call, other) = (
            Call::begin(&CallOptions::new()),
            Call::begin(&CallOptions::new()),
        );
        let pass = admit(&lane, &call).await.unwrap();
        let next = admit(&lane, &other);
        tokio::pin!(next);
        assert!(
            tokio::time::timeout(Duration::ZERO, &mut next)
                .await
                .is_err()
        );
        lane.close_for(Duration::from_secs(1));
        let turn = pass.keep_turn();
        let again = lane.admit(&call, CLASS, PATIENCE, turn);
        let again = tokio::select! {
            biased;
            _ = &mut next => panic!("it is not the other's turn"),
            pass = again => pass.unwrap(),
        };
        drop(again);
        next.await.unwrap();
    }
}
