//! The answers that a test writes: any status, headers and body, or the request sent back.

use crate::reply::Reply;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A form in which a host includes the request in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoShape {
    Html,
    Text,
    ErrorMessage,
    Gateway,
    Ims,
    Json,
}

/// The parts of a request that are sent back.
pub struct SentRequest<'a> {
    pub method: &'a str,
    pub path_and_query: &'a str,
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
}

/// Builds the scripted answer. A text is sent as it is, any other value as JSON; with `None` the body is empty.
pub fn answer(status: u16, headers: &Map<String, Value>, body: Option<&Value>) -> Reply {
    let mut reply = match body {
        None => Reply::empty(status),
        Some(Value::String(text)) => Reply::text(status, content_type(text), text.as_str()),
        Some(value) => Reply::json(status, value.clone()),
    };
    set_headers(&mut reply, headers);
    reply
}

fn content_type(text: &str) -> &'static str {
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => "application/json;charset=UTF-8",
        Some(b'<') => "text/html",
        _ => "text/plain",
    }
}

/// Sets the headers, and removes those whose value is `null`.
pub fn set_headers(reply: &mut Reply, headers: &Map<String, Value>) {
    for (name, value) in headers {
        reply
            .headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        if let Some(text) = header_text(value) {
            reply.headers.push((name.to_lowercase(), text));
        }
    }
}

fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Refuses headers that cannot be sent, and the headers that frame the body.
pub fn check_headers(headers: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in headers {
        let is_framing =
            ["content-length", "transfer-encoding"].contains(&name.to_lowercase().as_str());
        let text = header_text(value).unwrap_or_default();
        if is_framing || HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("the header {name} cannot be scripted"));
        }
        if HeaderValue::from_str(&text).is_err() {
            return Err(format!("the value of the header {name} cannot be sent"));
        }
    }
    Ok(())
}

/// Builds an answer that contains the request, with its credentials at the beginning.
pub fn echo(status: u16, shape: EchoShape, sent: &SentRequest) -> Reply {
    let text = request_text(sent);
    match shape {
        EchoShape::Html => Reply::text(
            status,
            "text/html",
            format!(
                "<html><h1>Blocked</h1><pre>{}</pre></html>",
                html_escaped(&text)
            ),
        ),
        EchoShape::Text => Reply::text(status, "text/plain", text),
        EchoShape::ErrorMessage => Reply::json(status, json!({"errorMessage": text})),
        EchoShape::Gateway => Reply::json(
            status,
            json!({"error_code": format!("{status}000"), "message": text}),
        ),
        EchoShape::Ims => Reply::json(
            status,
            json!({"error": "invalid_request", "error_description": text}),
        ),
        EchoShape::Json => Reply::json(
            status,
            json!({"blocked": {"request": text, "headers": sent.headers}}),
        ),
    }
}

/// The request's head and body, and for a form also its decoded fields, as a debugging proxy shows them.
fn request_text(sent: &SentRequest) -> String {
    let is_credential =
        |name: &str| ["authorization", "proxy-authorization", "x-api-key"].contains(&name);
    let (first, rest): (Vec<_>, Vec<_>) = sent
        .headers
        .iter()
        .partition(|(name, _)| is_credential(name));
    let lines = |headers: Vec<(&String, &String)>| {
        let lines = headers
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>()
    };
    let mut all = vec![format!("{} {} HTTP/1.1", sent.method, sent.path_and_query)];
    all.extend(lines(first));
    let is_form = sent
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if is_form {
        let fields = url::form_urlencoded::parse(sent.body);
        all.extend(fields.map(|(name, value)| format!("{name} = {value}")));
    }
    all.push(String::from_utf8_lossy(sent.body).into_owned());
    all.extend(lines(rest));
    all.join("\n")
}

fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
