//! The service's answer to an action request.

use super::error_body::quote;
use crate::error::{Error, Result};
use crate::redaction::Secrets;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

/// The body of the answer. Every field is optional on the wire; `completed` counts entries of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionAnswer {
    pub result: Option<String>,
    #[serde(default, deserialize_with = "lenient_count")]
    pub completed: Option<u64>,
    #[serde(default, deserialize_with = "lenient_count")]
    pub not_completed: Option<u64>,
    #[serde(default, deserialize_with = "lenient_count")]
    pub completed_in_test_mode: Option<u64>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub errors: Vec<WireFinding>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub warnings: Vec<WireFinding>,
}

/// One error or warning, in the service's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireFinding {
    #[serde(default, deserialize_with = "lenient_count")]
    pub index: Option<u64>,
    #[serde(default, deserialize_with = "lenient_count")]
    pub step: Option<u64>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub message: Option<String>,
    #[serde(default, alias = "warningCode", deserialize_with = "lenient_text")]
    pub error_code: Option<String>,
    #[serde(default, rename = "requestID", deserialize_with = "lenient_text")]
    pub request_id: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub user: Option<String>,
}

impl ActionAnswer {
    /// Blots out what the texts of the answer repeat of the request's secrets.
    pub(crate) fn redacted(mut self, secrets: &Secrets) -> Self {
        let findings = self.errors.iter_mut().chain(&mut self.warnings);
        let texts = findings.flat_map(|finding| {
            [
                &mut finding.message,
                &mut finding.error_code,
                &mut finding.user,
            ]
        });
        for text in texts.flatten() {
            if let Cow::Owned(redacted) = secrets.redact(text) {
                *text = redacted;
            }
        }
        self
    }
}

/// Parses the body of a 2xx answer. A body that is not an action answer is an [`crate::ErrorKind::Protocol`], with its
/// `result` as the code if that is an error code.
pub(crate) fn parse(body: &[u8]) -> Result<ActionAnswer> {
    let answer: ActionAnswer = serde_json::from_slice(body).map_err(|e| {
        Error::protocol(format!(
            "the answer is not the answer to an action request: {e}"
        ))
    })?;
    match answer.result.as_deref() {
        Some("success" | "partial" | "error") => Ok(answer),
        other => Err(Error::protocol(format!(
            "the answer is not the answer to an action request: result is {:?}",
            other.map_or("missing".into(), quote)
        ))
        .with_code(
            other
                .filter(|result| result.starts_with("error."))
                .map(quote),
        )),
    }
}

/// A number, or a number written as text (as `step` is documented); anything else counts as absent.
fn lenient_count<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A text; other values than null become their JSON.
fn lenient_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

fn null_as_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<WireFinding>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_step_are_read_in_every_format() {
        let answer = parse(
            br#"{"result":"partial","completed":1,"notCompleted":2,"errors":[
            {"index":1,"step":"0","errorCode":"error.user.nonexistent","message":"m","requestID":null,"user":"u"},
            {"index":"2","step":null},{"index":-1,"step":{}}],
            "warnings":[{"index":0,"step":1,"warningCode":"w","message":"careful"}]}"#,
        )
        .unwrap();
        let places: Vec<_> = answer.errors.iter().map(|e| (e.index, e.step)).collect();
        assert_eq!(places, [(Some(1), Some(0)), (Some(2), None), (None, None)]);
        assert_eq!(answer.not_completed, Some(2));
        assert_eq!(answer.warnings[0].error_code.as_deref(), Some("w"));
    }

    #[test]
    fn bodies_that_are_not_action_answers_are_errors() {
        for bad in [
            "",
            "[]",
            "{}",
            "<p>",
            r#"{"result":"fine"}"#,
            r#"{"result":"success","errors":7}"#,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(br#"{"result":"success","errors":null}"#).is_ok());
    }
}
