//! The renewal of a token, and the calls that wait for it.
//!
//! A renewal is a task of its own, which continues whatever becomes of the call that started it. It reports its
//! progress to the waiting calls, and each of them reports to its own caller.

use super::token::Token;
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::{Progress, WaitReason};
use crate::error::{Error, ErrorKind, Result};
use crate::http::retry::without_time;
use crate::lock::lock;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// The progress of a renewal.
#[derive(Clone, Debug)]
enum Stage {
    Running(Option<NextAttempt>),
    Ended(Result<Arc<Token>>),
}

/// The renewal waits until its next attempt.
#[derive(Clone, Debug)]
struct NextAttempt {
    until: Instant,
    /// The failure of the previous attempt, if there was one.
    failure: Option<Error>,
}

/// The input of the task that renews a token: the call that its requests belong to, and the receiver of its failures.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// It has no deadline and no caller can cancel it: the retry policy is its only limit.
    pub call: Call,
    pub reporter: Arc<Reporter>,
}

/// The sending side of a renewal: reports its progress and its result to the waiting calls.
#[derive(Debug)]
pub(crate) struct Reporter {
    stage: watch::Sender<Stage>,
    /// To the call that started the renewal.
    progress: mpsc::UnboundedSender<Progress>,
    newest_failure: Mutex<Option<Error>>,
}

/// The receiving side of a renewal, for one of the calls that wait for it.
pub(super) struct Waiter {
    stage: watch::Receiver<Stage>,
    handle: Arc<RenewalHandle>,
    /// Present in the waiter of the call that started the renewal, which reports its attempts.
    progress: Option<mpsc::UnboundedReceiver<Progress>>,
}

/// The identity of a renewal, and the means to check whether its task is driven.
#[derive(Debug)]
pub(super) struct RenewalHandle {
    runtime: Id,
    is_single_attempt: bool,
    ping: Notify,
}

/// Why a wait ended with neither a token nor an error of the renewal.
#[derive(Clone, Copy, Debug)]
pub(super) enum RenewalLost {
    /// The task ended without a result: its runtime is gone, or it panicked.
    Ended,
    /// The runtime of the task is driven by no thread.
    NotDriven,
}

impl fmt::Display for RenewalLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RenewalLost::Ended => "ended without a result",
            RenewalLost::NotDriven => "is on a runtime that no thread drives",
        })
    }
}

/// A renewal on another runtime that does not answer a ping for this long is not driven.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a renewal on another runtime is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// The two sides of a new renewal that `starter` begins on the current runtime.
pub(super) fn begin(starter: &Call) -> (Renewal, Waiter) {
    let (stage, stage_receiver) = watch::channel(Stage::Running(None));
    let (progress, progress_receiver) = mpsc::unbounded_channel();
    let reporter = Arc::new(Reporter {
        stage,
        progress,
        newest_failure: Mutex::default(),
    });
    let progress_reporter = reporter.clone();
    let renewal = Renewal {
        call: starter.for_shared_work(move |progress| progress_reporter.report(progress)),
        reporter,
    };
    let waiter = Waiter {
        stage: stage_receiver,
        handle: Arc::new(RenewalHandle {
            runtime: Handle::current().id(),
            is_single_attempt: starter.is_single_attempt(),
            ping: Notify::new(),
        }),
        progress: Some(progress_receiver),
    };
    (renewal, waiter)
}

impl Reporter {
    /// Records the failure of an attempt, which a wait for the next attempt may follow.
    pub(crate) fn failed(&self, failure: &Error) {
        *lock(&self.newest_failure) = Some(failure.clone());
    }

    fn report(&self, progress: Progress) {
        let next_attempt = match progress {
            Progress::Wait {
                duration: Some(wait),
                ..
            } => Some(NextAttempt {
                until: Instant::now() + wait,
                failure: lock(&self.newest_failure).clone(),
            }),
            _ => None,
        };
        self.stage.send_replace(Stage::Running(next_attempt));
        // The receiver is gone once the call that started the renewal has ended.
        let _ = self.progress.send(progress);
    }

    /// Reports the result of the renewal.
    pub(super) fn end(&self, result: Result<Arc<Token>>) {
        self.stage.send_replace(Stage::Ended(result));
    }
}

impl RenewalHandle {
    /// Whether the renewal makes one attempt only, as for a self-check.
    pub(super) fn is_single_attempt(&self) -> bool {
        self.is_single_attempt
    }

    /// Answers pings, in the task of the renewal and concurrently with its work.
    pub(super) async fn answer_pings(self: Arc<Self>, reporter: Arc<Reporter>) -> Infallible {
        loop {
            self.ping.notified().await;
            reporter.stage.send_modify(|_| {});
        }
    }
}

impl Waiter {
    /// A waiter of another call for the same renewal.
    pub(super) fn join(&self) -> Waiter {
        Waiter {
            stage: self.stage.clone(),
            handle: self.handle.clone(),
            progress: None,
        }
    }

    pub(super) fn handle(&self) -> &Arc<RenewalHandle> {
        &self.handle
    }

    /// Whether another call started the renewal.
    pub(super) fn has_joined(&self) -> bool {
        self.progress.is_none()
    }

    /// Waits for the result of the renewal. If the call has no time to wait for the next attempt, the result is an
    /// error that says so.
    pub(super) async fn result(
        mut self,
        call: &Call,
    ) -> std::result::Result<Result<Arc<Token>>, RenewalLost> {
        self.report_wait(call);
        let mut adoptions = call.adoptions();
        let mut watchdog = Watchdog::new(self.handle.runtime != Handle::current().id());
        loop {
            if let Some(result) = self.result_for(call) {
                self.report_remaining(call);
                return Ok(result);
            }
            tokio::select! {
                biased;
                Some(progress) = receive(&mut self.progress) => call.report(progress),
                changed = self.stage.changed() => match changed {
                    Ok(()) => watchdog.record_answer(),
                    Err(_) => return Err(RenewalLost::Ended),
                },
                () = call.adopted_after(adoptions) => {
                    adoptions = call.adoptions();
                    self.report_wait(call);
                }
                is_overdue = watchdog.is_overdue(&self.handle.ping) => if is_overdue {
                    return Err(RenewalLost::NotDriven);
                },
            }
        }
    }

    /// Reports to the caller that the call waits for a token. The call that started the renewal reports its attempts
    /// instead.
    fn report_wait(&self, call: &Call) {
        if self.has_joined() {
            call.report(Progress::Wait {
                endpoint: EndpointClass::Token,
                reason: WaitReason::Token,
                duration: None,
            });
        }
    }

    /// The result for this call, if there is one by now.
    fn result_for(&mut self, call: &Call) -> Option<Result<Arc<Token>>> {
        match &*self.stage.borrow_and_update() {
            Stage::Ended(result) => Some(result.clone()),
            Stage::Running(Some(next_attempt)) if !call.has_time_until(next_attempt.until) => {
                Some(Err(next_attempt.wait_error()))
            }
            Stage::Running(_) => None,
        }
    }

    fn report_remaining(&mut self, call: &Call) {
        while let Some(progress) = self.progress.as_mut().and_then(|p| p.try_recv().ok()) {
            call.report(progress);
        }
    }
}

async fn receive(progress: &mut Option<mpsc::UnboundedReceiver<Progress>>) -> Option<Progress> {
    match progress {
        Some(progress) => progress.recv().await,
        None => None,
    }
}

impl NextAttempt {
    /// The error for a call that has no time to wait for the next attempt: the failure of the previous attempt, or one
    /// that names the wait.
    fn wait_error(&self) -> Error {
        let wait = self.until.saturating_duration_since(Instant::now());
        match self.failure.clone() {
            Some(failure) => without_time(failure),
            None => Error::new(
                ErrorKind::Throttled,
                format!(
                    "the next token request is sent in {:.1} s, which is longer than this call may wait",
                    wait.as_secs_f64()
                ),
            )
            .with_retry_after(Some(wait)),
        }
    }
}

/// Detects that a renewal on another runtime is not driven. A renewal on the runtime of the call is driven with the
/// call.
struct Watchdog {
    is_watched: bool,
    pinged_at: Option<Instant>,
    ping_at: Instant,
}

impl Watchdog {
    fn new(is_watched: bool) -> Self {
        Watchdog {
            is_watched,
            pinged_at: None,
            ping_at: Instant::now(),
        }
    }

    /// Records an answer: the next ping is due after the interval.
    fn record_answer(&mut self) {
        self.pinged_at = None;
        self.ping_at = Instant::now() + PING_INTERVAL;
    }

    /// Sends the next ping when it is due, or waits for the end of the time to answer the last one. Returns whether the
    /// answer is overdue.
    async fn is_overdue(&mut self, ping: &Notify) -> bool {
        if !self.is_watched {
            return std::future::pending().await;
        }
        match self.pinged_at {
            Some(pinged_at) => {
                sleep_until(pinged_at + PING_TIMEOUT).await;
                true
            }
            None => {
                sleep_until(self.ping_at).await;
                ping.notify_one();
                self.pinged_at = Some(Instant::now());
                false
            }
        }
    }
}
