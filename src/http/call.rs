//! What a caller says about one call: how long it may take, how to end it, what to call it, whom to tell how it goes.

use super::endpoint::EndpointClass;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Ends calls from another thread. Clones share one state; once triggered it stays so.
#[derive(Clone, Debug, Default)]
pub struct Cancel(CancellationToken);

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Ends every call that was given this handle, and every later one at its start.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
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

type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

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

/// A call under way. A pager re-arms its one call for each page that it is asked for.
///
/// The outermost function wraps its work in [`Call::bounded`]; the layers inside only ask
/// [`Call::has_time_until`] whether a wait makes sense, and never race the clock themselves.
#[derive(Debug)]
pub(crate) struct Call(Mutex<Armed>);

#[derive(Clone, Debug)]
struct Armed {
    options: CallOptions,
    deadline: Option<Instant>,
    request_id: String,
    requests: u32,
}

impl Call {
    pub(crate) fn begin(options: &CallOptions) -> Self {
        Call(Mutex::new(Armed::new(options)))
    }

    /// Work that this call starts and others share: without its limits, and with progress of its own.
    pub(crate) fn beside(&self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        let mut own = self.armed().clone();
        // Its one request has the id that the next of this call would have.
        self.armed().requests += 1;
        own.deadline = None;
        own.options = CallOptions {
            once: own.options.once,
            ..CallOptions::new().progress(progress)
        };
        Call(Mutex::new(own))
    }

    /// Whether nothing is tried a second time.
    pub(crate) fn is_single_attempt(&self) -> bool {
        self.armed().options.once
    }

    pub(crate) fn rearm(&self, options: &CallOptions) {
        *self.armed() = Armed::new(options);
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        lock(&self.0)
    }

    /// Runs `work` until it ends, the call is cancelled, or its time is up.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (cancel, deadline) = {
            let armed = self.armed();
            (armed.options.cancel.clone(), armed.deadline)
        };
        let time_is_up = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.0.cancelled() => Err(self.interrupted(ErrorKind::Cancelled)),
            () = time_is_up => Err(self.interrupted(ErrorKind::Deadline)),
            result = work => result,
        }
    }

    /// Runs `work` that is done by tasks of the runtime in part, and so on whichever thread drives them, and reports
    /// what they tell on this one.
    pub(crate) async fn reporting_here<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(sink) = self.armed().options.progress.clone() else {
            return work.await;
        };
        let (tell, mut told) = mpsc::unbounded_channel();
        self.armed().options.progress = Some(Arc::new(move |progress| {
            // Who has ceased to listen misses nothing of what he asked for.
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
        let armed = self.armed();
        let message = match (kind, armed.options.timeout) {
            (ErrorKind::Deadline, Some(timeout)) => {
                format!("the call's time of {timeout:?} was up")
            }
            _ => "the call was cancelled".to_owned(),
        };
        Error::new(kind, message).with_request_id(&armed.request_id)
    }

    /// The error that the call has already earned, if it was cancelled or its time is up.
    pub(crate) fn check(&self) -> Result<()> {
        let (cancelled, deadline) = {
            let armed = self.armed();
            (armed.options.cancel.is_triggered(), armed.deadline)
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
        match self.armed().options.once {
            true => 1,
            false => policy,
        }
    }

    /// Whether a wait until `end` leaves any time for what comes after it.
    pub(crate) fn has_time_until(&self, end: Instant) -> bool {
        self.armed().deadline.is_none_or(|deadline| end < deadline)
    }

    /// Tells of a wait and waits, or says at once that the caller would not have the patience.
    pub(crate) async fn wait_until(
        &self,
        class: EndpointClass,
        until: Instant,
        reason: WaitReason,
        max_wait: Option<Duration>,
    ) -> Result<()> {
        let wait = until.saturating_duration_since(Instant::now());
        if max_wait.is_some_and(|most| wait > most) || !self.has_time_until(until) {
            return Err(Error::new(
                ErrorKind::Throttled,
                format!(
                    "the service allows the next request in {:.1} s, which is more than this call may wait",
                    wait.as_secs_f64()
                ),
            )
            .with_retry_after(Some(wait)));
        }
        self.report(Progress::Wait {
            endpoint: class,
            reason,
            duration: Some(wait),
        });
        tokio::time::sleep_until(until).await;
        Ok(())
    }

    pub(crate) fn report(&self, progress: Progress) {
        let sink = self.armed().options.progress.clone();
        if let Some(sink) = sink {
            sink(progress);
        }
    }

    /// The id of the next logical request of this call; attempts are told apart behind it.
    pub(crate) fn next_request_id(&self) -> String {
        let mut armed = self.armed();
        armed.requests += 1;
        format!("{}.{}", armed.request_id, armed.requests)
    }
}

impl Armed {
    fn new(options: &CallOptions) -> Self {
        Armed {
            deadline: options
                .timeout
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            request_id: options
                .request_id
                .clone()
                .unwrap_or_else(|| format!("umapi-{:016x}", fastrand::u64(..))),
            options: options.clone(),
            requests: 0,
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
        call.rearm(&CallOptions::new());
        assert!(call.check().is_ok());
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
