//! The cache of one token for all calls of a client, which renews the token before it expires.
//!
//! A call waits for a renewal only when there is no unexpired token. At most one renewal runs at a time, and the calls
//! that wait for it share its result, a token or an error.

use super::renewal::{self, Renewal, RenewalHandle, Waiter};
use super::token::Token;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::log::{LogLevel, Logger};
use crate::model::token::AccessToken;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long after a failed early renewal the next one is due, while the old token is still valid.
const DELAY_AFTER_FAILURE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct TokenCache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: Option<Arc<Token>>,
    running: Option<RunningRenewal>,
    no_early_renewal_before: Option<Instant>,
}

struct RunningRenewal {
    waiter: Waiter,
    /// `None` until the task is spawned.
    task: Option<AbortHandle>,
}

impl RunningRenewal {
    fn has_handle(&self, handle: &Arc<RenewalHandle>) -> bool {
        Arc::ptr_eq(self.waiter.handle(), handle)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("current", &self.current)
            .field("is_renewing", &self.running.is_some())
            .field("no_early_renewal_before", &self.no_early_renewal_before)
            .finish()
    }
}

impl TokenCache {
    /// The token to use now. If a new one is needed, `fetch` makes the future that obtains it; `fetch` itself must not
    /// block.
    pub(crate) async fn get<F>(
        &self,
        call: &Call,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) -> Result<Arc<Token>>
    where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        if let Some(token) = self.unexpired() {
            if token.is_due_for_renewal() {
                self.renew_early(call, logger, &fetch);
            }
            return Ok(token);
        }
        self.renew(call, logger, fetch).await
    }

    /// A new token, even if the cached one is valid.
    pub(crate) async fn renew<F>(
        &self,
        call: &Call,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) -> Result<Arc<Token>>
    where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        loop {
            let waiter = self.wait_for_renewal(call, logger, &fetch);
            let (handle, has_joined) = (waiter.handle().clone(), waiter.has_joined());
            let lost = match waiter.result(call).await {
                // The failed renewal belonged to a self-check, which makes one attempt only.
                Ok(Err(_))
                    if has_joined && handle.is_single_attempt() && !call.is_single_attempt() =>
                {
                    continue;
                }
                Ok(result) => return result,
                Err(lost) => lost,
            };
            self.abandon(&handle);
            if !has_joined {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("no access token: its renewal {lost}"),
                ));
            }
        }
    }

    /// Drops a token that the service has refused, unless a newer one has replaced it: the next call gets a new token.
    pub(crate) fn discard(&self, refused: &Arc<Token>) {
        let current = &mut lock(&self.0).current;
        let is_current = |now: &mut Arc<Token>| Arc::ptr_eq(now, refused);
        let discarded = current.take_if(is_current);
        drop(discarded);
    }

    fn unexpired(&self) -> Option<Arc<Token>> {
        let state = lock(&self.0);
        state.current.clone().filter(|token| token.is_alive())
    }

    /// A waiter for the running renewal, or for a renewal that this function begins.
    fn wait_for_renewal<F>(
        &self,
        call: &Call,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) -> Waiter
    where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        let (renewal, waiter) = {
            let mut state = lock(&self.0);
            if let Some(running) = &state.running {
                return running.waiter.join();
            }
            state.begin(call)
        };
        self.spawn(renewal, &waiter, logger, fetch);
        waiter
    }

    fn renew_early<F>(&self, call: &Call, logger: &Logger, fetch: impl Fn(Renewal) -> F)
    where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        let (renewal, waiter) = {
            let mut state = lock(&self.0);
            if !state.may_renew_early() {
                return;
            }
            state.begin(call)
        };
        self.spawn(renewal, &waiter, logger, fetch);
    }

    /// Spawns the task of a renewal. The lock must not be held: the end of the task takes it, and on a runtime that is
    /// shut down the task ends at once.
    fn spawn<F>(
        &self,
        renewal: Renewal,
        waiter: &Waiter,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        let handle = waiter.handle().clone();
        let completion = Completion {
            state: Arc::downgrade(&self.0),
            handle: handle.clone(),
            is_recorded: false,
        };
        let reporter = renewal.reporter.clone();
        let requested_at = Instant::now();
        let fetch = fetch(renewal);
        let pings = handle.clone().answer_pings(reporter.clone());
        let logger = logger.clone();
        let task = tokio::spawn(async move {
            let fetched = tokio::select! {
                biased;
                fetched = fetch => fetched,
                never = pings => match never {},
            };
            let fetched = fetched.map(|token| Arc::new(Token::new(token, requested_at)));
            completion.record(&fetched, logger);
            reporter.end(fetched);
        });
        let mut state = lock(&self.0);
        if let Some(running) = state.running.as_mut().filter(|now| now.has_handle(&handle)) {
            running.task = Some(task.abort_handle());
        }
    }

    /// Forgets a renewal that gave no result, so that the next call begins another. If it produces a token after all,
    /// the token is kept.
    fn abandon(&self, handle: &Arc<RenewalHandle>) {
        let left = lock(&self.0).running.take_if(|now| now.has_handle(handle));
        drop(left);
    }
}

impl State {
    fn begin(&mut self, call: &Call) -> (Renewal, Waiter) {
        let (renewal, waiter) = renewal::begin(call);
        self.running = Some(RunningRenewal {
            waiter: waiter.join(),
            task: None,
        });
        (renewal, waiter)
    }

    fn may_renew_early(&self) -> bool {
        let is_due = |token: &Arc<Token>| token.is_due_for_renewal();
        let is_delayed = |until: Instant| Instant::now() < until;
        self.running.is_none()
            && self.current.as_ref().is_some_and(is_due)
            && !self.no_early_renewal_before.is_some_and(is_delayed)
    }
}

/// Aborts the running renewal: no call can use its token any more.
impl Drop for TokenCache {
    fn drop(&mut self) {
        let running = lock(&self.0).running.take();
        if let Some(task) = running.and_then(|running| running.task) {
            task.abort();
        }
    }
}

/// Removes the renewal from the cache when its task ends, also by a panic or an abort.
struct Completion {
    /// Weak, so that a renewal does not keep the cache's state alive.
    state: Weak<Mutex<State>>,
    handle: Arc<RenewalHandle>,
    is_recorded: bool,
}

impl Completion {
    fn record(mut self, fetched: &Result<Arc<Token>>, logger: Logger) {
        self.is_recorded = true;
        let old_is_valid = self.end(fetched.as_ref().ok());
        match fetched {
            Ok(token) => logger.line(LogLevel::Info, || match token.time_left() {
                Some(left) => format!("new access token, valid for {} s", left.as_secs()),
                None => "new access token, of unknown lifetime".to_owned(),
            }),
            Err(error) if old_is_valid => logger.line(LogLevel::Warn, || {
                format!("the token could not be renewed early and stays in use: {error}")
            }),
            Err(_) => {}
        }
    }

    /// Records the end of the renewal. Returns whether it failed while the old token is still valid.
    fn end(&self, token: Option<&Arc<Token>>) -> bool {
        let Some(state) = self.state.upgrade() else {
            return false;
        };
        let mut state = lock(&state);
        let running = state.running.take_if(|now| now.has_handle(&self.handle));
        let is_current = running.is_some();
        let old_is_valid = state.current.as_ref().is_some_and(|old| old.is_alive());
        match token {
            // The late token of an abandoned renewal must not replace a newer one.
            Some(token) if is_current || !old_is_valid => {
                state.current = Some(token.clone());
                state.no_early_renewal_before = None;
            }
            Some(_) => {}
            None => state.no_early_renewal_before = Some(Instant::now() + DELAY_AFTER_FAILURE),
        }
        token.is_none() && old_is_valid
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.end(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::cancel::Cancel;
    use crate::call::endpoint_class::EndpointClass;
    use crate::call::options::CallOptions;
    use crate::call::progress::{Progress, WaitReason};
    use crate::error::ErrorKind;
    use crate::secret::Secret;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::sleep;

    const DAY: Duration = Duration::from_secs(86_399);

    /// A token host with an adjustable delay, and the cache in front of it.
    struct Host {
        cache: TokenCache,
        requests: Arc<AtomicU32>,
        fails: Mutex<bool>,
        delay: Mutex<Duration>,
        lifetime: Mutex<Option<Duration>>,
    }

    impl Host {
        fn new() -> Self {
            Host {
                cache: TokenCache::default(),
                requests: Arc::default(),
                fails: Mutex::new(false),
                delay: Mutex::new(Duration::from_secs(2)),
                lifetime: Mutex::new(Some(DAY)),
            }
        }

        fn requests(&self) -> u32 {
            self.requests.load(Ordering::Relaxed)
        }

        fn fetch(
            &self,
            renewal: Renewal,
        ) -> impl Future<Output = Result<AccessToken>> + Send + 'static {
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            let (fails, delay) = (*lock(&self.fails), *lock(&self.delay));
            let lifetime = *lock(&self.lifetime);
            async move {
                renewal.call.report(Progress::Attempt {
                    endpoint: EndpointClass::Token,
                    attempt: 1,
                });
                sleep(delay).await;
                match fails {
                    true => Err(Error::new(ErrorKind::Server, "down")),
                    false => Ok(AccessToken {
                        secret: Secret::new(format!("t{number}")),
                        lifetime,
                    }),
                }
            }
        }

        async fn token_for(&self, options: &CallOptions) -> Result<String> {
            let call = Call::begin(options);
            let logger = Logger::default();
            let token = self
                .cache
                .get(&call, &logger, |renewal| self.fetch(renewal));
            Ok(call
                .until_cancelled_or_due(token)
                .await?
                .reveal()
                .to_owned())
        }

        async fn token(&self) -> Result<String> {
            self.token_for(&CallOptions::new()).await
        }

        /// A host whose cached token has the given remaining lifetime.
        async fn with_cached_token(left: Duration) -> Self {
            let host = Host::new();
            host.token().await.unwrap();
            let spent = Duration::from_secs(2);
            sleep(DAY - left - spent).await;
            host
        }
    }

    fn within(timeout: Duration) -> CallOptions {
        CallOptions::with_timeout(timeout)
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_renewal() {
        let host = Host::new();
        for token in join_all((0..20).map(|_| host.token())).await {
            assert_eq!(token.unwrap(), "t1");
        }
        assert_eq!(host.requests(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_by_all_waiting_callers() {
        let host = Host::new();
        *lock(&host.fails) = true;
        let begun = Instant::now();
        for token in join_all((0..6).map(|_| host.token())).await {
            assert_eq!(token.unwrap_err().kind(), ErrorKind::Server);
        }
        assert_eq!((host.requests(), begun.elapsed().as_secs()), (1, 2));
        host.token().await.unwrap_err();
        assert_eq!(host.requests(), 2, "a later call retries");
    }

    #[tokio::test(start_paused = true)]
    async fn a_valid_token_is_used_while_it_is_renewed() {
        let host = Host::with_cached_token(Duration::from_secs(200)).await;
        let begun = Instant::now();
        for token in join_all((0..5).map(|_| host.token())).await {
            assert_eq!(token.unwrap(), "t1");
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
        assert_eq!(host.requests(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_early_renewal_is_delayed_from_its_end() {
        let host = Host::with_cached_token(Duration::from_secs(200)).await;
        *lock(&host.fails) = true;
        *lock(&host.delay) = Duration::from_secs(60);
        for _ in 0..88 {
            assert_eq!(host.token().await.unwrap(), "t1");
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(host.requests(), 2, "60 s of work and 28 s of delay");
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t1");
        assert_eq!(host.requests(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_renewal_that_panics_is_delayed_too() {
        let host = Host::with_cached_token(Duration::from_secs(200)).await;
        let call = Call::begin(&CallOptions::new());
        let panics = |_| async { panic!("a defect") };
        let got = host.cache.get(&call, &Logger::default(), panics).await;
        assert_eq!(got.unwrap().reveal(), "t1");
        sleep(Duration::from_secs(1)).await;
        host.token().await.unwrap();
        assert_eq!(host.requests(), 1);
        sleep(DELAY_AFTER_FAILURE).await;
        host.token().await.unwrap();
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_panics_is_an_error_and_the_next_call_retries() {
        let host = Host::new();
        let call = Call::begin(&CallOptions::new());
        let panics = |_| async { panic!("a defect") };
        let got = host.cache.get(&call, &Logger::default(), panics).await;
        assert_eq!(got.unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(host.token().await.unwrap(), "t1");
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_token_and_a_failing_host_are_an_error() {
        let host = Host::with_cached_token(Duration::from_secs(1)).await;
        *lock(&host.fails) = true;
        sleep(Duration::from_secs(2)).await;
        assert_eq!(host.token().await.unwrap_err().kind(), ErrorKind::Server);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_arrives_after_its_call_is_kept() {
        let host = Host::new();
        *lock(&host.delay) = Duration::from_secs(8);
        let begun = Instant::now();
        let mut ended = 0;
        let token = loop {
            match host.token_for(&within(Duration::from_millis(50))).await {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Deadline),
                Ok(token) => break token,
            }
            ended += 1;
        };
        assert_eq!((token.as_str(), host.requests()), ("t1", 1));
        assert!(ended > 100, "{ended}");
        assert_eq!(begun.elapsed().as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_continues_for_other_calls_after_a_cancel() {
        let host = Host::new();
        let cancel = Cancel::new();
        let options = CallOptions::with_cancel(&cancel);
        let (cancelled, token, ()) = tokio::join!(host.token_for(&options), host.token(), async {
            sleep(Duration::from_secs(1)).await;
            cancel.trigger();
        });
        assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!((token.unwrap().as_str(), host.requests()), ("t1", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_without_a_lifetime_is_used_until_refused() {
        let host = Host::new();
        *lock(&host.lifetime) = None;
        host.token().await.unwrap();
        sleep(DAY * 3650).await;
        assert_eq!(host.token().await.unwrap(), "t1");
        let refused = host.cache.unexpired().unwrap();
        host.cache.discard(&refused);
        assert_eq!(host.token().await.unwrap(), "t2");
        host.cache.discard(&refused);
        assert_eq!(host.token().await.unwrap(), "t2", "a newer one is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn extreme_lifetimes_are_accepted() {
        let host = Host::new();
        *lock(&host.lifetime) = Some(Duration::MAX);
        assert_eq!(host.token().await.unwrap(), "t1");
        let host = Host::new();
        *lock(&host.lifetime) = Some(Duration::from_millis(1));
        assert_eq!(host.token().await.unwrap(), "t1");
        assert!(
            host.cache.unexpired().is_some(),
            "whether it is still valid is left to the service"
        );
        sleep(Duration::from_secs(2)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
    }

    /// Options that record the progress of a call: its own attempts, or that it waits for those of another call.
    fn recording(recorded: &Arc<Mutex<Vec<Progress>>>) -> CallOptions {
        let recorded = recorded.clone();
        let mut options = CallOptions::new();
        options.set_progress(move |progress| lock(&recorded).push(progress));
        options
    }

    #[tokio::test(start_paused = true)]
    async fn the_starting_call_reports_attempts_and_the_others_report_a_wait() {
        let host = Host::new();
        let (first, second) = (Arc::default(), Arc::default());
        let (options, others) = (recording(&first), recording(&second));
        let (a, b) = tokio::join!(host.token_for(&options), host.token_for(&others));
        a.unwrap();
        b.unwrap();
        assert!(matches!(lock(&first)[..], [Progress::Attempt { .. }]));
        assert!(matches!(
            lock(&second)[..],
            [Progress::Wait {
                reason: WaitReason::Token,
                duration: None,
                ..
            }]
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_time_for_the_next_attempt_fails_at_once() {
        let host = Host::new();
        let delayed = |renewal: Renewal| async move {
            let throttled = Error::new(ErrorKind::Server, "busy")
                .with_retry_after(Some(Duration::from_secs(60)));
            renewal.reporter.failed(&throttled);
            let until = Instant::now() + Duration::from_secs(60);
            let wait =
                renewal
                    .call
                    .wait_until(EndpointClass::Token, until, WaitReason::BackOff, None);
            wait.await?;
            Ok(AccessToken {
                secret: Secret::new("late"),
                lifetime: None,
            })
        };
        let logger = Logger::default();
        let begun = Instant::now();
        for _ in 0..2 {
            let call = Call::begin(&within(Duration::from_secs(5)));
            let got = call
                .until_cancelled_or_due(host.cache.get(&call, &logger, delayed))
                .await;
            let error = got.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
        let patient = Call::begin(&within(Duration::from_secs(70)));
        let token = host.cache.get(&patient, &logger, delayed).await;
        assert_eq!(token.unwrap().reveal(), "late");
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_of_a_self_check_does_not_fail_calls() {
        let host = Host::new();
        *lock(&host.fails) = true;
        let once = CallOptions::new().without_retries();
        let (checked, token, ()) = tokio::join!(host.token_for(&once), host.token(), async {
            sleep(Duration::from_secs(1)).await;
            *lock(&host.fails) = false;
        });
        assert!(checked.is_err());
        assert_eq!(token.unwrap(), "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_cache_aborts_the_renewal() {
        struct DropCounter(Arc<AtomicU32>);
        impl Drop for DropCounter {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let host = Host::new();
        let dropped = Arc::new(AtomicU32::new(0));
        let never = |_| {
            let held = DropCounter(dropped.clone());
            async move {
                let _held = held;
                std::future::pending().await
            }
        };
        let call = Call::begin(&within(Duration::from_secs(1)));
        let logger = Logger::default();
        let got = call.until_cancelled_or_due(host.cache.get(&call, &logger, never));
        got.await.unwrap_err();
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        drop(host);
        tokio::task::yield_now().await;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }

    fn runtime(is_paused: bool) -> tokio::runtime::Runtime {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime
            .enable_all()
            .start_paused(is_paused)
            .build()
            .unwrap()
    }

    #[test]
    fn a_runtime_that_is_dropped_or_not_driven_does_not_block_others() {
        for is_dropped in [true, false] {
            let host = Host::new();
            let (first, second) = (runtime(true), runtime(true));
            let short = within(Duration::from_millis(10));
            first.block_on(host.token_for(&short)).unwrap_err();
            let mut first = Some(first);
            if is_dropped {
                first = None;
            }
            let took = second.block_on(async {
                let begun = Instant::now();
                assert_eq!(host.token().await.unwrap(), "t2");
                begun.elapsed()
            });
            assert!(took < Duration::from_secs(5), "{took:?}");
            drop(first);
        }
    }

    #[test]
    fn a_call_waits_for_a_renewal_on_another_runtime() {
        let host = Arc::new(Host::new());
        *lock(&host.delay) = Duration::from_millis(300);
        let other_host = host.clone();
        let other = std::thread::spawn(move || runtime(false).block_on(other_host.token()));
        while host.requests() == 0 {
            std::thread::yield_now();
        }
        let token = runtime(false).block_on(host.token());
        assert_eq!(token.unwrap(), "t1");
        assert_eq!(other.join().unwrap().unwrap(), "t1");
        assert_eq!(host.requests(), 1);
    }
}
