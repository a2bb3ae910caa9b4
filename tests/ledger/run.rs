//! Runs a schedule, and gathers what the library said and what the sandbox saw.

use crate::plan::{Face, Plan, Planned, Way};
use crate::support::Sandbox;
use crate::support::c_face::Told;
use crate::{by_c, by_rust};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use umapi::Action;

/// A line of the sandbox's ledger.
#[derive(Debug, Deserialize)]
pub struct Line {
    pub request: usize,
    #[serde(rename = "requestID")]
    pub request_id: String,
    pub command: Value,
    pub applied: bool,
    pub codes: Vec<String>,
}

/// A request that the sandbox received.
#[derive(Debug, Deserialize)]
pub struct Request {
    pub number: usize,
    pub body: Value,
    pub status: Option<u16>,
    pub fault: Option<String>,
    #[serde(rename = "endpoint", deserialize_with = "is_action")]
    pub is_action: bool,
}

fn is_action<'de, D: Deserializer<'de>>(endpoint: D) -> Result<bool, D::Error> {
    Ok(String::deserialize(endpoint)? == "action")
}

impl Request {
    pub fn holds(&self, request_id: &str) -> bool {
        let entries = self.body.as_array().into_iter().flatten();
        entries
            .into_iter()
            .any(|entry| entry["requestID"] == request_id)
    }
}

pub struct Report {
    pub plan: Plan,
    /// By the number of the action; one each, if all is well.
    pub outcomes: BTreeMap<u64, Vec<Told>>,
    pub ledger: Vec<Line>,
    pub requests: Vec<Request>,
    pub completed: u64,
    pub sent: u64,
    pub queued: u64,
    /// What went wrong beside the outcomes: a forked child, or a call from a callback.
    pub beside: Result<(), String>,
}

impl Report {
    /// Requests that were broken before their body was read: they could have been of any action.
    pub fn unread(&self) -> usize {
        let requests = self.requests.iter();
        requests
            .filter(|request| request.is_action && request.body.is_null())
            .count()
    }

    /// Whether requests can be lost that the sandbox never saw: it cuts connections, and what the library has written
    /// to one of them and the sandbox has not read yet goes with it.
    pub fn may_miss_requests(&self) -> bool {
        self.plan.refusal.is_some()
    }
}

pub struct Bench {
    sandboxes: [Sandbox; 2],
    runtime: Runtime,
}

impl Bench {
    pub fn new() -> Self {
        Bench {
            sandboxes: [
                Sandbox::start(&["--limits", "off"]),
                Sandbox::start(&["--limits", "off", "--tls"]),
            ],
            runtime: Builder::new_multi_thread()
                .worker_threads(4)
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    /// One schedule in eight goes over TLS.
    pub fn run(&mut self, seed: u64) -> Report {
        let sandbox = &self.sandboxes[usize::from(seed.is_multiple_of(8))];
        let plan = Arc::new(Plan::new(seed));
        sandbox.control("POST", "/reset", "");
        sandbox.control("POST", "/settings", &plan.settings.to_string());
        for fault in &plan.faults {
            sandbox.control("POST", "/faults", &fault.to_string());
        }
        let done = match plan.face {
            Face::Rust => by_rust::run(sandbox, &plan, &self.runtime),
            Face::C => by_c::run(sandbox, &plan),
        };
        come_to_rest(sandbox);
        let mut by_action: BTreeMap<u64, Vec<Told>> = BTreeMap::new();
        for outcome in done.outcomes {
            by_action.entry(outcome.tag).or_default().push(outcome);
        }
        let read = |path: &str| sandbox.control("GET", path, "");
        let (completed, sent, queued) = done.counters;
        Report {
            outcomes: by_action,
            ledger: serde_json::from_value(read("/ledger")).expect("a ledger"),
            requests: serde_json::from_value(read("/requests")).expect("requests"),
            completed,
            sent,
            queued,
            beside: done.beside,
            plan: Arc::into_inner(plan).expect("every task has ended"),
        }
    }
}

/// What a run by either face comes to.
pub struct Done {
    pub outcomes: Vec<Told>,
    /// Completed, sent and queued, of all clients together.
    pub counters: (u64, u64, u64),
    pub beside: Result<(), String>,
}

impl Plan {
    pub fn client_count(&self) -> usize {
        match self.way {
            Way::TwoClients => 2,
            _ => 1,
        }
    }

    /// Actions on one target stay with one thread, which keeps their order.
    pub fn actions_of_thread(&self, thread: usize) -> Vec<&Action> {
        let is_own = |planned: &&Planned| {
            planned.target.bytes().map(usize::from).sum::<usize>() % THREADS == thread
        };
        let own = self.actions.iter().filter(is_own);
        own.map(|planned| &planned.action).collect()
    }
}

pub const THREADS: usize = 4;
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(80);
pub const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// So many actions are followed by a pause, and so many calls of a callback block.
pub const PAUSES: u32 = 2;

/// What happens to the sandbox while the actions run.
pub fn disturb(sandbox: &Sandbox, plan: &Plan, since: Instant) {
    let revocation = plan
        .revoke_after
        .map(|at| (at, "/tokens/revoke", String::new()));
    let refusal = plan
        .refusal
        .map(|(at, ms)| (at, "/refuse", format!("{{\"ms\":{ms}}}")));
    let mut events: Vec<_> = revocation.into_iter().chain(refusal).collect();
    events.sort();
    for (at, path, body) in events {
        std::thread::sleep(at.saturating_sub(since.elapsed()));
        sandbox.control("POST", path, &body);
    }
}

/// What the sandbox still does after the last client has gone belongs to the story.
fn come_to_rest(sandbox: &Sandbox) {
    while sandbox.control("GET", "/counters", "")["open_connections"] != 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}
