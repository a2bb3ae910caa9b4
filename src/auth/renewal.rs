//! A renewal of a token, and the calls that wait for it.
//!
//! A renewal is a task of its own, which goes on whatever becomes of the call that started it. It tells the calls that
//! wait what it does, and each of them tells its own caller.

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

/// How far a renewal is.
#[derive(Clone, Debug)]
enum Stage {
    UnderWay(Option<Postponed>),
    Ended(Result<Arc<Token>>),
}

/// The renewal waits for its next attempt.
#[derive(Clone, Debug)]
struct Postponed {
    until: Instant,
    /// The failure that the next attempt is to mend, if there was one.
    failure: Option<Error>,
}

/// What the work of a renewal is given: the call that its requests belong to, and where it tells of failures.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// Has no deadline and is cancelled by no caller: the retry policy is its only limit.
    pub call: Call,
    pub reporter: Arc<Reporter>,
}

/// Tells the calls that wait how the renewal goes on.
#[derive(Debug)]
pub(crate) struct Reporter {
    stage: watch::Sender<Stage>,
    /// To the call that started the renewal.
    progress: mpsc::UnboundedSender<Progress>,
    newest_failure: Mutex<Option<Error>>,
}

/// The place of a call among those that wait for one renewal.
pub(super) struct Waiter {
    stage: watch::Receiver<Stage>,
    link: Arc<Link>,
    /// For the call that started the renewal, which tells of its attempts.
    progress: Option<mpsc::UnboundedReceiver<Progress>>,
}

/// Tells one renewal from another, and whether it is alive.
#[derive(Debug)]
pub(super) struct Link {
    runtime: Id,
    is_single_attempt: bool,
    asked: Notify,
}

/// Why a wait brought neither a token nor an error.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lost {
    /// The task ended without a result: its runtime is gone, or it panicked.
    Ended,
    /// The runtime of the task is driven by no thread.
    Silent,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lost::Ended => "ended without a result",
            Lost::Silent => "is on a runtime that does not run",
        })
    }
}

/// A renewal on another runtime that says nothing for this long, when asked, is not driven.
const SILENCE: Duration = Duration::from_secs(2);

/// How often such a renewal is asked.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// The two ends of a new renewal that `starter` begins on the present runtime.
pub(super) fn begin(starter: &Call) -> (Renewal, Waiter) {
    let (stage, of_waiters) = watch::channel(Stage::UnderWay(None));
    let (progress, of_starter) = mpsc::unbounded_channel();
    let reporter = Arc::new(Reporter {
        stage,
        progress,
        newest_failure: Mutex::default(),
    });
    let to = reporter.clone();
    let renewal = Renewal {
        call: starter.beside(move |progress| to.report(progress)),
        reporter,
    };
    let waiter = Waiter {
        stage: of_waiters,
        link: Arc::new(Link {
            runtime: Handle::current().id(),
            is_single_attempt: starter.is_single_attempt(),
            asked: Notify::new(),
        }),
        progress: Some(of_starter),
    };
    (renewal, waiter)
}

impl Reporter {
    /// An attempt failed; a wait may follow.
    pub(crate) fn failed(&self, failure: &Error) {
        *lock(&self.newest_failure) = Some(failure.clone());
    }

    fn report(&self, progress: Progress) {
        let postponed = match progress {
            Progress::Wait {
                duration: Some(wait),
                ..
            } => Some(Postponed {
                until: Instant::now() + wait,
                failure: lock(&self.newest_failure).clone(),
            }),
            _ => None,
        };
        self.stage.send_replace(Stage::UnderWay(postponed));
        // The receiver is gone once the call that started the renewal has ended.
        let _ = self.progress.send(progress);
    }

    pub(super) fn end(&self, result: Result<Arc<Token>>) {
        self.stage.send_replace(Stage::Ended(result));
    }
}

impl Link {
    /// Whether the renewal tries nothing a second time, as a self-check wants it.
    pub(super) fn is_single_attempt(&self) -> bool {
        self.is_single_attempt
    }

    /// Answers, beside the work of the renewal, whether it is driven.
    pub(super) async fn answer(self: Arc<Self>, reporter: Arc<Reporter>) -> Infallible {
        loop {
            self.asked.notified().await;
            reporter.stage.send_modify(|_| {});
        }
    }
}

impl Waiter {
    /// Another call's place in the same renewal.
    pub(super) fn another(&self) -> Waiter {
        Waiter {
            stage: self.stage.clone(),
            link: self.link.clone(),
            progress: None,
        }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Whether another call started the renewal.
    pub(super) fn is_of_another(&self) -> bool {
        self.progress.is_none()
    }

    /// Waits for the result of the renewal, or for the reason why this call cannot wait as long.
    pub(super) async fn result(
        mut self,
        call: &Call,
    ) -> std::result::Result<Result<Arc<Token>>, Lost> {
        self.tell_of_waiting(call);
        let mut adoptions = call.adoptions();
        let mut silence = Silence::new(self.link.runtime != Handle::current().id());
        loop {
            if let Some(result) = self.decided(call) {
                self.report_the_rest(call);
                return Ok(result);
            }
            tokio::select! {
                biased;
                Some(progress) = next(&mut self.progress) => call.report(progress),
                changed = self.stage.changed() => match changed {
                    Ok(()) => silence.is_broken(),
                    Err(_) => return Err(Lost::Ended),
                },
                () = call.adopted_after(adoptions) => {
                    adoptions = call.adoptions();
                    self.tell_of_waiting(call);
                }
                is_over = silence.ask(&self.link.asked) => if is_over {
                    return Err(Lost::Silent);
                },
            }
        }
    }

    /// The call that started the renewal tells of its attempts instead.
    fn tell_of_waiting(&self, call: &Call) {
        if self.is_of_another() {
            call.report(Progress::Wait {
                endpoint: EndpointClass::Token,
                reason: WaitReason::Token,
                duration: None,
            });
        }
    }

    fn decided(&mut self, call: &Call) -> Option<Result<Arc<Token>>> {
        match &*self.stage.borrow_and_update() {
            Stage::Ended(result) => Some(result.clone()),
            Stage::UnderWay(Some(postponed)) if !call.has_time_until(postponed.until) => {
                Some(Err(postponed.too_long()))
            }
            Stage::UnderWay(_) => None,
        }
    }

    fn report_the_rest(&mut self, call: &Call) {
        while let Some(progress) = self.progress.as_mut().and_then(|p| p.try_recv().ok()) {
            call.report(progress);
        }
    }
}

async fn next(progress: &mut Option<mpsc::UnboundedReceiver<Progress>>) -> Option<Progress> {
    match progress {
        Some(progress) => progress.recv().await,
        None => None,
    }
}

impl Postponed {
    /// For a call that has not the time for the next attempt: the failure that stands until then.
    fn too_long(&self) -> Error {
        let wait = self.until.saturating_duration_since(Instant::now());
        match self.failure.clone() {
            Some(failure) => without_time(failure),
            None => Error::new(
                ErrorKind::Throttled,
                format!(
                    "the next request for a token goes out in {:.1} s, which is more than this call may wait",
                    wait.as_secs_f64()
                ),
            )
            .with_retry_after(Some(wait)),
        }
    }
}

/// Watches a renewal on another runtime. One on the runtime of the call is driven as the call is.
struct Silence {
    is_watched: bool,
    asked: Option<Instant>,
    ask_at: Instant,
}

impl Silence {
    fn new(is_watched: bool) -> Self {
        Silence {
            is_watched,
            asked: None,
            ask_at: Instant::now(),
        }
    }

    fn is_broken(&mut self) {
        self.asked = None;
        self.ask_at = Instant::now() + ASKED_EVERY;
    }

    /// Asks when it is time, and tells whether the answer is overdue.
    async fn ask(&mut self, asking: &Notify) -> bool {
        if !self.is_watched {
            return std::future::pending().await;
        }
        match self.asked {
            Some(asked) => {
                sleep_until(asked + SILENCE).await;
                true
            }
            None => {
                sleep_until(self.ask_at).await;
                asking.notify_one();
                self.asked = Some(Instant::now());
                false
            }
        }
    }
}
