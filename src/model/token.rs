//! The answer of the token endpoints.

use crate::error::{Error, Result};
use crate::secret::Secret;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// An access token and how long the issuer says it lives; `None`: it serves until it is refused.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub secret: Secret,
    pub lifetime: Option<Duration>,
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
}

#[derive(Deserialize)]
struct LifetimeAnswer {
    expires_in: Value,
}

/// No token lives longer than a month: a larger figure in seconds was meant as milliseconds.
const LONGEST_SECONDS: f64 = 31.0 * 86_400.0;

/// RFC 6749 only recommends `expires_in`, and some token hosts write it as text. One that tells no lifetime is as good as
/// none, and costs a token no more than that.
pub(crate) fn parse(body: &[u8], unit: LifetimeUnit) -> Result<AccessToken> {
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|e| {
        Error::protocol(format!(
            "the answer of the token endpoint holds no token ({:?} at line {} column {})",
            e.classify(),
            e.line(),
            e.column()
        ))
    })?;
    let secret = Secret::new(answer.access_token);
    if secret.reveal().is_empty() {
        return Err(Error::protocol(
            "the answer of the token endpoint holds an empty token",
        ));
    }
    // Read on its own, since a figure beyond all numbers spoils the text around it.
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
        LifetimeUnit::Seconds if figure <= LONGEST_SECONDS => figure,
        _ => figure / 1000.0,
    };
    Some(Duration::from_secs_f64(seconds.min(LONGEST_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(json: &str, unit: LifetimeUnit) -> Option<Duration> {
        parse(json.as_bytes(), unit).unwrap().lifetime
    }

    #[test]
    fn the_unit_is_the_endpoints_own() {
        let day = Some(Duration::from_secs(86_399));
        let seconds = r#"{"access_token":"t","token_type":"bearer","expires_in":86399}"#;
        let milliseconds = r#"{"access_token":"t","expires_in":86399000}"#;
        assert_eq!(lifetime(seconds, LifetimeUnit::Seconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Milliseconds), day);
        assert_eq!(lifetime(milliseconds, LifetimeUnit::Seconds), day);
    }

    #[test]
    fn the_lifetime_in_every_form() {
        let of = |expires_in: &str, unit| {
            let json = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            lifetime(&json, unit)
        };
        let month = Some(Duration::from_secs_f64(LONGEST_SECONDS));
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
                of(expires_in, LifetimeUnit::Seconds),
                seconds,
                "{expires_in}"
            );
            assert_eq!(
                of(expires_in, LifetimeUnit::Milliseconds),
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
            assert_eq!(of(none, LifetimeUnit::Seconds), None, "{none}");
            assert_eq!(of(none, LifetimeUnit::Milliseconds), None, "{none}");
        }
        assert_eq!(
            lifetime(r#"{"access_token":"t"}"#, LifetimeUnit::Seconds),
            None
        );
    }

    #[test]
    fn a_broken_answer_never_shows_what_it_held() {
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
