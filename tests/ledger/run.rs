//! Runs a schedule, and gathers what the library said and what the sandbox saw.

use crate::plan::{Plan, Planned, Way};
use crate::support::Sandbox;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use umapi::{CallOptions, Cancel, Client, ClientOptions, Outcome, RetryPolicy};

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
    pub outcomes: BTreeMap<u64, Vec<Outcome>>,
    pub ledger: Vec<Line>,
    pub requests: Vec<Request>,
    pub completed: u64,
    pub sent: u64,
    pub queued: u64,
}

impl Report {
    /// Requests that were broken before their body was read: they could have been of any action.
    pub fn unread(&self) -> usize {
        let requests = self.requests.iter();
        requests
            .filter(|request| request.is_action && request.body.is_null())
            .count()
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
        let client = Arc::new(client(sandbox, &plan));
        let outcomes = self.runtime.block_on(execute(&client, &plan, sandbox));
        let counters = client.counters();
        let (completed, sent, queued) = (
            counters.actions_completed(),
            counters.actions_sent(),
            counters.actions_queued(),
        );
        drop(client);
        come_to_rest(sandbox);
        let mut by_action: BTreeMap<u64, Vec<Outcome>> = BTreeMap::new();
        for outcome in outcomes {
            by_action.entry(outcome.tag).or_default().push(outcome);
        }
        let read = |path: &str| sandbox.control("GET", path, "");
        Report {
            outcomes: by_action,
            ledger: serde_json::from_value(read("/ledger")).expect("a ledger"),
            requests: serde_json::from_value(read("/requests")).expect("requests"),
            completed,
            sent,
            queued,
            plan: Arc::into_inner(plan).expect("every task has ended"),
        }
    }
}

fn client(sandbox: &Sandbox, plan: &Plan) -> Client {
    let mut options: ClientOptions = sandbox.options();
    options.batch_limits = plan.limits;
    options.transport.attempt_timeout = Duration::from_millis(80);
    options.retry = RetryPolicy {
        max_attempts: plan.max_attempts,
        first_delay: Duration::from_millis(1),
        max_wait: Duration::from_millis(100),
    };
    Client::new(sandbox.info("org_id"), sandbox.credentials(), options)
        .expect("the options are good")
}

async fn execute(client: &Arc<Client>, plan: &Arc<Plan>, sandbox: &Sandbox) -> Vec<Outcome> {
    let (cancel, mut call) = (Cancel::new(), CallOptions::new().timeout(plan.deadline));
    if plan.cancel_after.is_some() {
        call = call.cancel(cancel.clone());
    }
    let revoke = async {
        if let Some(time) = plan.revoke_after {
            tokio::time::sleep(time).await;
            sandbox.control("POST", "/tokens/revoke", "");
        }
    };
    let refuse = async {
        if let Some((after, ms)) = plan.refusal {
            tokio::time::sleep(after).await;
            sandbox.control("POST", "/refuse", &format!("{{\"ms\":{ms}}}"));
        }
    };
    let cancelling = async {
        if let Some(time) = plan.cancel_after {
            tokio::time::sleep(time).await;
            cancel.trigger();
        }
    };
    let work = async {
        match plan.way {
            Way::AtOnce => at_once(client, &plan.actions.iter().collect::<Vec<_>>(), &call).await,
            Way::Queued => queued(client, &plan.actions, &call).await,
            Way::ManyThreads => on_many_threads(client, plan, &call).await,
        }
    };
    let (outcomes, (), (), ()) = tokio::join!(work, revoke, refuse, cancelling);
    outcomes
}

async fn at_once(client: &Client, actions: &[&Planned], call: &CallOptions) -> Vec<Outcome> {
    let actions: Vec<_> = actions.iter().map(|planned| &planned.action).collect();
    client
        .execute(&actions, call)
        .await
        .expect("the actions are good")
}

async fn queued(client: &Client, actions: &[Planned], call: &CallOptions) -> Vec<Outcome> {
    let mut queue = client.queue();
    let mut outcomes = Vec::new();
    for planned in actions {
        queue
            .add(&planned.action, call)
            .await
            .expect("the action is good");
        outcomes.extend(queue.take_outcomes());
    }
    queue.flush(call).await;
    outcomes.extend(queue.take_outcomes());
    outcomes
}

/// Actions on one target stay with one task, which keeps their order.
async fn on_many_threads(
    client: &Arc<Client>,
    plan: &Arc<Plan>,
    call: &CallOptions,
) -> Vec<Outcome> {
    let tasks = (0..4).map(|task| {
        let (client, plan, call) = (client.clone(), plan.clone(), call.clone());
        tokio::spawn(async move {
            let is_own = |planned: &&Planned| {
                planned.target.bytes().map(usize::from).sum::<usize>() % 4 == task
            };
            let own: Vec<_> = plan.actions.iter().filter(is_own).collect();
            at_once(&client, &own, &call).await
        })
    });
    let mut outcomes = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        outcomes.extend(task.await.expect("no task panicked"));
    }
    outcomes
}

/// What the sandbox still does after the last client has gone belongs to the story.
fn come_to_rest(sandbox: &Sandbox) {
    while sandbox.control("GET", "/counters", "")["open_connections"] != 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}
