//! A budget of requests, spent without a 429.

use super::call::{Call, Progress, WaitReason};
use super::endpoint::EndpointClass;
use super::rate_limit::RateLimit;
use crate::error::Result;
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// As many slots as the limit has requests. A slot is free again one window after the *answer* of the request that it
/// let out: whatever way the service counts its minutes, and however long the request took to reach it, it then never
/// sees more than the limit in a window.
#[derive(Debug)]
pub(crate) struct Pacer {
    window: Duration,
    /// One call at a time looks for a slot; the line is first come, first served.
    line: tokio::sync::Mutex<()>,
    /// When each free slot may be used; slots under way are not in here.
    free: Mutex<Vec<Instant>>,
    returned: Notify,
}

impl Pacer {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Pacer {
            window: limit.window,
            line: tokio::sync::Mutex::new(()),
            free: Mutex::new(vec![Instant::now(); limit.requests as usize]),
            returned: Notify::new(),
        }
    }

    pub(crate) async fn slot(self: &Arc<Self>, call: &Call, class: EndpointClass) -> Result<Spent> {
        // How long is not known while other requests are on their way.
        let tell_of_wait = || {
            call.report(Progress::Wait {
                endpoint: class,
                reason: WaitReason::Pace,
                duration: None,
            });
        };
        let _turn = match self.line.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                tell_of_wait();
                self.line.lock().await
            }
        };
        loop {
            match self.take_earliest() {
                Some(slot) if slot.usable_at <= Instant::now() => return Ok(slot.spend()),
                Some(slot) => {
                    call.wait_until(class, slot.usable_at, WaitReason::Pace, None)
                        .await?;
                    return Ok(slot.spend());
                }
                None => {
                    tell_of_wait();
                    self.returned.notified().await;
                }
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
    fn spend(mut self) -> Spent {
        Spent(self.pacer.take())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pacer) = &self.pacer {
            pacer.put_back(self.usable_at);
        }
    }
}

/// A slot that a request went out with.
#[derive(Debug)]
pub(crate) struct Spent(Option<Arc<Pacer>>);

impl Spent {
    /// Nothing was sent: the slot is free at once.
    pub(crate) fn give_back(mut self) {
        if let Some(pacer) = self.0.take() {
            pacer.put_back(Instant::now());
        }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        if let Some(pacer) = &self.0 {
            pacer.put_back(Instant::now() + pacer.window);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::http::call::{CallOptions, Cancel};

    const CLASS: EndpointClass = EndpointClass::Action;

    fn pacer(requests: u32) -> Arc<Pacer> {
        let window = Duration::from_secs(60);
        Arc::new(Pacer::new(RateLimit { requests, window }))
    }

    async fn slot(pacer: &Arc<Pacer>, call: &Call) -> Result<Spent> {
        call.bounded(pacer.slot(call, CLASS)).await
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_limit() {
        let pacer = pacer(10);
        let call = Call::begin(&CallOptions::new());
        let mut sent = Vec::new();
        for _ in 0..35 {
            let pass = slot(&pacer, &call).await.unwrap();
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
        let pacer = pacer(1);
        let call = Call::begin(&CallOptions::new());
        drop(slot(&pacer, &call).await.unwrap());
        let begun = Instant::now();
        let cancel = Cancel::new();
        let impatient = Call::begin(&CallOptions::new().cancel(cancel.clone()));
        let (ended, ()) = tokio::join!(slot(&pacer, &impatient), async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            cancel.trigger();
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        slot(&pacer, &call).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
