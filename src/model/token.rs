//! The answer of the token endpoints.

use crate::error::{Error, Result};
use crate::secret::Secret;
use serde::Deserialize;
use std::time::Duration;

/// An access token and how long the issuer says it lives.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub secret: Secret,
    pub lifetime: Duration,
}

/// The unit of `expires_in` at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifetimeUnit {
    Seconds,
    Milliseconds,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: f64,
}

/// No token lives longer than a month: a larger figure in seconds was meant as milliseconds.
const LONGEST_SECONDS: f64 = 31.0 * 86_400.0;

pub(crate) fn parse(body: &[u8], unit: LifetimeUnit) -> Result<AccessToken> {
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|e| {
        Error::protocol(format!(
            "the answer of the token endpoint holds no token ({:?} at line {} column {})",
            e.classify(),
            e.line(),
            e.column()
        ))
    })?;
    if answer.access_token.is_empty() || !answer.expires_in.is_finite() || answer.expires_in < 0.0 {
        return Err(Error::protocol(
            "the answer of the token endpoint holds an empty token or an impossible lifetime",
        ));
    }
    let in_milliseconds = unit == LifetimeUnit::Milliseconds || answer.expires_in > LONGEST_SECONDS;
    let seconds = if in_milliseconds {
        answer.expires_in / 1000.0
    } else {
        answer.expires_in
    };
    Ok(AccessToken {
        secret: Secret::new(answer.access_token),
        lifetime: Duration::from_secs_f64(seconds.min(LONGEST_SECONDS)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(json: &str, unit: LifetimeUnit) -> Duration {
        parse(json.as_bytes(), unit).unwrap().lifetime
    }

    #[test]
    fn the_unit_is_the_endpoints_own() {
        let day = Duration::from_secs(86_399);
        let seconds = r#"{"access_token":"t","token_type":"bearer","expires_in":86399}"#;
        let milliseconds = r#"{"access_token":"t","expires_in":86399000}"#;
        assert_eq!(lifetime(seconds, LifetimeUnit::Seconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Milliseconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Seconds), day);
    }

    #[test]
    fn a_broken_answer_never_shows_what_it_held() {
        let error = parse(
            br#"{"access_token":"eyJsecret","expires_in":"x"}"#,
            LifetimeUnit::Seconds,
        )
        .unwrap_err();
        assert!(!error.message().contains("eyJsecret"), "{error}");
        assert!(
            parse(
                br#"{"access_token":"","expires_in":1}"#,
                LifetimeUnit::Seconds
            )
            .is_err()
        );
    }
}
