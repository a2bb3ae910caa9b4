//! The classification of complete answers: their origin, the error that they stand for, and what they say of the request's
//! delivery. No other module looks at a status or at the shape of an error body.

use super::retry_after;
use super::transport::Answer;
use crate::error::{Absent, Delivery, Error, ErrorKind, Origin};
use crate::model::error_body::{self, ErrorBody};
use std::time::{Duration, SystemTime};

/// The error that an answer stands for. `None`: the answer is a success, and its body can be parsed.
pub(crate) fn error(answer: &Answer) -> Option<Error> {
    let body = match answer.status {
        200..=299 => error_body::parse_success(&answer.body, &answer.secrets)?,
        _ => error_body::parse(&answer.body, &answer.secrets),
    };
    let wait = retry_after::parse(
        answer.header("retry-after"),
        answer.header("date"),
        SystemTime::now(),
    );
    Some(describe(answer.status, body, wait))
}

fn describe(http_status: u16, body: ErrorBody, wait: Option<Duration>) -> Error {
    let status = effective_status(http_status, &body);
    let kind = kind(status, body.origin);
    let mut message = format!("{} (HTTP {http_status}", summary(kind, status, body.origin));
    for part in [body.code.as_deref(), body.message.as_deref()]
        .into_iter()
        .flatten()
    {
        message.push_str(", ");
        message.push_str(part);
    }
    message.push(')');
    if let Some(wait) = wait {
        message.push_str(&format!("; it asks to wait {} s", seconds(wait)));
    }
    let mut error = Error::new(kind, message)
        .with_delivery(delivery(status))
        .with_http_status(http_status)
        .with_origin(body.origin)
        .with_retry_after(wait);
    if kind == ErrorKind::NotFound {
        error = error.with_absent(absent(&body));
    }
    if is_about_content(status, body.origin) {
        error = error.about_content();
    }
    if kind == ErrorKind::Rejected && body.origin == Origin::Intermediary {
        error = error.with_remedy(
            "find out which proxy or firewall is between this machine and the service, and have it permit this request",
        );
    }
    error.with_code(body.code)
}

/// The status that fits the error in the body. A known error keeps its meaning, whatever status it comes with.
fn effective_status(http_status: u16, body: &ErrorBody) -> u16 {
    let code = body.code.as_deref().unwrap_or_default();
    let by_code = match (http_status, body.origin) {
        // HTTP itself defines how a client reacts to these statuses.
        (300..=399 | 407 | 429, _) => None,
        (_, Origin::Gateway) => status_in_gateway_code(code),
        (401, _) | (_, Origin::TokenService | Origin::Intermediary) => None,
        (_, Origin::Service) => status_of_service_code(http_status, code),
    };
    by_code.unwrap_or(match (http_status, body.origin) {
        (200..=299, Origin::TokenService) => 401,
        (200..=299, _) => REFUSED,
        _ => http_status,
    })
}

/// The status of a refusal with a 2xx status and a code that has no status of its own.
const REFUSED: u16 = 409;

/// The status in a code of the gateway, which is a status and three digits, such as 429050.
fn status_in_gateway_code(code: &str) -> Option<u16> {
    let is_code = code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    let status = code.get(..3).filter(|_| is_code)?.parse().ok()?;
    (400..=599).contains(&status).then_some(status)
}

fn status_of_service_code(http_status: u16, code: &str) -> Option<u16> {
    let is_in = |family: &str| code.starts_with(family);
    match code {
        "error.organization.migrating" => Some(403),
        _ if is_in("error.apikey.") => Some(403),
        _ if is_in("error.organization.") => Some(404),
        // A 4xx answer is about the whole request, even if its code is about one of several commands.
        _ if (400..=499).contains(&http_status) => None,
        _ if is_in("error.command.") => Some(400),
        _ if is_absence(code) => Some(404),
        _ if is_in("error.internal.") && http_status < 300 => Some(500),
        _ => None,
    }
}

fn is_absence(code: &str) -> bool {
    code.ends_with(".not_found")
        || code == "error.user.nonexistent"
        || code.eq_ignore_ascii_case("not found")
}

/// The kind of thing that was not found. An empty body does not say.
fn absent(body: &ErrorBody) -> Absent {
    match body.code.as_deref() {
        None if body.is_empty => Absent::Unsaid,
        Some(code) if code.eq_ignore_ascii_case("not found") => Absent::Page,
        Some(code) if code.starts_with("error.user.") => Absent::User,
        Some(code) if code.starts_with("error.group.") => Absent::Group,
        Some(code) if code.starts_with("error.usergroup.") => Absent::Group,
        _ => Absent::Other,
    }
}

fn kind(status: u16, origin: Origin) -> ErrorKind {
    use ErrorKind::*;
    let is_service = matches!(origin, Origin::Service | Origin::TokenService);
    match status {
        429 => Throttled,
        401 => Auth,
        403 if origin == Origin::Intermediary => Rejected,
        403 => Forbidden,
        404 if is_service => NotFound,
        404 => Protocol,
        407 => Proxy,
        408 => Timeout,
        400..=499 => Rejected,
        500..=599 => Server,
        _ => Protocol,
    }
}

fn summary(kind: ErrorKind, status: u16, origin: Origin) -> &'static str {
    use ErrorKind::*;
    let is_foreign = origin == Origin::Intermediary;
    match kind {
        Throttled => "the service throttles requests",
        Auth if is_foreign => "the service, or a proxy or firewall before it, refused the token",
        Auth if origin == Origin::TokenService => "the token service refused the request",
        Auth => "the service refused the token",
        Forbidden => "the service does not permit this",
        NotFound => "the service does not know this",
        Proxy => "the proxy requires credentials",
        Timeout => "the service waited too long for the request",
        Rejected if is_foreign => {
            "a proxy or firewall, not the service itself, refused this request"
        }
        Rejected => "the service refused the request",
        Server if is_foreign => "the service, or a proxy or firewall before it, failed",
        Server => "the service failed",
        _ if status == 404 => {
            "a server that is not the User Management API does not know this; check the endpoint"
        }
        _ if (300..=399).contains(&status) => {
            "the answer is a redirect, which is not followed with credentials"
        }
        _ => "the answer has an unexpected status",
    }
}

fn delivery(status: u16) -> Delivery {
    match status {
        429 => Delivery::NotSent,
        // The gateway may have passed the request on before the failure, so its outcome is unknown.
        408 | 500 | 502 | 503 | 504 => Delivery::Unknown,
        _ => Delivery::Answered,
    }
}

/// Whether the request was refused for its content, so that a part of it may be accepted. A 403 of the service does not
/// depend on the content; a web application firewall refuses certain words or lengths.
fn is_about_content(status: u16, origin: Origin) -> bool {
    match status {
        400 | 413 | 422 => true,
        403 | 406 => origin == Origin::Intermediary,
        _ => false,
    }
}

fn seconds(wait: Duration) -> String {
    let text = format!("{:.1}", wait.as_secs_f64());
    text.trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::Secrets;
    use reqwest::header::HeaderMap;

    fn error_of(status: u16, body: &str) -> Option<Error> {
        error(&Answer {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            secrets: Secrets::default(),
        })
    }

    fn kind_of(status: u16, body: &str) -> ErrorKind {
        error_of(status, body).expect("an error").kind()
    }

    const THROTTLE: &str = r#"{"error_code":"429050","message":"Too many requests"}"#;
    const MIGRATING: &str = r#"{"result":"error.organization.migrating","message":"later"}"#;

    #[test]
    fn a_known_error_keeps_its_kind_with_any_status() {
        for status in [200, 400, 401, 403, 429, 500, 503] {
            let error = error_of(status, THROTTLE).expect("an error");
            assert_eq!(error.kind(), ErrorKind::Throttled, "{status}");
            assert_eq!(error.delivery(), Delivery::NotSent, "{status}");
            assert_eq!(error.code(), Some("429050"));
        }
        for status in [200, 400, 403, 503] {
            let error = error_of(status, MIGRATING).expect("an error");
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{status}");
            assert_eq!(error.delivery(), Delivery::Answered, "{status}");
            assert!(error.message().contains("later"));
        }
        for status in [200, 404, 500] {
            let absent = r#"{"result":"error.user.not_found"}"#;
            assert_eq!(kind_of(status, absent), ErrorKind::NotFound, "{status}");
        }
        assert_eq!(
            kind_of(403, r#"{"error_code":"503001"}"#),
            ErrorKind::Server
        );
        assert_eq!(
            kind_of(200, r#"{"error":"invalid_token"}"#),
            ErrorKind::Auth
        );
        assert_eq!(
            kind_of(200, r#"{"result":"error.of.tomorrow"}"#),
            ErrorKind::Rejected
        );
        assert_eq!(
            kind_of(503, r#"{"result":"error.of.tomorrow"}"#),
            ErrorKind::Server
        );
        assert!(error_of(200, r#"{"result":"success","completed":1}"#).is_none());
    }

    #[test]
    fn an_unknown_shape_comes_from_an_intermediary() {
        for body in ["<html>Blocked</html>", r#"{"message":"Forbidden"}"#, "[]"] {
            let error = error_of(403, body).expect("an error");
            assert_eq!(error.kind(), ErrorKind::Rejected, "{body}");
            assert_eq!(error.origin(), Some(Origin::Intermediary), "{body}");
            assert!(error.is_about_content(), "{body}");
            assert!(error.message().contains("a proxy or firewall"), "{error}");
        }
        for body in ["", MIGRATING, r#"{"error_code":"403000"}"#] {
            let error = error_of(403, body).expect("an error");
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{body}");
            assert!(!error.is_about_content(), "{body}");
        }
    }

    #[test]
    fn the_kind_of_thing_that_was_not_found_is_recognised() {
        let absent = |body: &str| error_of(404, body).expect("an error").absent();
        assert_eq!(absent(""), Some(Absent::Unsaid));
        assert_eq!(absent(r#"{"result":"Not found"}"#), Some(Absent::Page));
        assert_eq!(
            absent(r#"{"result":"error.user.nonexistent"}"#),
            Some(Absent::User)
        );
        assert_eq!(
            absent(r#"{"result":"error.group.not_found"}"#),
            Some(Absent::Group)
        );
        for other in [
            r#"{"result":"error.organization.invalid_id"}"#,
            r#"{"errorMessage":"m"}"#,
            r#"{"error":"not_found"}"#,
        ] {
            assert_eq!(absent(other), Some(Absent::Other), "{other}");
        }
        for foreign in [
            r#"{"message":"no Route matched with those values"}"#,
            r#"{"timestamp":"t","status":404,"error":"Not Found","path":"/x"}"#,
            "404 page not found",
        ] {
            assert_eq!(absent(foreign), None, "{foreign}");
            assert_eq!(kind_of(404, foreign), ErrorKind::Protocol, "{foreign}");
        }
    }

    #[test]
    fn a_refused_command_is_about_the_content() {
        for (status, body) in [
            (400, ""),
            (413, "<html>"),
            (422, r#"{"result":"error.command.malformed"}"#),
            (200, r#"{"result":"error.command.malformed"}"#),
        ] {
            assert!(error_of(status, body).expect("an error").is_about_content());
        }
        for (status, body) in [(409, ""), (404, ""), (200, MIGRATING), (500, "<html>")] {
            assert!(!error_of(status, body).expect("an error").is_about_content());
        }
    }
}
