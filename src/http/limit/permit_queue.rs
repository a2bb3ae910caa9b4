//! The queue of calls that wait for the permission to send a request to one endpoint class.

use super::rate_limit::RateLimit;
use super::rate_window::{Claim, RateWindow, Snapshot};
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::{Progress, WaitReason};
use crate::error::Result;
use crate::lock::lock;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::{Instant, sleep_until};

/// Gives out permits to calls in the order of their arrival. Prefetched pages take a permit only while no call waits for
/// one.
#[derive(Debug)]
pub(crate) struct PermitQueue {
    /// The queue of calls: the call that holds the lock is the head, and claims the next permit. tokio's mutex is fair.
    call_queue: tokio::sync::Mutex<()>,
    /// The queue of prefetches, which are pages that no caller waits for yet.
    prefetch_queue: tokio::sync::Mutex<()>,
    /// How many calls are in the queue.
    queued_calls: AtomicUsize,
    window: Mutex<RateWindow>,
    /// Notified when a request was answered or given back, a probe ended, or the last queued call has its permit.
    changed: Notify,
}

/// The right to claim the next permit.
enum QueueHead<'p> {
    /// The caller kept the turn of a probe, and does not queue.
    ProbeTurn,
    /// The head of the queue of calls.
    Call(
        #[allow(dead_code)] QueuedCall<'p>,
        #[allow(dead_code)] MutexGuard<'p, ()>,
    ),
    /// The head of the queue of prefetches.
    Prefetch(#[allow(dead_code)] MutexGuard<'p, ()>),
}

/// Counts as a queued call until it is dropped.
struct QueuedCall<'p>(&'p PermitQueue);

impl<'p> QueuedCall<'p> {
    fn new(queue: &'p PermitQueue) -> Self {
        queue.queued_calls.fetch_add(1, Ordering::AcqRel);
        QueuedCall(queue)
    }
}

impl Drop for QueuedCall<'_> {
    fn drop(&mut self) {
        if self.0.queued_calls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

impl PermitQueue {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        PermitQueue {
            call_queue: tokio::sync::Mutex::new(()),
            prefetch_queue: tokio::sync::Mutex::new(()),
            queued_calls: AtomicUsize::new(0),
            window: Mutex::new(RateWindow::new(limit)),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may be sent. A caller that kept the `turn` of a probe does not queue.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        call: &Call,
        class: EndpointClass,
        turn: Option<ProbeTurn>,
    ) -> Result<Permit> {
        let mut reporter = WaitReporter::new(call, class);
        let mut turn = turn.filter(|_| !self.must_yield(call));
        loop {
            let head = match &turn {
                Some(_) => QueueHead::ProbeTurn,
                None => self.wait_for_head(call, &mut reporter).await,
            };
            if let Some(permit) = self
                .claim(call, class, &head, &mut turn, &mut reporter)
                .await?
            {
                return Ok(permit);
            }
        }
    }

    /// Whether this is a prefetch and calls are queued, which go first.
    fn must_yield(&self, call: &Call) -> bool {
        !call.is_wanted() && self.queued_calls.load(Ordering::Acquire) > 0
    }

    /// Waits for the head of the queue. A prefetch that a caller begins to wait for moves to the queue of calls.
    async fn wait_for_head(&self, call: &Call, reporter: &mut WaitReporter<'_>) -> QueueHead<'_> {
        if !call.is_wanted() {
            tokio::select! {
                biased;
                () = call.wanted() => {}
                head = self.prefetch_queue.lock() => return QueueHead::Prefetch(head),
            }
        }
        let queued = QueuedCall::new(self);
        match self.call_queue.try_lock() {
            Ok(head) => QueueHead::Call(queued, head),
            Err(_) => {
                let head = reporter
                    .while_waiting(|| self.wait_reason(), self.call_queue.lock())
                    .await;
                QueueHead::Call(queued, head)
            }
        }
    }

    /// Waits at the head of a queue for a permit. `None`: a caller now waits for this prefetch, which must join the queue
    /// of calls.
    async fn claim(
        self: &Arc<Self>,
        call: &Call,
        class: EndpointClass,
        head: &QueueHead<'_>,
        turn: &mut Option<ProbeTurn>,
        reporter: &mut WaitReporter<'_>,
    ) -> Result<Option<Permit>> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if matches!(head, QueueHead::Prefetch(_)) {
                if call.is_wanted() {
                    return Ok(None);
                }
                if self.must_yield(call) {
                    tokio::select! {
                        () = changed => {}
                        () = call.wanted() => {}
                    }
                    continue;
                }
            }
            let claim = lock(&self.window).claim(Instant::now(), turn.is_some());
            let in_time = match claim {
                Claim::Granted { snapshot, probe } => {
                    let turn = match probe {
                        true => turn.take().or_else(|| Some(ProbeTurn(self.clone()))),
                        false => None,
                    };
                    return Ok(Some(Permit::new(self.clone(), snapshot, turn)));
                }
                Claim::Exhausted(Some(until)) => {
                    let wait = call.wait_until(class, until, WaitReason::Pace, None);
                    match head {
                        QueueHead::Prefetch(_) => tokio::select! {
                            biased;
                            () = call.wanted() => Ok(()),
                            in_time = wait => in_time,
                        },
                        QueueHead::Call(..) | QueueHead::ProbeTurn => wait.await,
                    }
                }
                // The length of the wait is unknown while other requests are in flight.
                Claim::Exhausted(None) => {
                    reporter.while_waiting(|| WaitReason::Pace, changed).await;
                    Ok(())
                }
                Claim::AfterProbe(until) => {
                    let either = async {
                        tokio::select! {
                            () = changed => {}
                            () = sleep_until(until) => {}
                        }
                    };
                    reporter.while_waiting(|| self.wait_reason(), either).await;
                    Ok(())
                }
            };
            in_time?;
        }
    }

    /// The reason for a wait: the service's 429 if there was one recently, otherwise the documented limit.
    fn wait_reason(&self) -> WaitReason {
        match lock(&self.window).is_cautious(Instant::now()) {
            true => WaitReason::Throttled,
            false => WaitReason::Pace,
        }
    }

    /// Makes requests go out as probes until one window after `until`.
    pub(crate) fn be_cautious_until(&self, until: Instant) {
        lock(&self.window).be_cautious_until(until);
    }

    /// Changes the window, and notifies the heads of the queues.
    fn change(&self, change: impl FnOnce(&mut RateWindow)) {
        change(&mut lock(&self.window));
        self.changed.notify_waiters();
    }
}

/// Reports waits of unknown length: each reason once to each caller that waits for the result.
struct WaitReporter<'c> {
    call: &'c Call,
    class: EndpointClass,
    /// The last reported reason, and the number of the caller that it was reported to.
    reported: Option<(WaitReason, u32)>,
}

impl<'c> WaitReporter<'c> {
    fn new(call: &'c Call, class: EndpointClass) -> Self {
        WaitReporter {
            call,
            class,
            reported: None,
        }
    }

    /// Waits for `end`, and reports the wait, also to a caller that begins to wait for the result meanwhile.
    async fn while_waiting<T>(
        &mut self,
        reason: impl Fn() -> WaitReason,
        end: impl Future<Output = T>,
    ) -> T {
        let mut end = pin!(end);
        loop {
            let adoptions = self.call.adoptions();
            self.report(reason(), adoptions);
            tokio::select! {
                biased;
                value = &mut end => return value,
                () = self.call.adopted_after(adoptions) => {}
            }
        }
    }

    fn report(&mut self, reason: WaitReason, adoptions: u32) {
        let now = (reason, adoptions);
        if self.reported.replace(now) != Some(now) {
            self.call.report(Progress::Wait {
                endpoint: self.class,
                reason,
                duration: None,
            });
        }
    }
}

/// The right to send the only request in flight, a probe. A call that meets a 429 keeps it for its next attempt.
#[derive(Debug)]
pub(crate) struct ProbeTurn(Arc<PermitQueue>);

impl Drop for ProbeTurn {
    fn drop(&mut self) {
        self.0.change(RateWindow::end_probe);
    }
}

/// The right to send one request. The call holds it until the answer has arrived; dropping it records that the service
/// counted the request.
#[derive(Debug)]
pub(crate) struct Permit {
    /// `None` once the window knows what became of the request.
    queue: Option<Arc<PermitQueue>>,
    snapshot: Snapshot,
    turn: Option<ProbeTurn>,
}

impl Permit {
    fn new(queue: Arc<PermitQueue>, snapshot: Snapshot, turn: Option<ProbeTurn>) -> Self {
        Permit {
            queue: Some(queue),
            snapshot,
            turn,
        }
    }

    /// Returns the permit of a request that was not sent.
    pub(crate) fn give_back(mut self) -> Option<ProbeTurn> {
        if let Some(queue) = self.queue.take() {
            queue.change(RateWindow::give_back);
        }
        self.turn.take()
    }

    /// Records that the service answered with a 429 and asked for a wait. The returned turn lets the same call send the
    /// next probe.
    pub(crate) fn throttled(mut self, wait: Duration) -> Option<ProbeTurn> {
        if let Some(queue) = self.queue.take() {
            queue.change(|window| window.record_throttled(self.snapshot, Instant::now(), wait));
        }
        self.turn.take()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.change(|window| window.record_counted(self.snapshot, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::cancel::Cancel;
    use crate::call::options::CallOptions;
    use crate::error::ErrorKind;

    const CLASS: EndpointClass = EndpointClass::Action;

    fn queue(requests: u32) -> Arc<PermitQueue> {
        let window = Duration::from_secs(60);
        Arc::new(PermitQueue::new(Some(RateLimit { requests, window })))
    }

    async fn acquire(queue: &Arc<PermitQueue>, call: &Call) -> Result<Permit> {
        call.until_cancelled_or_due(queue.acquire(call, CLASS, None))
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_has_more_requests_than_the_limit() {
        let queue = queue(10);
        let call = Call::begin(&CallOptions::new());
        let mut sent = Vec::new();
        for _ in 0..35 {
            let permit = acquire(&queue, &call).await.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..900))).await;
            sent.push(Instant::now());
            drop(permit);
        }
        for (first, eleventh) in sent.iter().zip(&sent[10..]) {
            assert!(*eleventh - *first >= Duration::from_secs(60));
        }
        let ideal = Duration::from_secs(180);
        let took = sent[34] - sent[0];
        assert!(took < ideal + Duration::from_secs(16), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_wait_uses_no_permit() {
        let queue = queue(1);
        let call = Call::begin(&CallOptions::new());
        drop(acquire(&queue, &call).await.unwrap());
        let begun = Instant::now();
        let cancel = Cancel::new();
        let impatient = Call::begin(&CallOptions::with_cancel(&cancel));
        let (ended, ()) = tokio::join!(acquire(&queue, &impatient), async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            cancel.trigger();
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        acquire(&queue, &call).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    /// Starts `count` calls at once whose requests take a second each; returns the second in which each was sent.
    async fn sent_at(queue: &Arc<PermitQueue>, count: usize) -> Vec<u64> {
        let begun = Instant::now();
        let work = |_| async move {
            let permit = acquire(queue, &Call::begin(&CallOptions::new())).await;
            let sent = begun.elapsed().as_secs();
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(permit.unwrap());
            sent
        };
        futures_util::future::join_all((0..count).map(work)).await
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_the_limit_is_sent_at_once_and_the_rest_one_by_one_until_it_has_passed() {
        let queue = queue(6);
        assert_eq!(sent_at(&queue, 6).await, [0, 0, 0, 1, 2, 3]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(sent_at(&queue, 6).await, [0; 6]);
    }
}
