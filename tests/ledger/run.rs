//! The execution of a schedule, and the report of what the library reported and what the sandbox received.

use crate::plan::{Api, Execution, Plan, Planned};
use crate::support::Sandbox;
use crate::support::c_api::ReportedOutcome;
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
pub struct LedgerLine {
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
    /// The outcomes by the number of the action; exactly one for each if the library is correct.
    pub outcomes: BTreeMap<u64, Vec<ReportedOutcome>>,
    pub ledger: Vec<LedgerLine>,
    pub requests: Vec<Request>,
    pub completed: u64,
    pub sent: u64,
    pub queued: u64,
    /// The result of the checks other than of outcomes: of a forked child, and of a call from a callback.
    pub other_checks: Result<(), String>,
}

impl Report {
    /// The number of requests that were interrupted before their body was read, which may contain any action.
    pub fn unread(&self) -> usize {
        let requests = self.requests.iter();
        requests
            .filter(|request| request.is_action && request.body.is_null())
            .count()
    }

    /// Whether requests can be lost before the sandbox reads them: when it closes a connection, whatever the library has
    /// written to it and the sandbox has not read yet is lost.
    pub fn may_miss_requests(&self) -> bool {
        self.plan.refusal.is_some()
    }
}

pub struct Fixture {
    sandboxes: [Sandbox; 2],
    runtime: Runtime,
}

impl Fixture {
    pub fn new() -> Self {
        Fixture {
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

    /// Runs one schedule; one in eight uses TLS.
    pub fn run(&mut self, seed: u64) -> Report {
        let sandbox = &self.sandboxes[usize::from(seed.is_multiple_of(8))];
        let plan = Arc::new(Plan::new(seed));
        sandbox.control("POST", "/reset", "");
        sandbox.control("POST", "/settings", &plan.settings.to_string());
        for fault in &plan.faults {
            sandbox.control("POST", "/faults", &fault.to_string());
        }
        let result = match plan.api {
            Api::Rust => by_rust::run(sandbox, &plan, &self.runtime),
            Api::C => by_c::run(sandbox, &plan),
        };
        wait_until_idle(sandbox);
        let mut by_action: BTreeMap<u64, Vec<ReportedOutcome>> = BTreeMap::new();
        for outcome in result.outcomes {
            by_action.entry(outcome.tag).or_default().push(outcome);
        }
        let read = |path: &str| sandbox.control("GET", path, "");
        let (completed, sent, queued) = result.counters;
        Report {
            outcomes: by_action,
            ledger: serde_json::from_value(read("/ledger")).expect("a ledger"),
            requests: serde_json::from_value(read("/requests")).expect("requests"),
            completed,
            sent,
            queued,
            other_checks: result.other_checks,
            plan: Arc::into_inner(plan).expect("every task has ended"),
        }
    }
}

/// The result of a run through either API.
pub struct RunResult {
    pub outcomes: Vec<ReportedOutcome>,
    /// The completed, sent and queued actions, of all clients together.
    pub counters: (u64, u64, u64),
    pub other_checks: Result<(), String>,
}

impl Plan {
    pub fn client_count(&self) -> usize {
        match self.execution {
            Execution::TwoClients => 2,
            _ => 1,
        }
    }

    /// The actions of one thread. All actions on one target are on the same thread, which keeps their order.
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
/// The number of actions that are followed by a pause, and of calls in which a callback blocks.
pub const PAUSES: u32 = 2;

/// Revokes tokens and refuses connections while the actions run, as the plan says.
pub fn inject_events(sandbox: &Sandbox, plan: &Plan, since: Instant) {
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

/// Waits until the sandbox has closed all connections, since its last work belongs to the ledger too.
fn wait_until_idle(sandbox: &Sandbox) {
    while sandbox.control("GET", "/counters", "")["open_connections"] != 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}
