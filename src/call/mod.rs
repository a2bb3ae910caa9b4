//! A call of the library: its time limit, its cancellation, its request ids and its progress.

pub(crate) mod cancel;
pub(crate) mod endpoint_class;
pub(crate) mod options;
pub(crate) mod progress;

use self::endpoint_class::EndpointClass;
use self::options::CallOptions;
use self::progress::{Progress, WaitReason};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::process::random_u64;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// A running call, or work that the call has started for a later call or for several.
///
/// The outermost function wraps its work in [`Call::until_cancelled_or_due`]. The layers inside ask
/// [`Call::has_time_until`] whether a wait makes sense, and set no timers for the deadline.
#[derive(Debug)]
pub(crate) struct Call {
    state: Mutex<Running>,
    /// Notified when a caller begins or ceases to wait for the result, so that waits consider the new limits.
    changed: Notify,
}

#[derive(Clone, Debug)]
struct Running {
    options: CallOptions,
    deadline: Option<Instant>,
    /// Whether a caller waits for the result now.
    wanted: bool,
    /// How many times a caller has begun to wait for the result.
    adoptions: u32,
    request_ids: Arc<RequestIds>,
}

/// The ids of the requests of a call and of the work that it has started.
#[derive(Debug)]
struct RequestIds {
    /// The id of the call, with which the id of each request begins.
    call_id: String,
    used: AtomicU32,
}

impl Call {
    /// Begins a call, whose time limit counts from now.
    pub(crate) fn begin(options: &CallOptions) -> Self {
        Call::new(Running::new(options))
    }

    fn new(running: Running) -> Self {
        Call {
            state: Mutex::new(running),
            changed: Notify::new(),
        }
    }

    /// The prefetch of a page that this call starts for a later one. It has no limits, and takes a permit only while no
    /// call waits for one, until a call adopts it.
    pub(crate) fn for_prefetch(&self) -> Self {
        Call::new(Running {
            options: CallOptions::new(),
            deadline: None,
            wanted: false,
            adoptions: 0,
            request_ids: self.running().request_ids.clone(),
        })
    }

    /// Work that this call starts and shares with other calls. It has no limits, and reports to `progress`.
    pub(crate) fn for_shared_work(
        &self,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Self {
        let mut options = CallOptions::new();
        options.without_retries = self.is_single_attempt();
        options.set_progress(progress);
        Call::new(Running {
            options,
            deadline: None,
            wanted: true,
            adoptions: 0,
            request_ids: self.running().request_ids.clone(),
        })
    }

    /// Whether each request is tried once only.
    pub(crate) fn is_single_attempt(&self) -> bool {
        self.running().options.without_retries
    }

    /// Records that `caller` waits for this work now, so that the limits and the progress callback of its call hold.
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

    /// Records that the caller no longer waits; the work continues without limits.
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

    /// How many times a caller has begun to wait for the result. A wait is reported again to each of them.
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

    /// Waits until a caller has begun to wait for the result more than `adoptions` times.
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

    /// Runs `work` until it ends, the call is cancelled, or its deadline is reached.
    pub(crate) async fn until_cancelled_or_due<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (cancel, deadline) = {
            let running = self.running();
            (running.options.cancel.clone(), running.deadline)
        };
        let due = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.triggered() => Err(self.interrupted(ErrorKind::Cancelled)),
            () = due => Err(self.interrupted(ErrorKind::Deadline)),
            result = work => result,
        }
    }

    /// Runs `work`, and calls the progress callback on the thread that polls this future, although tasks of the runtime do
    /// a part of the work on other threads.
    pub(crate) async fn reporting_here<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(sink) = self.running().options.progress.clone() else {
            return work.await;
        };
        let (sender, mut reports) = mpsc::unbounded_channel();
        self.running().options.progress = Some(Arc::new(move |progress| {
            // The receiver is gone once the call has returned; late progress is dropped on purpose.
            let _ = sender.send(progress);
        }));
        tokio::pin!(work);
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = reports.recv() => sink(progress),
                result = &mut work => break result,
            }
        };
        while let Ok(progress) = reports.try_recv() {
            sink(progress);
        }
        result
    }

    fn interrupted(&self, kind: ErrorKind) -> Error {
        let running = self.running();
        let message = match (kind, running.options.timeout) {
            (ErrorKind::Deadline, Some(timeout)) => {
                format!("the call did not end within its time of {timeout:?}")
            }
            _ => "the call was cancelled".to_owned(),
        };
        Error::new(kind, message).with_request_id(&running.request_ids.call_id)
    }

    /// An error if the call is cancelled or its deadline has passed.
    pub(crate) fn ensure_active(&self) -> Result<()> {
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

    /// How many times a request may be tried, where the retry policy allows `max_attempts`.
    pub(crate) fn attempts(&self, max_attempts: u32) -> u32 {
        match self.running().options.without_retries {
            true => 1,
            false => max_attempts,
        }
    }

    /// Whether a wait until `end` ends before the deadline.
    pub(crate) fn has_time_until(&self, end: Instant) -> bool {
        self.running()
            .deadline
            .is_none_or(|deadline| end < deadline)
    }

    /// Reports a wait and waits. If the wait is longer than `max_wait` or does not end before the deadline, it fails at once
    /// with [`ErrorKind::Throttled`]. The limits of a caller that begins to wait for the result meanwhile hold too, and the
    /// wait is reported to it.
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
            if max_wait.is_some_and(|max| wait > max) || !self.has_time_until(until) {
                return Err(wait_too_long(wait));
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

    /// Calls the progress callback, if there is one.
    pub(crate) fn report(&self, progress: Progress) {
        let sink = self.running().options.progress.clone();
        if let Some(sink) = sink {
            sink(progress);
        }
    }

    /// The id of the next logical request of this call. Each attempt appends its number to it.
    pub(crate) fn next_request_id(&self) -> String {
        let ids = self.running().request_ids.clone();
        let number = ids.used.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}.{number}", ids.call_id)
    }
}

fn wait_too_long(wait: Duration) -> Error {
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
        let call_id = options.request_id.clone();
        Running {
            deadline: options
                .timeout
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            options: options.clone(),
            wanted: true,
            adoptions: 0,
            request_ids: Arc::new(RequestIds {
                call_id: call_id.unwrap_or_else(|| format!("umapi-{:016x}", random_u64())),
                used: AtomicU32::new(0),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cancel::Cancel;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn cancel_and_deadline_end_any_work() {
        let cancel = Cancel::new();
        let call = Call::begin(&CallOptions::with_cancel(&cancel));
        let ended = tokio::join!(
            call.until_cancelled_or_due(std::future::pending::<Result<()>>()),
            async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                cancel.trigger();
            }
        );
        assert_eq!(ended.0.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(call.ensure_active().is_err());

        let call = Call::begin(&CallOptions::with_timeout(Duration::from_secs(5)));
        let begun = Instant::now();
        let ended = call
            .until_cancelled_or_due(std::future::pending::<Result<()>>())
            .await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Deadline);
        assert_eq!(begun.elapsed().as_secs(), 5);
    }

    #[test]
    fn a_request_id_cannot_inject_a_header() {
        let mut options = CallOptions::new();
        options.set_request_id("job-7").unwrap();
        for bad in ["", "a\r\nX: y", "a b", "é", &"x".repeat(129)] {
            assert!(options.set_request_id(bad).is_err(), "{bad:?}");
        }
        let call = Call::begin(&options);
        assert_eq!(call.next_request_id(), "job-7.1");
        assert_eq!(call.next_request_id(), "job-7.2");
    }
}
