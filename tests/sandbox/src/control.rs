//! The control API: plain HTTP and JSON, so that the tests of any language can steer the sandbox and see inside it.

use crate::faults::Rule;
use crate::limits::{Limit, Scope, Throttle};
use crate::reply::Reply;
use crate::route::Endpoint;
use crate::world::World;
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
    world: Arc<World>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let reply = match steer(method, path, &body, &world) {
        Ok(value) => Reply::json(200, value),
        Err(words) => Reply::json(400, json!({"error": words})),
    };
    if matches!(path, "/refuse" | "/reset") {
        closed_or_open(&world).await;
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
    /// `null` takes the limit away.
    limit: Option<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    ms: u64,
}

/// Whoever asked for it may rely on it.
async fn closed_or_open(world: &World) {
    let refuses = || (*world.refusing_until.borrow()).is_some_and(|until| until > Instant::now());
    while refuses() == world.is_listening.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
}

fn steer(method: &str, path: &str, body: &[u8], world: &World) -> Result<Value, String> {
    let done = Ok(json!({}));
    match (method, path) {
        ("POST", "/reset") => {
            world.reset()?;
            done
        }
        ("GET", "/state") => to_json(&world.state().org.snapshot()),
        ("PUT", "/state") => {
            world.state().replace_org(read(body)?);
            done
        }
        ("GET", "/requests") => to_json(&world.state().requests),
        ("GET", "/ledger") => to_json(&world.state().ledger),
        ("GET", "/counters") => {
            let state = world.state();
            let mut counters = to_json(&state.counters)?;
            counters["tokens_issued"] = json!(state.tokens.issued());
            Ok(counters)
        }
        ("GET", "/faults") => Ok(world.state().faults.describe()),
        ("POST", "/faults") => {
            let rule: Rule = read(body)?;
            rule.check()?;
            world.state().faults.add(rule);
            done
        }
        ("DELETE", "/faults") => {
            world.state().faults.clear();
            done
        }
        ("GET", "/limits") => to_json(world.state().throttle.limits()),
        ("POST", "/limits") => {
            let change: LimitOf = read(body)?;
            world
                .state()
                .throttle
                .set(change.of, change.endpoint, change.limit);
            done
        }
        ("DELETE", "/limits") => {
            world.state().throttle = Throttle::default();
            done
        }
        ("POST", "/tokens") => Ok(json!({"token": world.state().give_token()})),
        ("POST", "/tokens/revoke") => {
            world.state().tokens.revoke_all();
            done
        }
        ("GET", "/settings") => to_json(&world.state().settings),
        ("POST", "/settings") => {
            change_settings(world, read(body)?)?;
            done
        }
        ("POST", "/refuse") => {
            let refuse: Refuse = read(body)?;
            let until = Instant::now() + Duration::from_millis(refuse.ms);
            world.refusing_until.send_replace(Some(until));
            done
        }
        _ => Err(format!(
            "the control API has no {method} {path}; its list is in the sandbox's README"
        )),
    }
}

/// Changes only the settings that are given.
fn change_settings(world: &World, change: Map<String, Value>) -> Result<(), String> {
    let mut state = world.state();
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
