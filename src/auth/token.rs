//! A token in use.

use crate::error::{Error, Result};
use crate::http::headers::secret_header;
use crate::model::token::AccessToken;
use crate::redaction::Secrets;
use crate::secret::Secret;
use once_cell::sync::OnceCell;
use reqwest::header::HeaderValue;
use std::time::Duration;
use tokio::time::Instant;

/// A token is renewed this long before its end, or at nine tenths of a shorter life.
const MARGIN: Duration = Duration::from_secs(300);

/// The least that a new token serves. One whose time was up when it arrived would otherwise be renewed for ever; the
/// service is the judge.
const LEAST_SERVICE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Token {
    secret: Secret,
    secrets: Secrets,
    bearer: OnceCell<HeaderValue>,
    /// `None`: it serves until it is refused.
    life: Option<Life>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// Its life counts from the time when it was asked for.
    pub(super) fn new(token: AccessToken, asked_at: Instant) -> Self {
        let life = token.lifetime.and_then(|lifetime| {
            let margin = MARGIN.min(lifetime / 10);
            Some(Life {
                renew_at: asked_at.checked_add(lifetime - margin)?,
                ends_at: asked_at
                    .checked_add(lifetime)?
                    .max(Instant::now() + LEAST_SERVICE),
            })
        });
        Token {
            secrets: Secrets::new([token.secret.clone()]),
            secret: token.secret,
            bearer: OnceCell::new(),
            life,
        }
    }

    /// The header that shows it; copies share the one secret.
    pub(crate) fn bearer(&self) -> Result<HeaderValue> {
        let make = || {
            let bearer = Secret::new(format!("Bearer {}", self.secret.reveal()));
            secret_header(bearer).ok_or_else(|| {
                Error::protocol("the token endpoint gave a token that no header can carry")
            })
        };
        self.bearer.get_or_try_init(make).cloned()
    }

    /// What is to be removed from the answers to requests that show it.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(super) fn is_due_for_renewal(&self) -> bool {
        self.life
            .is_some_and(|life| life.renew_at <= Instant::now())
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life.is_none_or(|life| Instant::now() < life.ends_at)
    }

    /// How long it is good for, if that is known.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let life = self.life?;
        Some(life.ends_at.saturating_duration_since(Instant::now()))
    }

    #[cfg(test)]
    pub(super) fn reveal(&self) -> &str {
        self.secret.reveal()
    }
}
