//! The answer to a request of actions.

use super::error_body::quote;
use crate::error::{Error, Result};
use crate::redaction::Secrets;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

/// Every field is optional on the wire; `completed` counts entries.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionAnswer {
    pub result: Option<String>,
    #[serde(default, deserialize_with = "count")]
    pub completed: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub not_completed: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub completed_in_test_mode: Option<u64>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub errors: Vec<Finding>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub warnings: Vec<Finding>,
}

/// One error or warning, as the service words it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    #[serde(default, deserialize_with = "count")]
    pub index: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub step: Option<u64>,
    #[serde(default, deserialize_with = "words")]
    pub message: Option<String>,
    #[serde(default, alias = "warningCode", deserialize_with = "words")]
    pub error_code: Option<String>,
    #[serde(default, rename = "requestID", deserialize_with = "words")]
    pub request_id: Option<String>,
    #[serde(default, deserialize_with = "words")]
    pub user: Option<String>,
}

impl ActionAnswer {
    /// Blots out in the words of the service what it repeats of the request's secrets.
    pub(crate) fn without(mut self, secrets: &Secrets) -> Self {
        let findings = self.errors.iter_mut().chain(&mut self.warnings);
        let words = findings.flat_map(|finding| {
            [
                &mut finding.message,
                &mut finding.error_code,
                &mut finding.user,
            ]
        });
        for words in words.flatten() {
            if let Cow::Owned(redacted) = secrets.redact(words) {
                *words = redacted;
            }
        }
        self
    }
}

pub(crate) fn parse(body: &[u8]) -> Result<ActionAnswer> {
    let answer: ActionAnswer = serde_json::from_slice(body)
        .map_err(|e| Error::protocol(format!("the answer is no answer to actions: {e}")))?;
    match answer.result.as_deref() {
        Some("success" | "partial" | "error") => Ok(answer),
        other => Err(Error::protocol(format!(
            "the answer is no answer to actions: result is {:?}",
            other.map_or("missing".into(), quote)
        ))
        .with_code(
            other
                .filter(|result| result.starts_with("error."))
                .map(quote),
        )),
    }
}

/// A number, or a number written as text (as `step` is documented); anything else is as good as absent.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn words<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<Finding>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_step_in_every_form() {
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
    fn what_is_no_answer_is_told() {
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
