//! The control API: plain HTTP and JSON, so that tests in any language can change the sandbox and inspect it.

use crate::faults::Rule;
use crate::limits::{Limit, Scope, Throttle};
use crate::reply::Reply;
use crate::route::Endpoint;
use crate::sandbox::Sandbox;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub async fn serve(
    request: Request<Incoming>,
    sandbox: Arc<Sandbox>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let reply = match handle(method, path, &body, &sandbox) {
        Ok(value) => Reply::json(200, value),
        Err(message) => Reply::json(400, json!({"error": message})),
    };
    if matches!(path, "/refuse" | "/reset") {
        listener_settled(&sandbox).await;
    }
    Response::builder()
        .status(reply.status)
        .header("content-type", "application/json")
        .body(Full::from(reply.body))
        .map_err(io::Error::other)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitOf {
    endpoint: Endpoint,
    #[serde(default)]
    of: Scope,
    /// `null` removes the limit.
    limit: Option<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    ms: u64,
}

/// Waits until the listener is closed or open as requested, so that the answer to the control request confirms it.
async fn listener_settled(sandbox: &Sandbox) {
    let refuses = || (*sandbox.refusing_until.borrow()).is_some_and(|until| until > Instant::now());
    while refuses() == sandbox.is_listening.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
}

fn handle(method: &str, path: &str, body: &[u8], sandbox: &Sandbox) -> Result<Value, String> {
    let done = Ok(json!({}));
    match (method, path) {
        ("POST", "/reset") => {
            sandbox.reset()?;
            done
        }
        ("GET", "/state") => to_json(&sandbox.state().org.snapshot()),
        ("PUT", "/state") => {
            sandbox.state().replace_org(read(body)?);
            done
        }
        ("GET", "/requests") => to_json(&sandbox.state().requests),
        ("GET", "/ledger") => to_json(&sandbox.state().ledger),
        ("GET", "/counters") => {
            let state = sandbox.state();
            let mut counters = to_json(&state.counters)?;
            counters["tokens_issued"] = json!(state.tokens.issued());
            Ok(counters)
        }
        ("GET", "/faults") => Ok(sandbox.state().faults.describe()),
        ("POST", "/faults") => {
            let rule: Rule = read(body)?;
            rule.check()?;
            sandbox.state().faults.add(rule);
            done
        }
        ("DELETE", "/faults") => {
            sandbox.state().faults.clear();
            done
        }
        ("GET", "/limits") => to_json(sandbox.state().throttle.limits()),
        ("POST", "/limits") => {
            let change: LimitOf = read(body)?;
            sandbox
                .state()
                .throttle
                .set(change.of, change.endpoint, change.limit);
            done
        }
        ("DELETE", "/limits") => {
            sandbox.state().throttle = Throttle::default();
            done
        }
        ("POST", "/tokens") => Ok(json!({"token": sandbox.state().issue_token()})),
        ("POST", "/tokens/revoke") => {
            sandbox.state().tokens.revoke_all();
            done
        }
        ("GET", "/settings") => to_json(&sandbox.state().settings),
        ("POST", "/settings") => {
            change_settings(sandbox, read(body)?)?;
            done
        }
        ("POST", "/refuse") => {
            let refuse: Refuse = read(body)?;
            let until = Instant::now() + Duration::from_millis(refuse.ms);
            sandbox.refusing_until.send_replace(Some(until));
            done
        }
        _ => Err(format!(
            "the control API has no {method} {path}; its list is in the sandbox's README"
        )),
    }
}

/// Changes the given settings and leaves the others.
fn change_settings(sandbox: &Sandbox, change: Map<String, Value>) -> Result<(), String> {
    let mut state = sandbox.state();
    let mut settings = to_json(&state.settings)?;
    if let Value::Object(settings) = &mut settings {
        settings.extend(change);
    }
    let settings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    state.set(settings)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}
