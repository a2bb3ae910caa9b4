//! Who waits for the budget of one endpoint class, and in which order.

use super::budget::{Beside, Budget, Claim};
use super::call::{Call, Progress, WaitReason};
use super::endpoint::EndpointClass;
use super::rate_limit::RateLimit;
use crate::error::Result;
use crate::lock::lock;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::{Instant, sleep_until};

/// A budget of requests that many calls share.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// One call at a time looks for its share; the line is first come, first served.
    line: tokio::sync::Mutex<()>,
    /// The same for pages that no caller waits for yet. They take a share only while no call waits for one.
    line_ahead: tokio::sync::Mutex<()>,
    /// How many calls are in line.
    calls_waiting: AtomicUsize,
    budget: Mutex<Budget>,
    /// A request was answered or given back, a turn ended, or the last call in line has its share.
    changed: Notify,
}

/// A place at the head of a line.
enum Place<'p> {
    /// The caller kept a turn, and need not stand in line.
    Turn,
    Call(
        #[allow(dead_code)] InLine<'p>,
        #[allow(dead_code)] MutexGuard<'p, ()>,
    ),
    Ahead(#[allow(dead_code)] MutexGuard<'p, ()>),
}

/// Counts a call as waiting.
struct InLine<'p>(&'p Pacer);

impl<'p> InLine<'p> {
    fn new(pacer: &'p Pacer) -> Self {
        pacer.calls_waiting.fetch_add(1, Ordering::AcqRel);
        InLine(pacer)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.0.calls_waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

impl Pacer {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Pacer {
            line: tokio::sync::Mutex::new(()),
            line_ahead: tokio::sync::Mutex::new(()),
            calls_waiting: AtomicUsize::new(0),
            budget: Mutex::new(Budget::new(limit)),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may go out. A caller that kept a `turn` need not stand in line.
    pub(crate) async fn share(
        self: &Arc<Self>,
        call: &Call,
        class: EndpointClass,
        turn: Option<Turn>,
    ) -> Result<Share> {
        let mut reporter = WaitReporter::new(call, class);
        let mut turn = turn.filter(|_| !self.must_yield(call));
        loop {
            let place = match &turn {
                Some(_) => Place::Turn,
                None => self.place(call, &mut reporter).await,
            };
            if let Some(share) = self
                .claim(call, class, &place, &mut turn, &mut reporter)
                .await?
            {
                return Ok(share);
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
        turn: &mut Option<Turn>,
        reporter: &mut WaitReporter<'_>,
    ) -> Result<Option<Share>> {
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
                Claim::Granted { beside, alone } => {
                    let turn = match alone {
                        true => turn.take().or_else(|| Some(Turn(self.clone()))),
                        false => None,
                    };
                    return Ok(Some(Share::new(self.clone(), beside, turn)));
                }
                Claim::Spent(Some(until)) => {
                    let wait = call.wait_until(class, until, WaitReason::Pace, None);
                    match place {
                        Place::Ahead(_) => tokio::select! {
                            biased;
                            () = call.wanted() => Ok(()),
                            in_time = wait => in_time,
                        },
                        Place::Call(..) | Place::Turn => wait.await,
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
    pub(crate) fn beware(&self, until: Instant) {
        lock(&self.budget).beware(until);
    }

    fn change(&self, change: impl FnOnce(&mut Budget)) {
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
pub(crate) struct Turn(Arc<Pacer>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.change(Budget::end_turn);
    }
}

/// The right to send one request. Held until its answer is in; it counts against the budget until well after that.
#[derive(Debug)]
pub(crate) struct Share {
    /// None once it is settled what came of it.
    pacer: Option<Arc<Pacer>>,
    beside: Beside,
    turn: Option<Turn>,
}

impl Share {
    fn new(pacer: Arc<Pacer>, beside: Beside, turn: Option<Turn>) -> Self {
        Share {
            pacer: Some(pacer),
            beside,
            turn,
        }
    }

    /// Nothing was sent.
    pub(crate) fn give_back(mut self) -> Option<Turn> {
        if let Some(pacer) = self.pacer.take() {
            pacer.change(Budget::give_back);
        }
        self.turn.take()
    }

    /// The service refused the request and asked to `wait`: the next attempt is this call's as well.
    pub(crate) fn refuse(mut self, wait: Duration) -> Option<Turn> {
        if let Some(pacer) = self.pacer.take() {
            pacer.change(|budget| budget.refuse(self.beside, Instant::now(), wait));
        }
        self.turn.take()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(pacer) = &self.pacer {
            pacer.change(|budget| budget.spend(self.beside, Instant::now()));
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
        Arc::new(Pacer::new(Some(RateLimit { requests, window })))
    }

    async fn share(pacer: &Arc<Pacer>, call: &Call) -> Result<Share> {
        call.bounded(pacer.share(call, CLASS, None)).await
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_limit() {
        let pacer = pacer(10);
        let call = Call::begin(&CallOptions::new());
        let mut sent = Vec::new();
        for _ in 0..35 {
            let share = share(&pacer, &call).await.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..900))).await;
            sent.push(Instant::now());
            drop(share);
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
        let pacer = pacer(1);
        let call = Call::begin(&CallOptions::new());
        drop(share(&pacer, &call).await.unwrap());
        let begun = Instant::now();
        let cancel = Cancel::new();
        let impatient = Call::begin(&CallOptions::new().cancel(cancel.clone()));
        let (ended, ()) = tokio::join!(share(&pacer, &impatient), async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            cancel.trigger();
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        share(&pacer, &call).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    /// When each of so many requests of a second each, asked for at once, went out: in seconds.
    async fn all_at_once(pacer: &Arc<Pacer>, count: usize) -> Vec<u64> {
        let begun = Instant::now();
        let work = |_| async move {
            let share = share(pacer, &Call::begin(&CallOptions::new())).await;
            let sent = begun.elapsed().as_secs();
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(share.unwrap());
            sent
        };
        futures_util::future::join_all((0..count).map(work)).await
    }

    #[tokio::test(start_paused = true)]
    async fn half_goes_at_once_and_the_rest_one_by_one_until_it_has_been_seen_to_pass() {
        let pacer = pacer(6);
        assert_eq!(all_at_once(&pacer, 6).await, [0, 0, 0, 1, 2, 3]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(all_at_once(&pacer, 6).await, [0; 6]);
    }
}
