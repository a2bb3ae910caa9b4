//! The rules that say which requests go wrong, how, and how often.

use crate::reply::Reply;
use crate::route::Endpoint;
use crate::scripted::{self, EchoShape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `None` means every endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The numbers of the matching requests to strike, counted from 1. Without `nth`, `every` and `probability` the rule
    /// strikes each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    #[serde(default)]
    pub seed: u64,
    /// How often the rule strikes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Matching>,
    pub fault: Fault,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_longer_than: Option<usize>,
}

/// The stage of an exchange at which a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The head has arrived, since it names the endpoint; the body is not read.
    BeforeRead,
    BeforeWork,
    AfterWork,
    InHeaders,
    InBody,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Another answer, instead of the work or, with `after_work`, after it.
    Status {
        code: u16,
        #[serde(default)]
        body: BodyShape,
        /// A text that is sent as it is, a number of seconds, or `{"date_in": seconds}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Value>,
        #[serde(default)]
        after_work: bool,
    },
    Reset {
        at: Stage,
    },
    Stall {
        at: Stage,
        /// The length of the stall; without it the stall lasts for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
    },
    /// The body ends after `after` bytes; with `keep_length` the header states the full length.
    Truncate {
        after: usize,
        #[serde(default)]
        keep_length: bool,
    },
    /// Status 200 with a body that is not an answer of the service.
    Garbage {
        kind: Garbage,
    },
    /// The body never ends.
    Endless {},
    /// JSON arrays, nested `levels` deep.
    Deep {
        levels: usize,
    },
    /// `Content-Length` is too large by `by`, or too small if `by` is negative.
    WrongLength {
        by: i64,
    },
    Gzip {},
    Redirect {
        to: String,
        #[serde(default = "found")]
        code: u16,
    },
    /// Fields of a JSON answer are set or removed, by JSON pointer; `null` is a value like any other.
    Rewrite {
        #[serde(default)]
        set: Map<String, Value>,
        #[serde(default)]
        remove: Vec<String>,
        /// Headers to set, or to remove if the value is `null`.
        #[serde(default)]
        headers: Map<String, Value>,
    },
    /// A listing serves this page, whichever page is requested.
    ServePage {
        page: usize,
    },
    Slow {
        ms: u64,
    },
    /// An answer that the test writes, instead of the work or, with `after_work`, after it.
    Answer {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        /// A text is sent as it is, any other value as JSON; without it the body is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        #[serde(default)]
        after_work: bool,
    },
    /// An answer that contains the request, instead of the work.
    Echo {
        status: u16,
        #[serde(rename = "as")]
        shape: EchoShape,
    },
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

/// The shapes that the service, its gateway and its token host give to errors.
/// The fault for this request, if any. The body is `None` while it is not read: then only faults that strike
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyShape {
    #[default]
    Gateway,
    Result,
    ErrorMessageCode,
    ErrorMessage,
    Ims,
    Html,
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    Bytes,
    OtherJson,
    Html,
}

#[derive(Debug)]
struct Active {
    rule: Rule,
    seen: u64,
    hits: u64,
    random: fastrand::Rng,
}

#[derive(Debug, Default)]
pub struct Faults(Vec<Active>);

impl Faults {
    pub fn add(&mut self, rule: Rule) {
        let random = fastrand::Rng::with_seed(rule.seed);
        self.0.push(Active {
            rule,
            seen: 0,
            hits: 0,
            random,
        });
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn describe(&self) -> Value {
        let lines = self.0.iter();
        lines
            .map(|active| json!({"rule": active.rule, "seen": active.seen, "hits": active.hits}))
            .collect()
    }

    /// The fault that strikes this request, if any. `body` is `None` before the body is read; then only the faults that
    /// strike before it are considered.
    pub fn pick(&mut self, endpoint: Endpoint, path: &str, body: Option<&[u8]>) -> Option<Fault> {
        let candidates = self
            .0
            .iter_mut()
            .filter(|a| a.rule.fault.is_early() == body.is_none());
        for active in candidates.filter(|a| a.rule.is_about(endpoint, path, body)) {
            active.seen += 1;
            if active.strikes() {
                active.hits += 1;
                return Some(active.rule.fault.clone());
            }
        }
        None
    }
}

impl Rule {
    /// Refuses a rule whose answer could not be sent.
    pub fn check(&self) -> Result<(), String> {
        let (status, headers) = match &self.fault {
            Fault::Answer {
                status, headers, ..
            } => (*status, Some(headers)),
            Fault::Rewrite { headers, .. } => (200, Some(headers)),
            Fault::Echo { status, .. } => (*status, None),
            _ => return Ok(()),
        };
        if !(200..=999).contains(&status) {
            return Err(format!("{status} cannot be the status of an answer"));
        }
        headers.map_or(Ok(()), scripted::check_headers)
    }

    fn is_about(&self, endpoint: Endpoint, path: &str, body: Option<&[u8]>) -> bool {
        let matching = self.matching.clone().unwrap_or_default();
        let body_has =
            |text: &str| body.is_some_and(|body| String::from_utf8_lossy(body).contains(text));
        self.endpoint.is_none_or(|own| own == endpoint)
            && matching
                .path_contains
                .is_none_or(|text| path.contains(&text))
            && matching.body_contains.is_none_or(|text| body_has(&text))
            && matching
                .body_longer_than
                .is_none_or(|bytes| body.is_some_and(|body| body.len() > bytes))
    }
}

impl Active {
    fn strikes(&mut self) -> bool {
        let rule = &self.rule;
        if rule.times.is_some_and(|times| self.hits >= times) {
            return false;
        }
        let is_drawn = rule.probability.is_none_or(|p| self.random.f64() < p);
        is_drawn
            && rule.nth.as_ref().is_none_or(|nth| nth.contains(&self.seen))
            && rule
                .every
                .is_none_or(|every| self.seen.is_multiple_of(every.max(1)))
    }
}

impl Fault {
    fn is_early(&self) -> bool {
        matches!(
            self,
            Fault::Reset {
                at: Stage::BeforeRead
            } | Fault::Stall {
                at: Stage::BeforeRead,
                ..
            }
        )
    }

    /// The name of the fault in the list of requests.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => object.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// An error answer in the given shape.
pub fn error_reply(
    code: u16,
    shape: BodyShape,
    retry_after: Option<&Value>,
    date_offset: i64,
) -> Reply {
    let message = "a fault rule of the sandbox asks for this answer";
    let reply = match shape {
        BodyShape::Gateway => Reply::json(
            code,
            json!({"error_code": format!("{code}000"), "message": message}),
        ),
        BodyShape::Result => Reply::json(
            code,
            json!({"result": format!("error.sandbox.{code}"), "message": message}),
        ),
        BodyShape::ErrorMessageCode => Reply::json(
            code,
            json!({"errorMessage": message, "errorCode": format!("error.sandbox.{code}")}),
        ),
        BodyShape::ErrorMessage => Reply::json(code, json!({"errorMessage": message})),
        BodyShape::Ims => Reply::json(
            code,
            json!({"error": "sandbox_fault", "error_description": message}),
        ),
        BodyShape::Html => Reply::text(
            code,
            "text/html",
            format!("<html><h1>{code}</h1>{message}</html>"),
        ),
        BodyShape::Empty => Reply::empty(code),
    };
    match retry_after.and_then(|value| retry_after_text(value, date_offset)) {
        Some(text) => reply.with("retry-after", text),
        None => reply,
    }
}

fn retry_after_text(value: &Value, date_offset: i64) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(seconds) => Some(seconds.to_string()),
        Value::Object(date) => {
            let seconds = date.get("date_in")?.as_i64()?;
            Some(http_date(seconds + date_offset))
        }
        _ => None,
    }
}

/// The date `offset_seconds` from now, in the format of HTTP.
pub fn http_date(offset_seconds: i64) -> String {
    let now = SystemTime::now();
    let offset = Duration::from_secs(offset_seconds.unsigned_abs());
    httpdate::fmt_http_date(if offset_seconds < 0 {
        now - offset
    } else {
        now + offset
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rule: Value) -> Faults {
        let mut faults = Faults::default();
        faults.add(serde_json::from_value(rule).unwrap());
        faults
    }

    fn strikes(faults: &mut Faults, endpoint: Endpoint) -> bool {
        faults.pick(endpoint, "/x", Some(b"{}")).is_some()
    }

    #[test]
    fn a_rule_strikes_the_requests_it_names() {
        let mut faults = faults(
            json!({"endpoint": "action", "nth": [2, 3], "times": 1, "fault": {"slow": {"ms": 1}}}),
        );
        let hits = [Endpoint::Action; 4].map(|endpoint| strikes(&mut faults, endpoint));
        assert_eq!(hits, [false, true, false, false]);
        assert!(!strikes(&mut faults, Endpoint::Users));
        assert_eq!(faults.describe()[0]["hits"], 1);
    }

    #[test]
    fn a_probability_with_a_seed_is_reproducible() {
        let rule = json!({"probability": 0.5, "seed": 7, "fault": {"gzip": {}}});
        let run = || {
            let mut faults = faults(rule.clone());
            (0..64)
                .map(|_| strikes(&mut faults, Endpoint::Users))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().contains(&true) && run().contains(&false));
    }

    #[test]
    fn faults_before_reading_are_picked_before_reading() {
        let mut faults = faults(json!({"fault": {"reset": {"at": "before_read"}}}));
        assert!(faults.pick(Endpoint::Users, "/x", Some(b"")).is_none());
        assert!(faults.pick(Endpoint::Users, "/x", None).is_some());
    }
}
