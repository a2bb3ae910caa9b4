//! A logical call: as many attempts as the policy allows, and one truthful end.

use super::authorisation::{Authorisation, Shown};
use super::body::SentFlag;
use super::classify;
use super::limit::permit_queue::{Permit, ProbeTurn};
use super::limit::throttle::Throttle;
use super::retry::RetryPolicy;
use super::transport::{Answer, Request, Transport};
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::{Progress, WaitReason};
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::lock::lock;
use crate::log::{LogLevel, Logger};
use reqwest::header::HeaderValue;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Sends requests under one policy, one throttle and one log.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub transport: Arc<Transport>,
    pub throttle: Arc<Throttle>,
    pub retry: RetryPolicy,
    pub logger: Logger,
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// It changes nothing.
    Reads,
    /// It may run twice with the same end.
    Safe,
    Unsafe,
}

/// A logical call under way, for those who must know how far it got when it is interrupted from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Traced>>);

#[derive(Debug, Default)]
struct Traced {
    /// An attempt ended without an answer, after the service can have seen it.
    lost: bool,
    /// The attempt under way.
    current: SentFlag,
}

impl Trace {
    pub(crate) fn begin_attempt(&self) -> SentFlag {
        let current = SentFlag::default();
        lock(&self.0).current = current.clone();
        current
    }

    pub(crate) fn end_attempt(&self, delivery: Delivery) {
        let mut traced = lock(&self.0);
        traced.lost |= delivery == Delivery::Unknown;
        traced.current = SentFlag::default();
    }

    /// Whether the service can have acted on an attempt that nothing has answered. An attempt that is still under way is
    /// over by this: it goes out no more if it has not yet.
    pub(crate) fn may_have_arrived(&self) -> bool {
        let traced = lock(&self.0);
        traced.lost || traced.current.settle()
    }
}

/// What a request has that may go out now.
struct Admitted {
    throttle: Arc<Throttle>,
    permit: Permit,
    shown: Shown,
}

impl Http {
    /// Sends `request` until it is answered for good, by an answer with a 2xx status that `read` understands. One that
    /// it does not understand is as good as lost. Each attempt has the headers that `authorisation` shows when it goes out.
    pub(crate) async fn perform<T>(
        &self,
        call: &Call,
        mut request: Request,
        authorisation: &mut impl Authorisation,
        replay: Replay,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        let mut id = None;
        let (class, endpoint) = (request.class, request.endpoint());
        let mut attempts = 0;
        let mut turn = None;
        let mut unconnected_since = None;
        loop {
            let annotate = |error: Error| error.with_attempts(attempts).with_endpoint(&*endpoint);
            let admitted = self.admit(call, class, authorisation, turn.take(), annotate);
            let Admitted {
                throttle,
                permit,
                shown,
            } = admitted.await?;
            let limiter = throttle.limiter(class);
            request.headers = shown.headers;
            request.secrets = shown.secrets;
            attempts += 1;
            call.report(Progress::Attempt {
                endpoint: class,
                attempt: attempts,
            });
            // Only now, behind the ids of the token's requests.
            let id = id.get_or_insert_with(|| call.next_request_id());
            let attempt_id = format!("{id}-{attempts}");
            let begun = Instant::now();
            let attempt = self.attempt(&request, &attempt_id, trace, &read);
            let failure = match attempt.await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure
                    .with_attempts(attempts)
                    .with_endpoint(&*endpoint)
                    .with_request_id(&attempt_id),
            };
            let wait = self.wait_after(&failure);
            match failure.kind() {
                ErrorKind::Throttled => {
                    let kept = limiter.throttled(permit, wait);
                    turn = kept.map(|turn| (throttle.clone(), turn));
                }
                _ if had_no_connection(&failure) => drop(permit.give_back()),
                _ => drop(permit),
            }
            self.logger.line(LogLevel::Warn, || {
                format!("{attempt_id} {endpoint} failed: {failure}")
            });
            if authorisation.failed(&failure) {
                continue;
            }
            match failure.is_unconnected() {
                true => _ = unconnected_since.get_or_insert(begun),
                false => unconnected_since = None,
            }
            if !self.may_connect_again(unconnected_since, attempts) {
                return Err(failure);
            }
            self.pause(call, class, replay, failure, wait).await?;
        }
    }

    /// Waits until a request may go out that has something to show. A permit is held by requests under way only: it is
    /// given back where a token comes to its end while the request waits for the permit.
    async fn admit(
        &self,
        call: &Call,
        class: EndpointClass,
        authorisation: &mut impl Authorisation,
        mut turn: Option<(Arc<Throttle>, ProbeTurn)>,
        annotate: impl Fn(Error) -> Error,
    ) -> Result<Admitted> {
        loop {
            if !authorisation.is_ready() {
                turn = None;
            }
            let throttle = authorisation.ready(call).await?;
            let turn = turn
                .take()
                .filter(|(of, _)| Arc::ptr_eq(of, &throttle))
                .map(|(_, turn)| turn);
            let permit = throttle
                .limiter(class)
                .acquire(call, class, self.retry.max_wait, turn)
                .await
                .map_err(&annotate)?;
            match authorisation.show() {
                Ok(Some(shown)) => {
                    return Ok(Admitted {
                        throttle,
                        permit,
                        shown,
                    });
                }
                Ok(None) => drop(permit.give_back()),
                Err(error) => {
                    drop(permit.give_back());
                    return Err(annotate(error));
                }
            }
        }
    }

    /// A connection that cannot be had is asked for again soon and not for long: more often than not something is set
    /// up wrongly, and whoever waits for it should learn that in seconds.
    fn may_connect_again(&self, unconnected_since: Option<Instant>, attempts: u32) -> bool {
        unconnected_since.is_none_or(|since| {
            let next = since.elapsed() + self.retry.reconnect_delay(attempts);
            next < self.transport.connect_timeout()
        })
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        id: &str,
        trace: &Trace,
        read: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        self.logger
            .line(LogLevel::Debug, || format!("{id} {}", request.endpoint()));
        let id_header = HeaderValue::from_str(id).expect("request ids are checked");
        let sent = trace.begin_attempt();
        let result = self
            .transport
            .attempt(request, &id_header, &sent)
            .await
            .and_then(|answer| {
                self.logger.line(LogLevel::Debug, || {
                    format!("{id} HTTP {}, {} bytes", answer.status, answer.body.len())
                });
                let (status, secrets) = (answer.status, answer.secrets.clone());
                let result = match classify::error(&answer) {
                    None => read(answer).map_err(|e| e.with_http_status(status)),
                    Some(error) => Err(error),
                };
                // Whatever was quoted above: no error leaves with a secret in it.
                result.map_err(|e| e.map_words(|words| secrets.redact_mixed(words).into_owned()))
            });
        trace.end_attempt(match &result {
            Ok(_) => Delivery::Answered,
            Err(error) => error.delivery(),
        });
        result
    }

    /// How long to wait after a failure: at first as the service asks, and otherwise by the policy. A service that asks
    /// for little again and again is in a block that is longer than it says, so the policy holds from the second time on.
    pub(crate) fn wait_after(&self, failure: &Error) -> Duration {
        let attempts = failure.attempts();
        match failure.retry_after() {
            Some(asked) if attempts <= 1 => asked,
            Some(asked) => asked.max(self.retry.back_off(attempts - 1)),
            None if failure.is_unconnected() => self.retry.reconnect_delay(attempts),
            None => self.retry.back_off(attempts),
        }
    }

    /// Waits for the next attempt, or gives the failure back where there is to be none.
    pub(crate) async fn pause(
        &self,
        call: &Call,
        class: EndpointClass,
        replay: Replay,
        failure: Error,
        wait: Duration,
    ) -> Result<()> {
        if !may_try_again(&failure, replay) {
            return Err(failure);
        }
        let until = Instant::now() + wait;
        if wait > self.retry.max_wait || !call.has_time_until(until) {
            // The figure is the service's own: the caller is told of it as of any throttle.
            let asks_too_much = failure.retry_after().is_some();
            return Err(match asks_too_much {
                true => failure.with_kind(ErrorKind::Throttled),
                false => failure,
            });
        }
        if failure.attempts() >= call.attempts(self.retry.max_attempts) {
            return Err(failure);
        }
        match failure.kind() == ErrorKind::Throttled {
            // The gate that was just closed is where everyone waits, this call included.
            true => Ok(()),
            false => {
                let waited = call.wait_until(class, until, WaitReason::BackOff, None);
                waited.await.map_err(|_| failure)
            }
        }
    }
}

/// Whether the service cannot have counted the request. A connection that broke says nothing of that.
pub(crate) fn had_no_connection(failure: &Error) -> bool {
    let before_the_request = matches!(failure.kind(), ErrorKind::Tls | ErrorKind::Proxy);
    failure.http_status().is_none() && (before_the_request || failure.is_unconnected())
}

fn may_try_again(failure: &Error, replay: Replay) -> bool {
    use ErrorKind::*;
    match failure.kind() {
        Throttled => true,
        Connect | Timeout | Server => match failure.delivery() {
            Delivery::NotSent => true,
            Delivery::Unknown => replay != Replay::Unsafe,
            Delivery::Answered => false,
        },
        // What a read answers is told at once. What became of actions has to be found out.
        Protocol => failure.delivery() == Delivery::Unknown && replay == Replay::Safe,
        _ => false,
    }
}
