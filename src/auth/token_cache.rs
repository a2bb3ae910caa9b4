//! One token for all calls of a client, renewed before it ends, beside the calls.
//!
//! A call waits for a renewal only when there is no living token. There is one renewal at a time, and the calls that wait
//! for it share its result, be it a token or an error.

use super::renewal::{self, Link, Renewal, Waiter};
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

/// How long a failed early renewal is put off while the old token still serves.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct TokenCache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: Option<Arc<Token>>,
    under_way: Option<UnderWay>,
    /// No early renewal before this time.
    put_off_until: Option<Instant>,
}

struct UnderWay {
    waiter: Waiter,
    /// `None` until it is spawned.
    task: Option<AbortHandle>,
}

impl UnderWay {
    fn is(&self, link: &Arc<Link>) -> bool {
        Arc::ptr_eq(self.waiter.link(), link)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("current", &self.current)
            .field("is_renewing", &self.under_way.is_some())
            .field("put_off_until", &self.put_off_until)
            .finish()
    }
}

impl TokenCache {
    /// The token to use now. `fetch` begins the work of getting a new one, if it is needed; it must not wait.
    pub(crate) async fn get<F>(
        &self,
        call: &Call,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) -> Result<Arc<Token>>
    where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        if let Some(token) = self.living() {
            if token.is_due_for_renewal() {
                self.renew_early(call, logger, &fetch);
            }
            return Ok(token);
        }
        self.renew(call, logger, fetch).await
    }

    /// A new token, whether or not there is one.
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
            let (link, is_of_another) = (waiter.link().clone(), waiter.is_of_another());
            let lost = match waiter.result(call).await {
                // It was a self-check's, which tries once only.
                Ok(Err(_))
                    if is_of_another && link.is_single_attempt() && !call.is_single_attempt() =>
                {
                    continue;
                }
                Ok(result) => return result,
                Err(lost) => lost,
            };
            self.leave_behind(&link);
            if !is_of_another {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("no access token: its renewal {lost}"),
                ));
            }
        }
    }

    /// The service refused this token: the next call gets another, unless one is there already.
    pub(crate) fn discard(&self, refused: &Arc<Token>) {
        let current = &mut lock(&self.0).current;
        let is_current = |now: &mut Arc<Token>| Arc::ptr_eq(now, refused);
        let discarded = current.take_if(is_current);
        drop(discarded);
    }

    fn living(&self) -> Option<Arc<Token>> {
        let state = lock(&self.0);
        state.current.clone().filter(|token| token.is_alive())
    }

    /// A place among those that wait for the renewal under way, or for one that begins here.
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
            if let Some(under_way) = &state.under_way {
                return under_way.waiter.another();
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

    /// Not under the lock, which the end of a task takes; on a runtime that is shut down it ends at once.
    fn spawn<F>(
        &self,
        renewal: Renewal,
        waiter: &Waiter,
        logger: &Logger,
        fetch: impl Fn(Renewal) -> F,
    ) where
        F: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        let link = waiter.link().clone();
        let ending = Ending {
            state: Arc::downgrade(&self.0),
            link: link.clone(),
            is_settled: false,
        };
        let reporter = renewal.reporter.clone();
        let asked_at = Instant::now();
        let fetch = fetch(renewal);
        let answering = link.clone().answer(reporter.clone());
        let logger = logger.clone();
        let task = tokio::spawn(async move {
            let fetched = tokio::select! {
                biased;
                fetched = fetch => fetched,
                never = answering => match never {},
            };
            let fetched = fetched.map(|token| Arc::new(Token::new(token, asked_at)));
            ending.settle(&fetched, logger);
            reporter.end(fetched);
        });
        let mut state = lock(&self.0);
        if let Some(under_way) = state.under_way.as_mut().filter(|now| now.is(&link)) {
            under_way.task = Some(task.abort_handle());
        }
    }

    /// The next call begins a renewal of its own. A token that the old one brings all the same is kept.
    fn leave_behind(&self, link: &Arc<Link>) {
        let left = lock(&self.0).under_way.take_if(|now| now.is(link));
        drop(left);
    }
}

impl State {
    fn begin(&mut self, call: &Call) -> (Renewal, Waiter) {
        let (renewal, waiter) = renewal::begin(call);
        self.under_way = Some(UnderWay {
            waiter: waiter.another(),
            task: None,
        });
        (renewal, waiter)
    }

    fn may_renew_early(&self) -> bool {
        let is_due = |token: &Arc<Token>| token.is_due_for_renewal();
        let is_put_off = |until: Instant| Instant::now() < until;
        self.under_way.is_none()
            && self.current.as_ref().is_some_and(is_due)
            && !self.put_off_until.is_some_and(is_put_off)
    }
}

/// No call can want the token any more.
impl Drop for TokenCache {
    fn drop(&mut self) {
        let under_way = lock(&self.0).under_way.take();
        if let Some(task) = under_way.and_then(|under_way| under_way.task) {
            task.abort();
        }
    }
}

/// Takes the renewal out of the cache when it ends, however it ends.
struct Ending {
    /// Weak, so that a renewal does not keep alive what it is for.
    state: Weak<Mutex<State>>,
    link: Arc<Link>,
    is_settled: bool,
}

impl Ending {
    fn settle(mut self, fetched: &Result<Arc<Token>>, logger: Logger) {
        self.is_settled = true;
        let old_serves_on = self.end(fetched.as_ref().ok());
        match fetched {
            Ok(token) => logger.line(LogLevel::Info, || match token.time_left() {
                Some(left) => format!("new access token, good for {} s", left.as_secs()),
                None => "new access token, of unknown lifetime".to_owned(),
            }),
            Err(error) if old_serves_on => logger.line(LogLevel::Warn, || {
                format!("the token could not be renewed early and serves on: {error}")
            }),
            Err(_) => {}
        }
    }

    /// Tells whether the old token serves on.
    fn end(&self, token: Option<&Arc<Token>>) -> bool {
        let Some(state) = self.state.upgrade() else {
            return false;
        };
        let mut state = lock(&state);
        let ours = state.under_way.take_if(|now| now.is(&self.link));
        let was_ours = ours.is_some();
        let lives = state.current.as_ref().is_some_and(|old| old.is_alive());
        match token {
            // One that was left behind brings a token late, and another renewal may have brought a newer one.
            Some(token) if was_ours || !lives => {
                state.current = Some(token.clone());
                state.put_off_until = None;
            }
            Some(_) => {}
            None => state.put_off_until = Some(Instant::now() + REST_AFTER_FAILURE),
        }
        token.is_none() && lives
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.is_settled {
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

    /// A token host that takes its time, and the cache before it.
    struct Host {
        cache: TokenCache,
        asked: Arc<AtomicU32>,
        fails: Mutex<bool>,
        takes: Mutex<Duration>,
        lifetime: Mutex<Option<Duration>>,
    }

    impl Host {
        fn new() -> Self {
            Host {
                cache: TokenCache::default(),
                asked: Arc::default(),
                fails: Mutex::new(false),
                takes: Mutex::new(Duration::from_secs(2)),
                lifetime: Mutex::new(Some(DAY)),
            }
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::Relaxed)
        }

        fn fetch(
            &self,
            renewal: Renewal,
        ) -> impl Future<Output = Result<AccessToken>> + Send + 'static {
            let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            let (fails, takes) = (*lock(&self.fails), *lock(&self.takes));
            let lifetime = *lock(&self.lifetime);
            async move {
                renewal.call.report(Progress::Attempt {
                    endpoint: EndpointClass::Token,
                    attempt: 1,
                });
                sleep(takes).await;
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

        /// A token with so much of its life left.
        async fn holding_a_token(left: Duration) -> Self {
            let host = Host::new();
            host.token().await.unwrap();
            let spent = Duration::from_secs(2);
            sleep(DAY - left - spent).await;
            host
        }
    }

    fn within(timeout: Duration) -> CallOptions {
        CallOptions::new().timeout(Some(timeout))
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_one_renewal() {
        let host = Host::new();
        for token in join_all((0..20).map(|_| host.token())).await {
            assert_eq!(token.unwrap(), "t1");
        }
        assert_eq!(host.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_by_the_callers_that_waited_for_it() {
        let host = Host::new();
        *lock(&host.fails) = true;
        let begun = Instant::now();
        for token in join_all((0..6).map(|_| host.token())).await {
            assert_eq!(token.unwrap_err().kind(), ErrorKind::Server);
        }
        assert_eq!((host.asked(), begun.elapsed().as_secs()), (1, 2));
        host.token().await.unwrap_err();
        assert_eq!(host.asked(), 2, "a later call tries anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_living_token_serves_while_it_is_renewed() {
        let host = Host::holding_a_token(Duration::from_secs(200)).await;
        let begun = Instant::now();
        for token in join_all((0..5).map(|_| host.token())).await {
            assert_eq!(token.unwrap(), "t1");
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
        assert_eq!(host.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_early_renewal_is_put_off_from_its_end_on() {
        let host = Host::holding_a_token(Duration::from_secs(200)).await;
        *lock(&host.fails) = true;
        *lock(&host.takes) = Duration::from_secs(60);
        for _ in 0..88 {
            assert_eq!(host.token().await.unwrap(), "t1");
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(host.asked(), 2, "60 s of work and 28 s of rest");
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t1");
        assert_eq!(host.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_renewal_that_panics_is_put_off_too() {
        let host = Host::holding_a_token(Duration::from_secs(200)).await;
        let call = Call::begin(&CallOptions::new());
        let panics = |_| async { panic!("a defect") };
        let got = host.cache.get(&call, &Logger::default(), panics).await;
        assert_eq!(got.unwrap().reveal(), "t1");
        sleep(Duration::from_secs(1)).await;
        host.token().await.unwrap();
        assert_eq!(host.asked(), 1);
        sleep(REST_AFTER_FAILURE).await;
        host.token().await.unwrap();
        sleep(Duration::from_secs(3)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_panics_is_an_error_and_the_next_call_tries_anew() {
        let host = Host::new();
        let call = Call::begin(&CallOptions::new());
        let panics = |_| async { panic!("a defect") };
        let got = host.cache.get(&call, &Logger::default(), panics).await;
        assert_eq!(got.unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(host.token().await.unwrap(), "t1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_token_and_a_dead_host_are_an_error() {
        let host = Host::holding_a_token(Duration::from_secs(1)).await;
        *lock(&host.fails) = true;
        sleep(Duration::from_secs(2)).await;
        assert_eq!(host.token().await.unwrap_err().kind(), ErrorKind::Server);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_comes_after_its_call_has_ended_is_kept() {
        let host = Host::new();
        *lock(&host.takes) = Duration::from_secs(8);
        let begun = Instant::now();
        let mut ended = 0;
        let token = loop {
            match host.token_for(&within(Duration::from_millis(50))).await {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Deadline),
                Ok(token) => break token,
            }
            ended += 1;
        };
        assert_eq!((token.as_str(), host.asked()), ("t1", 1));
        assert!(ended > 100, "{ended}");
        assert_eq!(begun.elapsed().as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_leaves_the_renewal_to_the_others() {
        let host = Host::new();
        let cancel = Cancel::new();
        let options = CallOptions::new().cancel(cancel.clone());
        let (cancelled, token, ()) = tokio::join!(host.token_for(&options), host.token(), async {
            sleep(Duration::from_secs(1)).await;
            cancel.trigger();
        });
        assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!((token.unwrap().as_str(), host.asked()), ("t1", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_without_a_lifetime_serves_until_it_is_refused() {
        let host = Host::new();
        *lock(&host.lifetime) = None;
        host.token().await.unwrap();
        sleep(DAY * 3650).await;
        assert_eq!(host.token().await.unwrap(), "t1");
        let refused = host.cache.living().unwrap();
        host.cache.discard(&refused);
        assert_eq!(host.token().await.unwrap(), "t2");
        host.cache.discard(&refused);
        assert_eq!(host.token().await.unwrap(), "t2", "a newer one stays");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lifetime_beyond_all_clocks_or_already_over_is_no_trouble() {
        let host = Host::new();
        *lock(&host.lifetime) = Some(Duration::MAX);
        assert_eq!(host.token().await.unwrap(), "t1");
        let host = Host::new();
        *lock(&host.lifetime) = Some(Duration::from_millis(1));
        assert_eq!(host.token().await.unwrap(), "t1");
        assert!(host.cache.living().is_some(), "the service is the judge");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(host.token().await.unwrap(), "t2");
    }

    /// What a call is told: its attempts, or that it waits for another's.
    fn listening(told: &Arc<Mutex<Vec<Progress>>>) -> CallOptions {
        let told = told.clone();
        CallOptions::new().progress(move |progress| lock(&told).push(progress))
    }

    #[tokio::test(start_paused = true)]
    async fn the_call_that_starts_it_tells_of_its_attempts_and_the_others_of_their_wait() {
        let host = Host::new();
        let (first, second) = (Arc::default(), Arc::default());
        let (options, others) = (listening(&first), listening(&second));
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
    async fn a_call_without_time_for_the_next_attempt_ends_at_once() {
        let host = Host::new();
        let postponed = |renewal: Renewal| async move {
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
                .until_cancelled_or_due(host.cache.get(&call, &logger, postponed))
                .await;
            let error = got.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
        let patient = Call::begin(&within(Duration::from_secs(70)));
        let token = host.cache.get(&patient, &logger, postponed).await;
        assert_eq!(token.unwrap().reveal(), "late");
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_of_a_self_check_is_not_the_calls() {
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
    async fn a_renewal_ends_with_the_cache() {
        struct Gone(Arc<AtomicU32>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let host = Host::new();
        let gone = Arc::new(AtomicU32::new(0));
        let never = |_| {
            let held = Gone(gone.clone());
            async move {
                let _held = held;
                std::future::pending().await
            }
        };
        let call = Call::begin(&within(Duration::from_secs(1)));
        let logger = Logger::default();
        let got = call.until_cancelled_or_due(host.cache.get(&call, &logger, never));
        got.await.unwrap_err();
        assert_eq!(gone.load(Ordering::Relaxed), 0);
        drop(host);
        tokio::task::yield_now().await;
        assert_eq!(gone.load(Ordering::Relaxed), 1);
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
    fn a_runtime_that_is_gone_or_not_driven_holds_up_no_other() {
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
    fn a_renewal_on_another_runtime_is_waited_for() {
        let host = Arc::new(Host::new());
        *lock(&host.takes) = Duration::from_millis(300);
        let of_another = host.clone();
        let other = std::thread::spawn(move || runtime(false).block_on(of_another.token()));
        while host.asked() == 0 {
            std::thread::yield_now();
        }
        let token = runtime(false).block_on(host.token());
        assert_eq!(token.unwrap(), "t1");
        assert_eq!(other.join().unwrap().unwrap(), "t1");
        assert_eq!(host.asked(), 1);
    }
}
