//! Rules of what goes wrong, where and how often.

use crate::reply::Reply;
use crate::route::Endpoint;
use crate::scripted::{self, EchoShape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `None` is any endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Which of the matching requests, counted from 1. Nothing here, in `every` and in `probability` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    #[serde(default)]
    pub seed: u64,
    /// At most so often.
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
}

/// Where in an exchange it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The head has arrived, for it tells the endpoint; the body is not read.
    BeforeRead,
    BeforeWork,
    AfterWork,
    InHeaders,
    InBody,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Another answer, in place of the work or, with `after_work`, after it.
    Status {
        code: u16,
        #[serde(default)]
        body: BodyShape,
        /// A text as it is to be sent, a number of seconds, or `{"date_in": seconds}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Value>,
        #[serde(default)]
        after_work: bool,
    },
    Reset {
        at: Place,
    },
    Stall {
        at: Place,
        /// For ever, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
    },
    /// The body ends after so many bytes; with `keep_length` the header tells the full length.
    Truncate {
        after: usize,
        #[serde(default)]
        keep_length: bool,
    },
    /// 200 with something else.
    Garbage {
        kind: Garbage,
    },
    /// The body goes on for ever.
    Endless {},
    /// JSON nested so deep.
    Deep {
        levels: usize,
    },
    /// `Content-Length` is so much too large or too small.
    WrongLength {
        by: i64,
    },
    Gzip {},
    Redirect {
        to: String,
        #[serde(default = "found")]
        code: u16,
    },
    /// Fields of a JSON answer set, by JSON pointer; `null` is a value. `remove` takes fields away.
    Rewrite {
        #[serde(default)]
        set: Map<String, Value>,
        #[serde(default)]
        remove: Vec<String>,
        /// Headers set, or removed with `null`.
        #[serde(default)]
        headers: Map<String, Value>,
    },
    /// A listing's page is this one, whatever page is asked for.
    ServePage {
        page: usize,
    },
    Slow {
        ms: u64,
    },
    /// The answer that the test writes, in place of the work or, with `after_work`, after it.
    Answer {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        /// A text is sent as it is, anything else as JSON; without it the body is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        #[serde(default)]
        after_work: bool,
    },
    /// The request inside the answer, in place of the work.
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

/// The forms that errors have in the field.
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

    /// The fault for this request, if any. The body is `None` while it is not read: then only faults that strike
    /// before that are considered.
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
    /// Refuses what could not be sent.
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
            return Err(format!("{status} is no status of an answer"));
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
    }
}

impl Active {
    fn strikes(&mut self) -> bool {
        let rule = &self.rule;
        if rule.times.is_some_and(|times| self.hits >= times) {
            return false;
        }
        let by_chance = rule.probability.is_none_or(|p| self.random.f64() < p);
        by_chance
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
                at: Place::BeforeRead
            } | Fault::Stall {
                at: Place::BeforeRead,
                ..
            }
        )
    }

    /// The name that the list of requests shows.
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
    let words = "the sandbox was told to answer so";
    let reply = match shape {
        BodyShape::Gateway => Reply::json(
            code,
            json!({"error_code": format!("{code}000"), "message": words}),
        ),
        BodyShape::Result => Reply::json(
            code,
            json!({"result": format!("error.sandbox.{code}"), "message": words}),
        ),
        BodyShape::ErrorMessageCode => Reply::json(
            code,
            json!({"errorMessage": words, "errorCode": format!("error.sandbox.{code}")}),
        ),
        BodyShape::ErrorMessage => Reply::json(code, json!({"errorMessage": words})),
        BodyShape::Ims => Reply::json(
            code,
            json!({"error": "sandbox_fault", "error_description": words}),
        ),
        BodyShape::Html => Reply::text(
            code,
            "text/html",
            format!("<html><h1>{code}</h1>{words}</html>"),
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

/// The date so many seconds from now, as HTTP writes it.
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
    fn a_rule_strikes_where_and_as_often_as_it_says() {
        let mut faults = faults(
            json!({"endpoint": "action", "nth": [2, 3], "times": 1, "fault": {"slow": {"ms": 1}}}),
        );
        let hits = [Endpoint::Action; 4].map(|endpoint| strikes(&mut faults, endpoint));
        assert_eq!(hits, [false, true, false, false]);
        assert!(!strikes(&mut faults, Endpoint::Users));
        assert_eq!(faults.describe()[0]["hits"], 1);
    }

    #[test]
    fn chance_is_reproducible() {
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
