//! One token for all calls of a client: renewed before it ends, by one caller, while the rest go on or wait.

use crate::error::{Error, Result};
use crate::http::call::{Call, Progress, WaitReason};
use crate::http::endpoint::EndpointClass;
use crate::lock::lock;
use crate::log::{LogLevel, Logger};
use crate::model::token::AccessToken;
use crate::secret::Secret;
use once_cell::sync::OnceCell;
use reqwest::header::HeaderValue;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// A token is renewed this long before its end, or at nine tenths of a shorter life.
const MARGIN: Duration = Duration::from_secs(300);

/// How long a failed early renewal is let rest while the old token still serves.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    current: Mutex<Option<Arc<Token>>>,
    renewal: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
pub(crate) struct Token {
    secret: Secret,
    bearer: OnceCell<HeaderValue>,
    renew_at: Mutex<Instant>,
    ends_at: Instant,
}

impl Token {
    fn new(token: AccessToken, asked_at: Instant) -> Self {
        let margin = MARGIN.min(token.lifetime / 10);
        Token {
            secret: token.secret,
            bearer: OnceCell::new(),
            renew_at: Mutex::new(asked_at + (token.lifetime - margin)),
            ends_at: asked_at + token.lifetime,
        }
    }

    /// The header that shows it; copies share the one secret.
    pub(crate) fn bearer(&self) -> Result<HeaderValue> {
        let make = || {
            let bearer = Secret::new(format!("Bearer {}", self.secret.reveal()));
            bearer.header().ok_or_else(|| {
                Error::protocol("the token endpoint gave a token that no header can carry")
            })
        };
        self.bearer.get_or_try_init(make).cloned()
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < *lock(&self.renew_at)
    }

    fn is_alive(&self) -> bool {
        Instant::now() < self.ends_at
    }
}

impl TokenCache {
    /// The token to use now; `fetch` gets a new one.
    pub(crate) async fn get<F>(
        &self,
        call: &Call,
        logger: &Logger,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<Token>>
    where
        F: Future<Output = Result<AccessToken>>,
    {
        let old = self.current();
        if let Some(token) = old.as_ref().filter(|token| token.is_fresh()) {
            return Ok(token.clone());
        }
        let _turn = match (self.renewal.try_lock(), old) {
            (Ok(turn), _) => turn,
            // Someone else renews; a token that still lives is good enough meanwhile.
            (Err(_), Some(token)) if token.is_alive() => return Ok(token),
            (Err(_), _) => {
                call.report(Progress::Wait {
                    endpoint: EndpointClass::Token,
                    reason: WaitReason::Token,
                    duration: None,
                });
                self.renewal.lock().await
            }
        };
        match self.current() {
            Some(token) if token.is_fresh() => Ok(token),
            still_there => self.renew(still_there, logger, fetch).await,
        }
    }

    async fn renew<F>(
        &self,
        old: Option<Arc<Token>>,
        logger: &Logger,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<Token>>
    where
        F: Future<Output = Result<AccessToken>>,
    {
        let asked_at = Instant::now();
        match (fetch().await, old) {
            (Ok(token), _) => {
                logger.line(LogLevel::Info, || {
                    format!("new access token, good for {} s", token.lifetime.as_secs())
                });
                let token = Arc::new(Token::new(token, asked_at));
                *lock(&self.current) = Some(token.clone());
                Ok(token)
            }
            (Err(error), Some(old)) if old.is_alive() => {
                logger.line(LogLevel::Warn, || {
                    format!("the token could not be renewed early and serves on: {error}")
                });
                *lock(&old.renew_at) = Instant::now() + REST_AFTER_FAILURE;
                Ok(old)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The token to use from now on.
    pub(crate) fn put(&self, token: AccessToken, asked_at: Instant) {
        let token = Token::new(token, asked_at);
        *lock(&self.current) = Some(Arc::new(token));
    }

    /// The service refused this token: the next call gets another, unless one is there already.
    pub(crate) fn discard(&self, refused: &Arc<Token>) {
        let mut current = lock(&self.current);
        if current
            .as_ref()
            .is_some_and(|now| Arc::ptr_eq(now, refused))
        {
            *current = None;
        }
    }

    fn current(&self) -> Option<Arc<Token>> {
        lock(&self.current).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::http::call::CallOptions;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Issuer {
        issued: AtomicU32,
        fails: bool,
        cache: TokenCache,
    }

    impl Issuer {
        async fn token(&self, fails: bool) -> Result<String> {
            let call = Call::begin(&CallOptions::new());
            let fetch = || async {
                tokio::time::sleep(Duration::from_secs(2)).await;
                if fails || self.fails {
                    return Err(Error::new(ErrorKind::Server, "down"));
                }
                let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(AccessToken {
                    secret: Secret::new(format!("t{number}")),
                    lifetime: Duration::from_secs(86_399),
                })
            };
            let token = self.cache.get(&call, &Logger::default(), fetch).await?;
            Ok(token.secret.reveal().to_owned())
        }
    }

    fn issuer() -> Issuer {
        Issuer {
            issued: AtomicU32::new(0),
            fails: false,
            cache: TokenCache::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_one_renewal() {
        let issuer = issuer();
        let callers = (0..20).map(|_| issuer.token(false));
        for token in futures_util::future::join_all(callers).await {
            assert_eq!(token.unwrap(), "t1");
        }
        assert_eq!(issuer.issued.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn renewed_early_and_not_lost_when_that_fails() {
        let issuer = issuer();
        issuer.token(false).await.unwrap();
        tokio::time::sleep(Duration::from_secs(86_399 - 200)).await;
        assert_eq!(issuer.token(true).await.unwrap(), "t1", "still valid");
        assert_eq!(
            issuer.token(true).await.unwrap(),
            "t1",
            "and not asked for at once again"
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(issuer.token(false).await.unwrap(), "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_token_and_a_dead_issuer_are_an_error() {
        let issuer = issuer();
        issuer.token(false).await.unwrap();
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(
            issuer.token(true).await.unwrap_err().kind(),
            ErrorKind::Server
        );
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_renews_early_the_rest_go_on() {
        let issuer = issuer();
        issuer.token(false).await.unwrap();
        tokio::time::sleep(Duration::from_secs(86_399 - 200)).await;
        let (first, second) = tokio::join!(issuer.token(false), issuer.token(false));
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            ("t2".into(), "t1".into())
        );
    }
}
