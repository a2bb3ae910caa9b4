//! The answer of a token endpoint.

use crate::error::{Error, Result};
use crate::secret::Secret;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// An access token, and its lifetime as the issuer states it. `None`: the token is used until the service refuses it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub secret: Secret,
    pub lifetime: Option<Duration>,
}

/// The unit of `expires_in`: `/ims/token/v2` counts seconds, `/ims/exchange/jwt/` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifetimeUnit {
    Seconds,
    Milliseconds,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

#[derive(Deserialize)]
struct LifetimeAnswer {
    expires_in: Value,
}

/// No token lives longer than a month; a greater figure in seconds is taken as milliseconds.
const MAX_LIFETIME_SECONDS: f64 = 31.0 * 86_400.0;

/// Parses the answer to a token request. RFC 6749 only recommends `expires_in`, and some token hosts write it as text;
/// an `expires_in` that is not a positive number counts as absent, and the token is used all the same.
///
/// Error messages quote nothing of the body, since it may contain the token.
pub(crate) fn parse(body: &[u8], unit: LifetimeUnit) -> Result<AccessToken> {
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|e| {
        Error::protocol(format!(
            "the answer of the token endpoint contains no token ({:?} at line {} column {})",
            e.classify(),
            e.line(),
            e.column()
        ))
    })?;
    let secret = Secret::new(answer.access_token);
    if secret.reveal().is_empty() {
        return Err(Error::protocol(
            "the answer of the token endpoint contains an empty token",
        ));
    }
    // Parsed separately, since a number out of range makes serde_json fail for the whole body.
    let expires_in = serde_json::from_slice::<LifetimeAnswer>(body);
    Ok(AccessToken {
        secret,
        lifetime: expires_in
            .ok()
            .and_then(|answer| lifetime(&answer.expires_in, unit)),
    })
}

fn lifetime(expires_in: &Value, unit: LifetimeUnit) -> Option<Duration> {
    let figure = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    if !figure.is_finite() || figure <= 0.0 {
        return None;
    }
    let seconds = match unit {
        LifetimeUnit::Seconds if figure <= MAX_LIFETIME_SECONDS => figure,
        _ => figure / 1000.0,
    };
    Some(Duration::from_secs_f64(seconds.min(MAX_LIFETIME_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(json: &str, unit: LifetimeUnit) -> Option<Duration> {
        parse(json.as_bytes(), unit).unwrap().lifetime
    }

    #[test]
    fn the_unit_depends_on_the_endpoint() {
        let day = Some(Duration::from_secs(86_399));
        let seconds = r#"{"access_token":"t","token_type":"bearer","expires_in":86399}"#;
        let milliseconds = r#"{"access_token":"t","expires_in":86399000}"#;
        assert_eq!(lifetime(seconds, LifetimeUnit::Seconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Milliseconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Seconds), day);
    }

    #[test]
    fn the_lifetime_is_read_in_every_format() {
        let lifetime_of = |expires_in: &str, unit| {
            let json = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            lifetime(&json, unit)
        };
        let month = Some(Duration::from_secs_f64(MAX_LIFETIME_SECONDS));
        for (expires_in, seconds, milliseconds) in [
            (
                "1500",
                Some(Duration::from_secs(1500)),
                Some(Duration::from_millis(1500)),
            ),
            (
                "\"1500\"",
                Some(Duration::from_secs(1500)),
                Some(Duration::from_millis(1500)),
            ),
            (
                "\" 1500.0 \"",
                Some(Duration::from_secs(1500)),
                Some(Duration::from_millis(1500)),
            ),
            (
                "1.5e3",
                Some(Duration::from_secs(1500)),
                Some(Duration::from_millis(1500)),
            ),
            ("1e300", month, month),
            ("18446744073709551616", month, month),
        ] {
            assert_eq!(
                lifetime_of(expires_in, LifetimeUnit::Seconds),
                seconds,
                "{expires_in}"
            );
            assert_eq!(
                lifetime_of(expires_in, LifetimeUnit::Milliseconds),
                milliseconds,
                "{expires_in}"
            );
        }
        for none in [
            "null",
            "0",
            "-1",
            "-0.0",
            "\"\"",
            "\"soon\"",
            "\"NaN\"",
            "\"inf\"",
            "\"-5\"",
            "true",
            "[]",
            "{\"s\":1}",
            "1e999",
        ] {
            assert_eq!(lifetime_of(none, LifetimeUnit::Seconds), None, "{none}");
            assert_eq!(
                lifetime_of(none, LifetimeUnit::Milliseconds),
                None,
                "{none}"
            );
        }
        assert_eq!(
            lifetime(r#"{"access_token":"t"}"#, LifetimeUnit::Seconds),
            None
        );
    }

    #[test]
    fn errors_quote_nothing_of_the_answer() {
        for broken in [
            r#"{"access_token":"eyJsecret","expires_in":"x""#,
            r#"{"access_token":["eyJsecret"],"expires_in":1}"#,
            r#"{"access_token":"","refresh_token":"eyJsecret"}"#,
            r#"{"token":"eyJsecret"}"#,
        ] {
            let error = parse(broken.as_bytes(), LifetimeUnit::Seconds).unwrap_err();
            assert!(!error.message().contains("eyJsecret"), "{error}");
        }
    }
}
