//! What a caller says about one call: how long it may take, how to end it, what to call it, whom to tell how it goes.

use super::endpoint::EndpointClass;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::process::random_u64;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Ends calls from another thread. Clones share one state; once triggered it stays so.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<CancelState>);

/// Its destructor takes no lock, so that a child of a fork can free a handle that it inherited.
#[derive(Debug, Default)]
struct CancelState {
    triggered: AtomicBool,
    waiters: Notify,
}

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Ends every call that was given this handle, and every later one at its start.
    pub fn trigger(&self) {
        self.0.triggered.store(true, Ordering::Release);
        self.0.waiters.notify_waiters();
    }

    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::Acquire)
    }

    /// Waits until the handle is triggered.
    pub(crate) async fn triggered(&self) {
        loop {
            let mut next = pin!(self.0.waiters.notified());
            next.as_mut().enable();
            if self.is_triggered() {
                return;
            }
            next.await;
        }
    }
}

/// Why a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Another try after a failure that may pass.
    BackOff,
    /// The service asked for a pause.
    Throttled,
    /// The documented limit on requests is used up for now.
    Pace,
    /// Another call of this client is getting the token.
    Token,
}

/// How a call goes on, told on the thread that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A request is about to be sent, for the `attempt`th time.
    Attempt {
        endpoint: EndpointClass,
        attempt: u32,
    },
    /// A wait begins; `None` where its end depends on another call.
    Wait {
        endpoint: EndpointClass,
        reason: WaitReason,
        duration: Option<Duration>,
    },
    /// A page was read; `total` is the service's count of all items, if it gave one.
    Page {
        page: u64,
        items: u64,
        total: Option<u64>,
    },
    /// So many of the actions given to this call have their outcome.
    Actions { done: u64, total: u64 },
}

pub(crate) type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// The options of one call; the default has no time limit and cannot be cancelled.
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) request_id: Option<String>,
    pub(crate) progress: Option<ProgressSink>,
    once: bool,
}

impl CallOptions {
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// How long each call that gets these options may take in all, waits and retries included.
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tries nothing a second time.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Whether the cancel handle is triggered.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_triggered()
    }

    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The `X-Request-Id` to use; the number of the request and of the attempt are added to it.
    pub fn request_id(mut self, id: &str) -> Result<Self> {
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid_argument(
                "request_id",
                "must be 1 to 128 visible ASCII characters, since it goes into a header",
            ));
        }
        self.request_id = Some(id.to_owned());
        Ok(self)
    }

    pub fn progress(mut self, sink: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(sink));
        self
    }

    /// Puts another sink in the place of the present one, which it can pass progress on to.
    pub(crate) fn forward_progress<F>(&mut self, forward: impl FnOnce(ProgressSink) -> F)
    where
        F: Fn(Progress) + Send + Sync + 'static,
    {
        if let Some(sink) = self.progress.take() {
            self.progress = Some(Arc::new(forward(sink)));
        }
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("cancelled", &self.cancel.is_triggered())
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// A call under way, or the fetching of a page ahead of the call that will want it.
///
/// The outermost function wraps its work in [`Call::bounded`]; the layers inside only ask
/// [`Call::has_time_until`] whether a wait makes sense, and never race the clock themselves.
#[derive(Debug)]
pub(crate) struct Call {
    state: Mutex<Running>,
    /// The limits or the urgency have changed: waits look at them again.
    changed: Notify,
}

#[derive(Clone, Debug)]
struct Running {
    options: CallOptions,
    deadline: Option<Instant>,
    /// Whether a caller waits for the result now.
    wanted: bool,
    /// How often a caller has come to wait for the result.
    adoptions: u32,
    request_ids: Arc<RequestIds>,
}

/// The ids of the requests that a call makes, also of those ahead of later calls.
#[derive(Debug)]
struct RequestIds {
    of_call: String,
    used: AtomicU32,
}

impl Call {
    pub(crate) fn begin(options: &CallOptions) -> Self {
        Call::new(Running::new(options))
    }

    fn new(running: Running) -> Self {
        Call {
            state: Mutex::new(running),
            changed: Notify::new(),
        }
    }

    /// Work that this call starts for a later one: without limits, and behind all calls that want a permit now, until a
    /// call adopts it.
    pub(crate) fn ahead(&self) -> Self {
        Call::new(Running {
            options: CallOptions::new(),
            deadline: None,
            wanted: false,
            adoptions: 0,
            request_ids: self.running().request_ids.clone(),
        })
    }

    /// Work that this call starts and others share: without limits, and with progress of its own.
    pub(crate) fn beside(&self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        let options = CallOptions {
            once: self.is_single_attempt(),
            ..CallOptions::new().progress(progress)
        };
        Call::new(Running {
            options,
            deadline: None,
            wanted: true,
            adoptions: 0,
            request_ids: self.running().request_ids.clone(),
        })
    }

    /// Whether nothing is tried a second time.
    pub(crate) fn is_single_attempt(&self) -> bool {
        self.running().options.once
    }

    /// A caller waits for this work now, under the limits of its own call.
    pub(crate) fn adopt(&self, caller: &Call) {
        let Running {
            options, deadline, ..
        } = caller.running().clone();
        {
            let mut running = self.running();
            running.options = options;
            running.deadline = deadline;
            running.wanted = true;
            running.adoptions += 1;
        }
        self.changed.notify_waiters();
    }

    /// The caller waits no more; the work goes on without limits.
    pub(crate) fn release(&self) {
        {
            let mut running = self.running();
            running.options = CallOptions::new();
            running.deadline = None;
            running.wanted = false;
        }
        self.changed.notify_waiters();
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        lock(&self.state)
    }

    /// Whether a caller waits for the result now.
    pub(crate) fn is_wanted(&self) -> bool {
        self.running().wanted
    }

    /// How often a caller has come to wait for the result: what was told to none, or to another, is to be told again.
    pub(crate) fn adoptions(&self) -> u32 {
        self.running().adoptions
    }

    /// Waits until a caller waits for the result.
    pub(crate) async fn wanted(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.is_wanted() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until a caller comes to wait for the result after the first `adoptions`.
    pub(crate) async fn adopted_after(&self, adoptions: u32) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.adoptions() > adoptions {
                return;
            }
            changed.await;
        }
    }

    /// Runs `work` until it ends, the call is cancelled, or its time is up.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (cancel, deadline) = {
            let running = self.running();
            (running.options.cancel.clone(), running.deadline)
        };
        let time_is_up = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.triggered() => Err(self.interrupted(ErrorKind::Cancelled)),
            () = time_is_up => Err(self.interrupted(ErrorKind::Deadline)),
            result = work => result,
        }
    }

    /// Runs `work` that is done by tasks of the runtime in part, and so on whichever thread drives them, and reports
    /// what they tell on this one.
    pub(crate) async fn reporting_here<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(sink) = self.running().options.progress.clone() else {
            return work.await;
        };
        let (tell, mut told) = mpsc::unbounded_channel();
        self.running().options.progress = Some(Arc::new(move |progress| {
            // The receiver is gone once the call has returned; late progress is dropped on purpose.
            let _ = tell.send(progress);
        }));
        tokio::pin!(work);
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = told.recv() => sink(progress),
                result = &mut work => break result,
            }
        };
        while let Ok(progress) = told.try_recv() {
            sink(progress);
        }
        result
    }

    fn interrupted(&self, kind: ErrorKind) -> Error {
        let running = self.running();
        let message = match (kind, running.options.timeout) {
            (ErrorKind::Deadline, Some(timeout)) => {
                format!("the call's time of {timeout:?} was up")
            }
            _ => "the call was cancelled".to_owned(),
        };
        Error::new(kind, message).with_request_id(&running.request_ids.of_call)
    }

    /// The error that the call has already earned, if it was cancelled or its time is up.
    pub(crate) fn check(&self) -> Result<()> {
        let (cancelled, deadline) = {
            let running = self.running();
            (running.options.cancel.is_triggered(), running.deadline)
        };
        if cancelled {
            return Err(self.interrupted(ErrorKind::Cancelled));
        }
        match deadline {
            Some(deadline) if deadline <= Instant::now() => {
                Err(self.interrupted(ErrorKind::Deadline))
            }
            _ => Ok(()),
        }
    }

    /// How often a request may be tried, out of what the policy allows.
    pub(crate) fn attempts(&self, policy: u32) -> u32 {
        match self.running().options.once {
            true => 1,
            false => policy,
        }
    }

    /// Whether a wait until `end` leaves any time for what comes after it.
    pub(crate) fn has_time_until(&self, end: Instant) -> bool {
        self.running()
            .deadline
            .is_none_or(|deadline| end < deadline)
    }

    /// Tells of a wait and waits, or says at once that the caller would not have the patience. A caller that comes to wait
    /// for the result meanwhile is told of the wait, and its limits hold.
    pub(crate) async fn wait_until(
        &self,
        class: EndpointClass,
        until: Instant,
        reason: WaitReason,
        max_wait: Option<Duration>,
    ) -> Result<()> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let wait = until.saturating_duration_since(Instant::now());
            if max_wait.is_some_and(|most| wait > most) || !self.has_time_until(until) {
                return Err(too_long(wait));
            }
            self.report(Progress::Wait {
                endpoint: class,
                reason,
                duration: Some(wait),
            });
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return Ok(()),
                () = changed => {}
            }
        }
    }

    pub(crate) fn report(&self, progress: Progress) {
        let sink = self.running().options.progress.clone();
        if let Some(sink) = sink {
            sink(progress);
        }
    }

    /// The id of the next logical request of this call; attempts are told apart behind it.
    pub(crate) fn next_request_id(&self) -> String {
        let ids = self.running().request_ids.clone();
        let number = ids.used.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}.{number}", ids.of_call)
    }
}

fn too_long(wait: Duration) -> Error {
    Error::new(
        ErrorKind::Throttled,
        format!(
            "the service allows the next request in {:.1} s, which is more than this call may wait",
            wait.as_secs_f64()
        ),
    )
    .with_retry_after(Some(wait))
}

impl Running {
    fn new(options: &CallOptions) -> Self {
        let of_call = options.request_id.clone();
        Running {
            deadline: options
                .timeout
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            options: options.clone(),
            wanted: true,
            adoptions: 0,
            request_ids: Arc::new(RequestIds {
                of_call: of_call.unwrap_or_else(|| format!("umapi-{:016x}", random_u64())),
                used: AtomicU32::new(0),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn cancel_and_deadline_end_any_work() {
        let cancel = Cancel::new();
        let call = Call::begin(&CallOptions::new().cancel(cancel.clone()));
        let ended = tokio::join!(call.bounded(std::future::pending::<Result<()>>()), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            cancel.trigger();
        });
        assert_eq!(ended.0.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(call.check().is_err());

        let call = Call::begin(&CallOptions::new().timeout(Some(Duration::from_secs(5))));
        let begun = Instant::now();
        let ended = call.bounded(std::future::pending::<Result<()>>()).await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Deadline);
        assert_eq!(begun.elapsed().as_secs(), 5);
    }

    #[test]
    fn a_request_id_cannot_carry_a_header() {
        for bad in ["", "a\r\nX: y", "a b", "é", &"x".repeat(129)] {
            assert!(CallOptions::new().request_id(bad).is_err(), "{bad:?}");
        }
        let call = Call::begin(&CallOptions::new().request_id("job-7").unwrap());
        assert_eq!(call.next_request_id(), "job-7.1");
        assert_eq!(call.next_request_id(), "job-7.2");
    }
}
