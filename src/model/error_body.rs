//! The error in the body of an answer, in each of the shapes that the service and its neighbours are known to use.

use crate::error::Origin;
use crate::redaction::Secrets;
use serde_json::{Map, Value};

/// Code and words of an error; either may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
    pub origin: Origin,
    /// Nothing at all was said.
    pub is_empty: bool,
}

/// The longest quotation of foreign words: enough to recognise an error page by.
const LONGEST_QUOTE: usize = 300;

/// The longest body of a 2xx answer that is searched for an error. Those that are known are below 1 KB.
const LONGEST_ERROR: usize = 8192;

/// Reads the body of an answer whose status tells of an error. `secrets` are removed from the words before these are cut
/// to a length.
pub(crate) fn parse(body: &[u8], secrets: &Secrets) -> ErrorBody {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => {
            known_shape(&object, secrets).unwrap_or_else(|| foreign(&object, secrets))
        }
        _ if body.trim_ascii().is_empty() => ErrorBody {
            origin: Origin::Service,
            code: None,
            message: None,
            is_empty: true,
        },
        _ => ErrorBody {
            origin: Origin::Intermediary,
            code: None,
            message: plain_words(body, secrets),
            is_empty: false,
        },
    }
}

/// The error in the body of an answer whose status tells of success. `None` if it has no known shape of an error, or
/// also holds what was asked for.
pub(crate) fn parse_success(body: &[u8], secrets: &Secrets) -> Option<ErrorBody> {
    const HINT: &[u8] = b"\"error";
    if body.len() > LONGEST_ERROR || !body.windows(HINT.len()).any(|bytes| bytes == HINT) {
        return None;
    }
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else {
        return None;
    };
    known_shape(&object, secrets).filter(|said| {
        (said.code.is_some() || said.message.is_some()) && !holds_what_was_asked_for(&object)
    })
}

/// A known shape, which is the service's, its gateway's or the token service's.
fn known_shape(object: &Map<String, Value>, secrets: &Secrets) -> Option<ErrorBody> {
    let said = |origin, code, message| ErrorBody {
        origin,
        code,
        message: text(object, message, secrets),
        is_empty: false,
    };
    if object.contains_key("error_code") {
        let code = text(object, "error_code", secrets);
        return Some(said(Origin::Gateway, code, "message"));
    }
    if let Some(Value::String(result)) = object.get("result") {
        let code = match () {
            () if is_result_code(result) => Some(quote(&secrets.redact(result))),
            () if is_plain_result(result) => None,
            () => return None,
        };
        return Some(said(Origin::Service, code, "message"));
    }
    if object.contains_key("errorCode") || object.contains_key("errorMessage") {
        let code = text(object, "errorCode", secrets);
        return Some(said(Origin::Service, code, "errorMessage"));
    }
    let code = text(object, "error", secrets).filter(|code| is_oauth_code(code));
    if code.is_some() && !is_framework_error(object) {
        return Some(said(Origin::TokenService, code, "error_description"));
    }
    None
}

/// Whether `result` names an error of the service, or is its word for a page that is not there.
fn is_result_code(result: &str) -> bool {
    result.starts_with("error.") || result.eq_ignore_ascii_case("not found")
}

fn is_plain_result(result: &str) -> bool {
    matches!(result, "success" | "partial" | "error")
}

/// RFC 6749 has lower-case words with underscores; error pages of frameworks have the status in words.
fn is_oauth_code(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Spring and its like: `{"timestamp","status":404,"error":"Not Found","path"}`.
fn is_framework_error(object: &Map<String, Value>) -> bool {
    ["status", "path", "timestamp"]
        .iter()
        .any(|key| object.contains_key(*key))
}

/// Words of a shape that is none of the known ones.
fn foreign(object: &Map<String, Value>, secrets: &Secrets) -> ErrorBody {
    const WORDS: [&str; 6] = [
        "message",
        "detail",
        "title",
        "error_description",
        "error",
        "result",
    ];
    ErrorBody {
        origin: Origin::Intermediary,
        code: None,
        message: WORDS.iter().find_map(|key| text(object, key, secrets)),
        is_empty: false,
    }
}

/// An answer that holds an error and what was asked for contradicts itself.
fn holds_what_was_asked_for(object: &Map<String, Value>) -> bool {
    let is_there = |key: &&str| object.get(*key).is_some_and(|value| !value.is_null());
    let counts = |key: &&str| object.get(*key).and_then(Value::as_u64) > Some(0);
    ["users", "groups", "user", "access_token"]
        .iter()
        .any(is_there)
        || ["completed", "completedInTestMode"].iter().any(counts)
}

fn text(object: &Map<String, Value>, key: &str, secrets: &Secrets) -> Option<String> {
    match object.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(quote(&secrets.redact(text))),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// The words of a body that is no JSON, without its markup.
fn plain_words(body: &[u8], secrets: &Secrets) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let head = secrets.redact(&head);
    let mut words = String::new();
    let mut in_tag = false;
    for c in head.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            _ if !in_tag => words.push(c),
            _ => {}
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| quote(&secrets.redact(&words)))
}

/// Foreign words, made fit for a message. Everything that an answer says and an error repeats goes through here.
pub(crate) fn quote(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_QUOTE)
        .collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        clean + "…"
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> (Option<String>, Option<String>) {
        let ErrorBody { code, message, .. } = parse(body.as_bytes(), &Secrets::default());
        (code, message)
    }

    #[test]
    fn the_shape_tells_where_an_error_comes_from() {
        let origin = |body: &str| parse(body.as_bytes(), &Secrets::default()).origin;
        for service in [
            "",
            "  ",
            r#"{"result":"Not found"}"#,
            r#"{"result":"error.user.not_found"}"#,
            r#"{"result":"error","errors":[]}"#,
            r#"{"errorMessage":"m"}"#,
        ] {
            assert_eq!(origin(service), Origin::Service, "{service}");
        }
        assert_eq!(origin(r#"{"error_code":"404000"}"#), Origin::Gateway);
        assert_eq!(
            origin(r#"{"error":"invalid_client"}"#),
            Origin::TokenService
        );
        for foreign in [
            "<html>",
            "[]",
            "{}",
            "404 page not found",
            "\"no\"",
            r#"{"message":"no Route matched with those values"}"#,
            r#"{"timestamp":"t","status":404,"error":"Not Found","path":"/x"}"#,
            r#"{"status":404,"error":"not_found"}"#,
            r#"{"error":"Forbidden"}"#,
            r#"{"error":{"code":7}}"#,
            r#"{"result":"denied"}"#,
        ] {
            assert_eq!(origin(foreign), Origin::Intermediary, "{foreign}");
        }
    }

    #[test]
    fn every_shape_gives_code_and_words() {
        let both = |code: &str, words: &str| (Some(code.into()), Some(words.into()));
        let words = |words: &str| (None, Some(words.into()));
        assert_eq!(
            told(r#"{"error_code":"429050","message":"Too many requests"}"#),
            both("429050", "Too many requests")
        );
        assert_eq!(
            told(r#"{"result":"error.group.not_found","message":"no such group"}"#),
            both("error.group.not_found", "no such group")
        );
        assert_eq!(
            told(r#"{"errorMessage":"m","errorCode":"c"}"#),
            both("c", "m")
        );
        assert_eq!(told(r#"{"errorMessage":"m"}"#), words("m"));
        assert_eq!(
            told(r#"{"error":"invalid_client","error_description":"bad secret"}"#),
            both("invalid_client", "bad secret")
        );
        assert_eq!(
            told(r#"{"status":404,"error":"Not Found"}"#),
            words("Not Found")
        );
        assert_eq!(told(r#"{"message":"no Route"}"#), words("no Route"));
        assert_eq!(told(""), (None, None));
        assert_eq!(
            told("<html><body><h1>Bad\nGateway</h1></body></html>"),
            words("Bad Gateway")
        );
    }

    #[test]
    fn an_error_is_found_in_a_success_and_nothing_else_is_taken_for_one() {
        let code =
            |body: &str| parse_success(body.as_bytes(), &Secrets::default()).map(|said| said.code);
        for (body, expected) in [
            (
                r#"{"result":"error.organization.migrating","message":"m"}"#,
                "error.organization.migrating",
            ),
            (r#"{"error_code":"429050","message":"m"}"#, "429050"),
            (r#"{"error":"invalid_token"}"#, "invalid_token"),
            (
                r#"{"result":"error.x","completed":0,"completedInTestMode":null,"errors":[]}"#,
                "error.x",
            ),
        ] {
            assert_eq!(code(body), Some(Some(expected.into())), "{body}");
        }
        assert_eq!(code(r#"{"errorMessage":"m"}"#), Some(None));
        for good in [
            "",
            "[]",
            r#"{"result":"success","completed":1,"errors":null}"#,
            r#"{"result":"error","notCompleted":1,"errors":[{"errorCode":"error.user.nonexistent"}]}"#,
            r#"{"result":"success","errorMessage":null}"#,
            r#"{"result":"error.x","users":[]}"#,
            r#"{"result":"error.x","completed":2}"#,
            r#"{"access_token":"t","error":"none"}"#,
            r#"{"state":"LIVE","error":null}"#,
            r#"{"other":"error"}"#,
        ] {
            assert_eq!(code(good), None, "{good}");
        }
    }

    #[test]
    fn long_and_odd_bodies_are_cut() {
        let (_, message) = told(&"x".repeat(100_000));
        assert_eq!(message.unwrap().chars().count(), LONGEST_QUOTE + 1);
        assert_eq!(told("\u{0}\u{1}"), (None, Some("  ".into())));
    }
}
