//! Who waits for the budget of one endpoint class, and in which order.

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

/// A budget of requests that many calls permit.
#[derive(Debug)]
pub(crate) struct PermitQueue {
    /// One call at a time looks for its permit; the line is first come, first served.
    line: tokio::sync::Mutex<()>,
    /// The same for pages that no caller waits for yet. They take a permit only while no call waits for one.
    line_ahead: tokio::sync::Mutex<()>,
    /// How many calls are in line.
    calls_waiting: AtomicUsize,
    budget: Mutex<RateWindow>,
    /// A request was answered or given back, a turn ended, or the last call in line has its permit.
    changed: Notify,
}

/// A place at the head of a line.
enum Place<'p> {
    /// The caller kept a turn, and need not stand in line.
    ProbeTurn,
    Call(
        #[allow(dead_code)] InLine<'p>,
        #[allow(dead_code)] MutexGuard<'p, ()>,
    ),
    Ahead(#[allow(dead_code)] MutexGuard<'p, ()>),
}

/// Counts a call as waiting.
struct InLine<'p>(&'p PermitQueue);

impl<'p> InLine<'p> {
    fn new(queue: &'p PermitQueue) -> Self {
        queue.calls_waiting.fetch_add(1, Ordering::AcqRel);
        InLine(queue)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.0.calls_waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

impl PermitQueue {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        PermitQueue {
            line: tokio::sync::Mutex::new(()),
            line_ahead: tokio::sync::Mutex::new(()),
            calls_waiting: AtomicUsize::new(0),
            budget: Mutex::new(RateWindow::new(limit)),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may go out. A caller that kept a `turn` need not stand in line.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        call: &Call,
        class: EndpointClass,
        turn: Option<ProbeTurn>,
    ) -> Result<Permit> {
        let mut reporter = WaitReporter::new(call, class);
        let mut turn = turn.filter(|_| !self.must_yield(call));
        loop {
            let place = match &turn {
                Some(_) => Place::ProbeTurn,
                None => self.place(call, &mut reporter).await,
            };
            if let Some(permit) = self
                .claim(call, class, &place, &mut turn, &mut reporter)
                .await?
            {
                return Ok(permit);
            }
        }
    }

    /// Whether a page that no caller waits for has to let calls go first.
    fn must_yield(&self, call: &Call) -> bool {
        !call.is_wanted() && self.calls_waiting.load(Ordering::Acquire) > 0
    }

    /// Waits for the head of the line, or of the line of pages ahead until a caller waits for this one.
    async fn place(&self, call: &Call, reporter: &mut WaitReporter<'_>) -> Place<'_> {
        if !call.is_wanted() {
            tokio::select! {
                biased;
                () = call.wanted() => {}
                place = self.line_ahead.lock() => return Place::Ahead(place),
            }
        }
        let in_line = InLine::new(self);
        match self.line.try_lock() {
            Ok(place) => Place::Call(in_line, place),
            Err(_) => {
                let place = reporter
                    .while_waiting(|| self.reason(), self.line.lock())
                    .await;
                Place::Call(in_line, place)
            }
        }
    }

    /// Waits at the head of a line. `None`: the caller that now waits for this page has to join the line of calls.
    async fn claim(
        self: &Arc<Self>,
        call: &Call,
        class: EndpointClass,
        place: &Place<'_>,
        turn: &mut Option<ProbeTurn>,
        reporter: &mut WaitReporter<'_>,
    ) -> Result<Option<Permit>> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if matches!(place, Place::Ahead(_)) {
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
            let claim = lock(&self.budget).claim(Instant::now(), turn.is_some());
            let in_time = match claim {
                Claim::Granted { snapshot, probe } => {
                    let turn = match probe {
                        true => turn.take().or_else(|| Some(ProbeTurn(self.clone()))),
                        false => None,
                    };
                    return Ok(Some(Permit::new(self.clone(), snapshot, turn)));
                }
                Claim::Spent(Some(until)) => {
                    let wait = call.wait_until(class, until, WaitReason::Pace, None);
                    match place {
                        Place::Ahead(_) => tokio::select! {
                            biased;
                            () = call.wanted() => Ok(()),
                            in_time = wait => in_time,
                        },
                        Place::Call(..) | Place::ProbeTurn => wait.await,
                    }
                }
                // How long is not known while other requests are on their way.
                Claim::Spent(None) => {
                    reporter.while_waiting(|| WaitReason::Pace, changed).await;
                    Ok(())
                }
                Claim::NotBesideAnother(until) => {
                    let either = async {
                        tokio::select! {
                            () = changed => {}
                            () = sleep_until(until) => {}
                        }
                    };
                    reporter.while_waiting(|| self.reason(), either).await;
                    Ok(())
                }
            };
            in_time?;
        }
    }

    /// Behind a refusal one waits for the service's sake, and otherwise for the documentation's.
    fn reason(&self) -> WaitReason {
        match lock(&self.budget).is_cautious(Instant::now()) {
            true => WaitReason::Throttled,
            false => WaitReason::Pace,
        }
    }

    /// The service is not to be relied on until well after `until`.
    pub(crate) fn be_cautious_until(&self, until: Instant) {
        lock(&self.budget).be_cautious_until(until);
    }

    fn change(&self, change: impl FnOnce(&mut RateWindow)) {
        change(&mut lock(&self.budget));
        self.changed.notify_waiters();
    }
}

/// Tells of waits of unknown length: of each reason once to each caller that waits for the result.
struct WaitReporter<'c> {
    call: &'c Call,
    class: EndpointClass,
    told: Option<(WaitReason, u32)>,
}

impl<'c> WaitReporter<'c> {
    fn new(call: &'c Call, class: EndpointClass) -> Self {
        WaitReporter {
            call,
            class,
            told: None,
        }
    }

    /// Waits for `end`. A caller that comes to wait for the result meanwhile is told as well.
    async fn while_waiting<T>(
        &mut self,
        reason: impl Fn() -> WaitReason,
        end: impl Future<Output = T>,
    ) -> T {
        let mut end = pin!(end);
        loop {
            let adoptions = self.call.adoptions();
            self.tell(reason(), adoptions);
            tokio::select! {
                biased;
                value = &mut end => return value,
                () = self.call.adopted_after(adoptions) => {}
            }
        }
    }

    fn tell(&mut self, reason: WaitReason, adoptions: u32) {
        let now = (reason, adoptions);
        if self.told.replace(now) != Some(now) {
            self.call.report(Progress::Wait {
                endpoint: self.class,
                reason,
                duration: None,
            });
        }
    }
}

/// The right to be the one whose request goes out alone.
#[derive(Debug)]
pub(crate) struct ProbeTurn(Arc<PermitQueue>);

impl Drop for ProbeTurn {
    fn drop(&mut self) {
        self.0.change(RateWindow::end_turn);
    }
}

/// The right to send one request. Held until its answer is in; it counts against the budget until well after that.
#[derive(Debug)]
pub(crate) struct Permit {
    /// None once it is settled what came of it.
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

    /// Nothing was sent.
    pub(crate) fn give_back(mut self) -> Option<ProbeTurn> {
        if let Some(queue) = self.queue.take() {
            queue.change(RateWindow::give_back);
        }
        self.turn.take()
    }

    /// The service refused the request and asked to `wait`: the next attempt is this call's as well.
    pub(crate) fn throttled(mut self, wait: Duration) -> Option<ProbeTurn> {
        if let Some(queue) = self.queue.take() {
            queue.change(|budget| budget.refuse(self.snapshot, Instant::now(), wait));
        }
        self.turn.take()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.change(|budget| budget.spend(self.snapshot, Instant::now()));
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
    async fn no_window_sees_more_than_the_limit() {
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
    async fn a_wait_that_is_cut_short_costs_nothing() {
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

    /// When each of so many requests of a second each, asked for at once, went out: in seconds.
    async fn all_at_once(queue: &Arc<PermitQueue>, count: usize) -> Vec<u64> {
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
    async fn half_goes_at_once_and_the_rest_one_by_one_until_it_has_been_seen_to_pass() {
        let queue = queue(6);
        assert_eq!(all_at_once(&queue, 6).await, [0, 0, 0, 1, 2, 3]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(all_at_once(&queue, 6).await, [0; 6]);
    }
}
