//! The service's limits, kept from our side: a pacer that spends each budget without a 429, and a gate that closes
//! for every call of the client when one is met all the same.

use super::call::{Call, Progress, WaitReason};
use super::endpoint::EndpointClass;
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

use once_cell::sync::Lazy;

/// So many requests in each window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    pub requests: u32,
    pub window: Duration,
}

/// The limits of one client id, one for each endpoint class; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateLimits([Option<RateLimit>; EndpointClass::COUNT]);

impl Default for RateLimits {
    /// As documented by Adobe, per minute and client.
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
    pub fn unlimited() -> Self {
        RateLimits([None; EndpointClass::COUNT])
    }

    pub fn set(&mut self, class: EndpointClass, limit: Option<RateLimit>) {
        self.0[class as usize] = limit;
    }
}

/// The lanes of one client id, shared by all clients of the process that use it with the same limits.
#[derive(Debug)]
pub(crate) struct Throttle([Lane; EndpointClass::COUNT]);

/// What tells throttles apart: the service's root, the client id and the limits.
type Key = (String, String, RateLimits);

type InUse = Vec<(Key, Weak<Throttle>)>;

/// The throttles in use. Few, so a list; and one that gives its memory back with its last entry.
static IN_USE: Lazy<Mutex<InUse>> = Lazy::new(Mutex::default);

impl Drop for Throttle {
    fn drop(&mut self) {
        let mut in_use = lock(&IN_USE);
        in_use.retain(|(_, throttle)| throttle.strong_count() > 0);
        in_use.shrink_to_fit();
    }
}

impl Throttle {
    /// The throttle for this client id at this service: the one in use, or a new one.
    pub(crate) fn shared(root: &str, client_id: &str, limits: &RateLimits) -> Arc<Self> {
        let key = (root.to_owned(), client_id.to_owned(), limits.clone());
        let mut in_use = lock(&IN_USE);
        let found = in_use.iter().find(|(used, _)| *used == key);
        if let Some(throttle) = found.and_then(|(_, throttle)| throttle.upgrade()) {
            return throttle;
        }
        let throttle = Arc::new(Throttle::new(limits));
        in_use.push((key, Arc::downgrade(&throttle)));
        throttle
    }

    fn new(limits: &RateLimits) -> Self {
        Throttle(limits.0.map(|limit| Lane {
            pacer: limit.map(|limit| Arc::new(Pacer::new(limit))),
            closed_until: Mutex::new(None),
        }))
    }

    pub(crate) fn lane(&self, class: EndpointClass) -> &Lane {
        &self.0[class as usize]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One endpoint class: its gate and its pacer.
#[derive(Debug)]
pub(crate) struct Lane {
    pacer: Option<Arc<Pacer>>,
    closed_until: Mutex<Option<Instant>>,
}

impl Lane {
    /// Waits until a request may go out. The pass counts against the limit until well after its answer.
    pub(crate) async fn admit(
        &self,
        call: &Call,
        class: EndpointClass,
        max_wait: Duration,
    ) -> Result<Pass> {
        loop {
            self.wait_at_gate(call, class, max_wait).await?;
            let pass = match &self.pacer {
                Some(pacer) => pacer.slot(call, class).await?,
                None => Pass(None),
            };
            if self.open_at().is_none() {
                return Ok(pass);
            }
            pass.give_back();
        }
    }

    /// Keeps everyone out for `wait`, on the service's word.
    pub(crate) fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut closed_until = lock(&self.closed_until);
        *closed_until = (*closed_until).max(Some(until));
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
            wait_until(call, class, until, WaitReason::Throttled, Some(max_wait)).await?;
        }
        Ok(())
    }
}

/// Tells of the wait and waits, or says at once that the caller would not have the patience.
pub(crate) async fn wait_until(
    call: &Call,
    class: EndpointClass,
    until: Instant,
    reason: WaitReason,
    max_wait: Option<Duration>,
) -> Result<()> {
    let wait = until.saturating_duration_since(Instant::now());
    if max_wait.is_some_and(|most| wait > most) || !call.has_time_until(until) {
        return Err(Error::new(
            ErrorKind::Throttled,
            format!(
                "the service allows the next request in {:.1} s, which is more than this call may wait",
                wait.as_secs_f64()
            ),
        )
        .with_retry_after(Some(wait)));
    }
    call.report(Progress::Wait {
        endpoint: class,
        reason,
        duration: Some(wait),
    });
    tokio::time::sleep_until(until).await;
    Ok(())
}

/// As many slots as the limit has requests. A slot is free again one window after the *answer* of the request that it
/// let out: whatever way the service counts its minutes, and however long the request took to reach it, it then never
/// sees more than the limit in a window.
#[derive(Debug)]
struct Pacer {
    window: Duration,
    /// One call at a time looks for a slot; the line is first come, first served.
    line: tokio::sync::Mutex<()>,
    /// When each free slot may be used; slots under way are not in here.
    free: Mutex<Vec<Instant>>,
    returned: Notify,
}

impl Pacer {
    fn new(limit: RateLimit) -> Self {
        Pacer {
            window: limit.window,
            line: tokio::sync::Mutex::new(()),
            free: Mutex::new(vec![Instant::now(); limit.requests as usize]),
            returned: Notify::new(),
        }
    }

    async fn slot(self: &Arc<Self>, call: &Call, class: EndpointClass) -> Result<Pass> {
        let _turn = match self.line.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                call.report(Progress::Wait {
                    endpoint: class,
                    reason: WaitReason::Pace,
                    duration: None,
                });
                self.line.lock().await
            }
        };
        loop {
            match self.take_earliest() {
                Some(slot) if slot.usable_at <= Instant::now() => return Ok(slot.into_pass()),
                Some(slot) => {
                    wait_until(call, class, slot.usable_at, WaitReason::Pace, None).await?;
                    return Ok(slot.into_pass());
                }
                None => self.returned.notified().await,
            }
        }
    }

    fn take_earliest(self: &Arc<Self>) -> Option<Slot> {
        let mut free = lock(&self.free);
        let (position, _) = free.iter().enumerate().min_by_key(|(_, at)| **at)?;
        Some(Slot {
            usable_at: free.swap_remove(position),
            pacer: Some(self.clone()),
        })
    }

    fn put_back(&self, usable_at: Instant) {
        lock(&self.free).push(usable_at);
        self.returned.notify_one();
    }
}

/// A slot that someone waits with; if the wait is cut short the slot goes back as it was.
struct Slot {
    usable_at: Instant,
    pacer: Option<Arc<Pacer>>,
}

impl Slot {
    fn into_pass(mut self) -> Pass {
        Pass(self.pacer.take())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pacer) = &self.pacer {
            pacer.put_back(self.usable_at);
        }
    }
}

/// The right to send one request. Held until its answer is in.
#[derive(Debug)]
pub(crate) struct Pass(Option<Arc<Pacer>>);

impl Pass {
    /// Nothing was sent: the slot is free at once.
    pub(crate) fn give_back(mut self) {
        if let Some(pacer) = self.0.take() {
            pacer.put_back(Instant::now());
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(pacer) = &self.0 {
            pacer.put_back(Instant::now() + pacer.window);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::call::{CallOptions, Cancel};

    const CLASS: EndpointClass = EndpointClass::Action;
    const PATIENCE: Duration = Duration::from_secs(300);

    fn throttle(requests: u32) -> Throttle {
        let mut limits = RateLimits::unlimited();
        let window = Duration::from_secs(60);
        limits.set(CLASS, Some(RateLimit { requests, window }));
        Throttle::new(&limits)
    }

    async fn admit(throttle: &Throttle, call: &Call) -> Result<Pass> {
        call.bounded(throttle.lane(CLASS).admit(call, CLASS, PATIENCE))
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_limit() {
        let throttle = throttle(10);
        let call = Call::begin(&CallOptions::new());
        let mut sent = Vec::new();
        for _ in 0..35 {
            let pass = admit(&throttle, &call).await.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..900))).await;
            sent.push(Instant::now());
            drop(pass);
        }
        for (first, eleventh) in sent.iter().zip(&sent[10..]) {
            assert!(*eleventh - *first >= Duration::from_secs(60));
        }
        let ideal = Duration::from_secs(180);
        let took = sent[34] - sent[0];
        assert!(took < ideal + Duration::from_secs(16), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_cut_short_costs_no_slot() {
        let throttle = throttle(1);
        let call = Call::begin(&CallOptions::new());
        drop(admit(&throttle, &call).await.unwrap());
        let begun = Instant::now();
        let cancel = Cancel::new();
        let impatient = Call::begin(&CallOptions::new().cancel(cancel.clone()));
        let (ended, ()) = tokio::join!(admit(&throttle, &impatient), async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            cancel.trigger();
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        admit(&throttle, &call).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_callers_patience_is_told_at_once() {
        let throttle = throttle(10);
        throttle.lane(CLASS).close_for(Duration::from_secs(3244));
        let begun = Instant::now();
        let call = Call::begin(&CallOptions::new());
        let error = admit(&throttle, &call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3244)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_holds_everyone_and_then_lets_all_through() {
        let throttle = throttle(10);
        throttle.lane(CLASS).close_for(Duration::from_secs(40));
        let begun = Instant::now();
        let calls: Vec<_> = (0..5).map(|_| Call::begin(&CallOptions::new())).collect();
        let admitted = calls.iter().map(|call| admit(&throttle, call));
        for pass in futures_util::future::join_all(admitted).await {
            pass.unwrap();
        }
        assert_eq!(begun.elapsed().as_secs(), 40);
    }

    #[test]
    fn one_client_id_has_one_throttle() {
        let limits = RateLimits::default();
        let first = Throttle::shared("https://h", "id", &limits);
        assert!(Arc::ptr_eq(
            &first,
            &Throttle::shared("https://h", "id", &limits)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &Throttle::shared("https://h", "other", &limits)
        ));
    }
}
