//! An access token with the times of its renewal and expiry.

use crate::error::{Error, Result};
use crate::http::headers::secret_header;
use crate::model::token::AccessToken;
use crate::redaction::Secrets;
use crate::secret::Secret;
use once_cell::sync::OnceCell;
use reqwest::header::HeaderValue;
use std::time::Duration;
use tokio::time::Instant;

/// How long before its expiry a token is renewed; a token with a short lifetime is renewed after nine tenths of it.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);

/// The least time that a new token is used. A token that has expired on arrival would otherwise be renewed for ever;
/// whether it is still valid is left to the service.
const MIN_USE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Token {
    secret: Secret,
    secrets: Secrets,
    bearer: OnceCell<HeaderValue>,
    /// `None`: the token is used until the service refuses it.
    life: Option<Life>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// The lifetime counts from the time of the token request.
    pub(super) fn new(token: AccessToken, requested_at: Instant) -> Self {
        let life = token.lifetime.and_then(|lifetime| {
            let margin = RENEWAL_MARGIN.min(lifetime / 10);
            Some(Life {
                renew_at: requested_at.checked_add(lifetime - margin)?,
                ends_at: requested_at
                    .checked_add(lifetime)?
                    .max(Instant::now() + MIN_USE),
            })
        });
        Token {
            secrets: Secrets::new([token.secret.clone()]),
            secret: token.secret,
            bearer: OnceCell::new(),
            life,
        }
    }

    /// The `Authorization` header with this token; clones of the header share one secret.
    pub(crate) fn bearer(&self) -> Result<HeaderValue> {
        let make = || {
            let bearer = Secret::new(format!("Bearer {}", self.secret.reveal()));
            secret_header(bearer).ok_or_else(|| {
                Error::protocol(
                    "the token endpoint returned a token that cannot be sent in a header",
                )
            })
        };
        self.bearer.get_or_try_init(make).cloned()
    }

    /// The secrets to be removed from answers to requests with this token.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(super) fn is_due_for_renewal(&self) -> bool {
        self.life
            .is_some_and(|life| life.renew_at <= Instant::now())
    }

    /// Whether the token has not expired.
    pub(crate) fn is_alive(&self) -> bool {
        self.life.is_none_or(|life| Instant::now() < life.ends_at)
    }

    /// The remaining lifetime, if it is known.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let life = self.life?;
        Some(life.ends_at.saturating_duration_since(Instant::now()))
    }

    #[cfg(test)]
    pub(super) fn reveal(&self) -> &str {
        self.secret.reveal()
    }
}
