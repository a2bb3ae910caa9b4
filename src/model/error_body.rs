//! The error in the body of an answer, in each shape that the service, its gateway and the token service are known to
//! use.

use crate::error::Origin;
use crate::redaction::Secrets;
use serde_json::{Map, Value};

/// The code, the message and the origin of an error; code and message may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
    pub origin: Origin,
    /// The body is empty, or white space only.
    pub is_empty: bool,
}

/// The greatest length of a quotation, in characters: enough to recognise an error page.
const MAX_QUOTED_CHARS: usize = 300;

/// The greatest length of a 2xx body that is searched for an error, in bytes. Known error bodies are below 1 KB.
const MAX_ERROR_BYTES: usize = 8192;

/// Reads the body of an answer with an error status. `secrets` are removed from the texts before these are shortened.
pub(crate) fn parse(body: &[u8], secrets: &Secrets) -> ErrorBody {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => parse_known_shape(&object, secrets)
            .unwrap_or_else(|| parse_unknown_shape(&object, secrets)),
        _ if body.trim_ascii().is_empty() => ErrorBody {
            origin: Origin::Service,
            code: None,
            message: None,
            is_empty: true,
        },
        _ => ErrorBody {
            origin: Origin::Intermediary,
            code: None,
            message: text_without_markup(body, secrets),
            is_empty: false,
        },
    }
}

/// The error in the body of an answer with a success status. `None`: the body has no known shape of an error, or also
/// contains the requested data.
pub(crate) fn parse_success(body: &[u8], secrets: &Secrets) -> Option<ErrorBody> {
    const HINT: &[u8] = b"\"error";
    if body.len() > MAX_ERROR_BYTES || !body.windows(HINT.len()).any(|bytes| bytes == HINT) {
        return None;
    }
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else {
        return None;
    };
    parse_known_shape(&object, secrets).filter(|error| {
        (error.code.is_some() || error.message.is_some()) && !contains_requested_data(&object)
    })
}

/// The error in one of the known shapes: of the service, its gateway or the token service.
fn parse_known_shape(object: &Map<String, Value>, secrets: &Secrets) -> Option<ErrorBody> {
    let error = |origin, code, message| ErrorBody {
        origin,
        code,
        message: text(object, message, secrets),
        is_empty: false,
    };
    if object.contains_key("error_code") {
        let code = text(object, "error_code", secrets);
        return Some(error(Origin::Gateway, code, "message"));
    }
    if let Some(Value::String(result)) = object.get("result") {
        let code = match () {
            () if is_result_code(result) => Some(quote(&secrets.redact(result))),
            () if is_plain_result(result) => None,
            () => return None,
        };
        return Some(error(Origin::Service, code, "message"));
    }
    if object.contains_key("errorCode") || object.contains_key("errorMessage") {
        let code = text(object, "errorCode", secrets);
        return Some(error(Origin::Service, code, "errorMessage"));
    }
    let code = text(object, "error", secrets).filter(|code| is_oauth_code(code));
    if code.is_some() && !is_framework_error(object) {
        return Some(error(Origin::TokenService, code, "error_description"));
    }
    None
}

/// Whether `result` is an error code of the service, or its text for a page that does not exist.
fn is_result_code(result: &str) -> bool {
    result.starts_with("error.") || result.eq_ignore_ascii_case("not found")
}

fn is_plain_result(result: &str) -> bool {
    matches!(result, "success" | "partial" | "error")
}

/// Whether it is a code of RFC 6749, which are lower-case words with underscores. Error pages of web frameworks have
/// the reason phrase of the status there instead.
fn is_oauth_code(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Whether it is the error object of a web framework such as Spring: `{"timestamp","status":404,"error":"Not
/// Found","path"}`.
fn is_framework_error(object: &Map<String, Value>) -> bool {
    ["status", "path", "timestamp"]
        .iter()
        .any(|key| object.contains_key(*key))
}

/// The error in an unknown shape, which an intermediary has sent. Its message is the first text under a usual key.
fn parse_unknown_shape(object: &Map<String, Value>, secrets: &Secrets) -> ErrorBody {
    const MESSAGE_KEYS: [&str; 6] = [
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
        message: MESSAGE_KEYS
            .iter()
            .find_map(|key| text(object, key, secrets)),
        is_empty: false,
    }
}

/// Whether the body has requested data too. An answer with both an error and data contradicts itself.
fn contains_requested_data(object: &Map<String, Value>) -> bool {
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

/// The text of a body that is not JSON, without its markup.
fn text_without_markup(body: &[u8], secrets: &Secrets) -> Option<String> {
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

/// Makes text of an answer fit for an error message: without control characters, and shortened. Every text that an
/// error quotes from an answer passes through here.
pub(crate) fn quote(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_QUOTED_CHARS)
        .collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        clean + "…"
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_and_message(body: &str) -> (Option<String>, Option<String>) {
        let ErrorBody { code, message, .. } = parse(body.as_bytes(), &Secrets::default());
        (code, message)
    }

    #[test]
    fn the_shape_determines_the_origin() {
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
        for unknown in [
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
            assert_eq!(origin(unknown), Origin::Intermediary, "{unknown}");
        }
    }

    #[test]
    fn code_and_message_are_read_from_every_shape() {
        let both = |code: &str, words: &str| (Some(code.into()), Some(words.into()));
        let words = |words: &str| (None, Some(words.into()));
        assert_eq!(
            code_and_message(r#"{"error_code":"429050","message":"Too many requests"}"#),
            both("429050", "Too many requests")
        );
        assert_eq!(
            code_and_message(r#"{"result":"error.group.not_found","message":"no such group"}"#),
            both("error.group.not_found", "no such group")
        );
        assert_eq!(
            code_and_message(r#"{"errorMessage":"m","errorCode":"c"}"#),
            both("c", "m")
        );
        assert_eq!(code_and_message(r#"{"errorMessage":"m"}"#), words("m"));
        assert_eq!(
            code_and_message(r#"{"error":"invalid_client","error_description":"bad secret"}"#),
            both("invalid_client", "bad secret")
        );
        assert_eq!(
            code_and_message(r#"{"status":404,"error":"Not Found"}"#),
            words("Not Found")
        );
        assert_eq!(
            code_and_message(r#"{"message":"no Route"}"#),
            words("no Route")
        );
        assert_eq!(code_and_message(""), (None, None));
        assert_eq!(
            code_and_message("<html><body><h1>Bad\nGateway</h1></body></html>"),
            words("Bad Gateway")
        );
    }

    #[test]
    fn only_errors_are_found_in_success_bodies() {
        let code = |body: &str| {
            parse_success(body.as_bytes(), &Secrets::default()).map(|error| error.code)
        };
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
    fn long_bodies_are_shortened_and_control_characters_replaced() {
        let (_, message) = code_and_message(&"x".repeat(100_000));
        assert_eq!(message.unwrap().chars().count(), MAX_QUOTED_CHARS + 1);
        assert_eq!(code_and_message("\u{0}\u{1}"), (None, Some("  ".into())));
    }
}
