//! A logical call: as many attempts at a request as the policy allows, and one truthful end.

use super::authorisation::{AttemptHeaders, Authorisation};
use super::body::SentFlag;
use super::classify;
use super::limit::permit_queue::{Permit, ProbeTurn};
use super::limit::throttle::Throttle;
use super::retry::{Replay, Retries, RetryPolicy};
use super::transport::{Answer, Request, Transport};
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::call::progress::Progress;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::lock::lock;
use crate::log::{LogLevel, Logger};
use reqwest::header::HeaderValue;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Sends requests with one retry policy, one throttle and one log.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub transport: Arc<Transport>,
    pub throttle: Arc<Throttle>,
    pub retry: RetryPolicy,
    pub logger: Logger,
}

/// The progress of a logical call, which tells how far the call got even when it is interrupted from outside.
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

    /// Whether the service can have acted on an attempt without an answer. This ends an attempt that is still under way: its
    /// body does not leave any more if it has not left yet.
    pub(crate) fn may_have_arrived(&self) -> bool {
        let traced = lock(&self.0);
        traced.lost || traced.current.settle()
    }
}

/// Takes what an answer holds, or says why it cannot be understood.
type ReadAnswer<'r> = dyn FnMut(Answer) -> Result<()> + Send + 'r;

/// A request that may go out now: its permit and its headers.
struct Admitted {
    throttle: Arc<Throttle>,
    permit: Permit,
    attempt_headers: AttemptHeaders,
}

impl Http {
    /// Sends `request` until the answer has a 2xx status and `read` understands it, or no further attempt is allowed. An
    /// answer that `read` does not understand counts as lost. Each attempt has the headers that `authorisation` supplies
    /// when it goes out.
    pub(crate) async fn perform<T: Send>(
        &self,
        call: &Call,
        request: Request,
        authorisation: &mut impl Authorisation,
        replay: Replay,
        trace: &Trace,
        mut read: impl FnMut(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let mut value = None;
        let mut keep = |answer| {
            value = Some(read(answer)?);
            Ok(())
        };
        self.perform_attempts(call, request, authorisation, replay, trace, &mut keep)
            .await?;
        Ok(value.expect("the loop ends well with an answer that was read"))
    }

    /// [`Http::perform`] for every type of value, so that its code is in the library once for each kind of headers.
    async fn perform_attempts(
        &self,
        call: &Call,
        mut request: Request,
        authorisation: &mut impl Authorisation,
        replay: Replay,
        trace: &Trace,
        read: &mut ReadAnswer<'_>,
    ) -> Result<()> {
        let mut id = None;
        let class = request.class;
        let mut attempts = 0;
        let mut turn = None;
        let mut retries = self.retries(replay);
        loop {
            let annotate = |error: Error| {
                let error = error.with_attempts(attempts);
                error.with_endpoint(request.endpoint())
            };
            let admitted = self.admit(call, class, authorisation, turn.take(), annotate);
            let Admitted {
                throttle,
                permit,
                attempt_headers,
            } = admitted.await?;
            request.headers = attempt_headers.headers;
            request.secrets = attempt_headers.secrets;
            attempts += 1;
            call.report(Progress::Attempt {
                endpoint: class,
                attempt: attempts,
            });
            // Not earlier, so that requests for the token take their ids first.
            let id = id.get_or_insert_with(|| call.next_request_id());
            let attempt_id = format!("{id}-{attempts}");
            let begun = Instant::now();
            let attempt = self.attempt(&request, &attempt_id, trace, read);
            let failure = match attempt.await {
                Ok(()) => return Ok(()),
                Err(failure) => failure
                    .with_attempts(attempts)
                    .with_endpoint(request.endpoint())
                    .with_request_id(&attempt_id),
            };
            let wait = self.retry.wait_after(&failure);
            turn = release(throttle, class, permit, &failure, wait);
            self.logger.line(LogLevel::Warn, || {
                let endpoint = request.endpoint();
                format!("{attempt_id} {endpoint} failed: {failure}")
            });
            if authorisation.failed(&failure) {
                continue;
            }
            let retry = retries.after(call, failure, wait, begun)?;
            retry.wait(call, class).await?;
        }
    }

    /// The retries of a call whose requests may be replayed like this.
    pub(crate) fn retries(&self, replay: Replay) -> Retries<'_> {
        Retries::new(&self.retry, replay, self.transport.connect_timeout())
    }

    /// Waits until a request may go out and has its headers. Only requests under way hold a permit: it is given back where
    /// the token expires while the request waits for the permit.
    async fn admit(
        &self,
        call: &Call,
        class: EndpointClass,
        authorisation: &mut impl Authorisation,
        mut turn: Option<KeptTurn>,
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
            match authorisation.headers() {
                Ok(Some(attempt_headers)) => {
                    return Ok(Admitted {
                        throttle,
                        permit,
                        attempt_headers,
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

    async fn attempt(
        &self,
        request: &Request,
        id: &str,
        trace: &Trace,
        read: &mut ReadAnswer<'_>,
    ) -> Result<()> {
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
                // No error may quote a secret of the request.
                result.map_err(|e| e.map_words(|words| secrets.redact_mixed(words).into_owned()))
            });
        trace.end_attempt(match &result {
            Ok(()) => Delivery::Answered,
            Err(error) => error.delivery(),
        });
        result
    }
}

/// The turn of the request that is the next to probe a closed gate, and the throttle that the gate belongs to.
type KeptTurn = (Arc<Throttle>, ProbeTurn);

/// Releases the permit of a failed attempt. A 429 closes the gate for `wait`, and may keep a turn for the next attempt.
fn release(
    throttle: Arc<Throttle>,
    class: EndpointClass,
    permit: Permit,
    failure: &Error,
    wait: Duration,
) -> Option<KeptTurn> {
    if failure.kind() == ErrorKind::Throttled {
        let turn = throttle.limiter(class).throttled(permit, wait)?;
        return Some((throttle, turn));
    }
    match had_no_connection(failure) {
        true => drop(permit.give_back()),
        false => drop(permit),
    }
    None
}

/// Whether the service cannot have counted the request, since there was no connection. Where a connection broke, it may
/// have.
pub(crate) fn had_no_connection(failure: &Error) -> bool {
    let before_the_request = matches!(failure.kind(), ErrorKind::Tls | ErrorKind::Proxy);
    failure.http_status().is_none() && (before_the_request || failure.is_unconnected())
}
