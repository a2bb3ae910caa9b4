//! A schedule through the Rust API, on the test's own runtime.

use crate::plan::{Execution, Plan, Planned};
use crate::run::{ATTEMPT_TIMEOUT, LONGEST_WAIT, PAUSES, RunResult, THREADS, inject_events};
use crate::support::Sandbox;
use crate::support::c_api::{Failure, ReportedFinding, ReportedOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use umapi::ffi::{results, status};
use umapi::{
    Action, CallOptions, Cancel, Client, ClientOptions, EndpointClass, Error, ErrorKind, Outcome,
    OutcomeKind, RateLimit, RetryPolicy, Severity,
};

pub fn run(sandbox: &Sandbox, plan: &Arc<Plan>, runtime: &Runtime) -> RunResult {
    let clients: Vec<_> = (0..plan.client_count())
        .map(|_| Arc::new(client(sandbox, plan)))
        .collect();
    let since = Instant::now();
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| inject_events(sandbox, plan, since));
        runtime.block_on(execute(&clients, plan))
    });
    let counters = clients.iter().map(|client| client.counters());
    let counters = counters.fold((0, 0, 0), |sum, of| {
        (
            sum.0 + of.actions_completed(),
            sum.1 + of.actions_sent(),
            sum.2 + of.actions_queued(),
        )
    });
    RunResult {
        outcomes: outcomes.iter().map(reported_outcome).collect(),
        counters,
        other_checks: Ok(()),
    }
}

fn client(sandbox: &Sandbox, plan: &Plan) -> Client {
    let mut options: ClientOptions = sandbox.options();
    let retry = RetryPolicy {
        max_attempts: plan.max_attempts,
        first_delay: Duration::from_millis(1),
        max_wait: LONGEST_WAIT,
    };
    options
        .set_attempt_timeout(ATTEMPT_TIMEOUT)
        .and_then(|()| options.set_retry(retry))
        .and_then(|()| options.set_batch_limits(plan.limits))
        .expect("the options are good");
    if let Some((requests, window_ms)) = plan.rate_limit {
        let window = Duration::from_millis(window_ms);
        let limit = RateLimit { requests, window };
        options
            .set_rate_limit(EndpointClass::Action, Some(limit))
            .expect("the limit is good");
    }
    Client::new(sandbox.info("org_id"), sandbox.credentials(), options)
        .expect("the options are good")
}

async fn execute(clients: &[Arc<Client>], plan: &Arc<Plan>) -> Vec<Outcome> {
    let (cancel, mut call) = (Cancel::new(), CallOptions::new());
    call.set_timeout(plan.deadline);
    if plan.cancel_after.is_some() {
        call.set_cancel(cancel.clone());
    }
    if let Some(pause) = plan.blocking {
        let left = AtomicU32::new(PAUSES);
        call.set_progress(move |_| {
            let order = Ordering::Relaxed;
            if left
                .fetch_update(order, order, |n| n.checked_sub(1))
                .is_ok()
            {
                std::thread::sleep(pause);
            }
        });
    }
    let cancelling = async {
        if let Some(time) = plan.cancel_after {
            tokio::time::sleep(time).await;
            cancel.trigger();
        }
    };
    let work = async {
        match plan.execution {
            Execution::AtOnce => at_once(&clients[0], &all(&plan.actions), &call).await,
            Execution::Queued => queued(&clients[0], plan, &call).await,
            Execution::ManyThreads | Execution::TwoClients => {
                on_many_threads(clients, plan, &call).await
            }
        }
    };
    let (outcomes, ()) = tokio::join!(work, cancelling);
    outcomes
}

fn all(actions: &[Planned]) -> Vec<&Action> {
    actions.iter().map(|planned| &planned.action).collect()
}

async fn at_once(client: &Client, actions: &[&Action], call: &CallOptions) -> Vec<Outcome> {
    client
        .execute(actions, call)
        .await
        .expect("the actions are good")
}

async fn queued(client: &Client, plan: &Plan, call: &CallOptions) -> Vec<Outcome> {
    let mut queue = client.queue();
    let mut outcomes = Vec::new();
    for (number, planned) in plan.actions.iter().enumerate() {
        queue
            .add(&planned.action, call)
            .await
            .expect("the action is good");
        outcomes.extend(queue.take_outcomes());
        if let Some(pause) = plan.slow_between.filter(|_| number < PAUSES as usize) {
            // The client makes no progress during the pause, since the test's thread drives it.
            std::thread::sleep(pause);
        }
    }
    queue.flush(call).await;
    outcomes.extend(queue.take_outcomes());
    outcomes
}

async fn on_many_threads(
    clients: &[Arc<Client>],
    plan: &Arc<Plan>,
    call: &CallOptions,
) -> Vec<Outcome> {
    let tasks = (0..THREADS).map(|task| {
        let client = clients[task % clients.len()].clone();
        let (plan, call) = (plan.clone(), call.clone());
        tokio::spawn(async move { at_once(&client, &plan.actions_of_thread(task), &call).await })
    });
    let mut outcomes = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        outcomes.extend(task.await.expect("no task panicked"));
    }
    outcomes
}

/// The outcome in the form that the C API reports.
fn reported_outcome(outcome: &Outcome) -> ReportedOutcome {
    ReportedOutcome {
        kind: match outcome.kind {
            OutcomeKind::Succeeded => results::UMAPI_OUTCOME_SUCCEEDED,
            OutcomeKind::Failed => results::UMAPI_OUTCOME_FAILED,
            OutcomeKind::NotSent => results::UMAPI_OUTCOME_NOT_SENT,
            OutcomeKind::Unknown => results::UMAPI_OUTCOME_UNKNOWN,
        },
        tag: outcome.tag,
        applied: outcome.applied,
        findings: outcome
            .findings
            .iter()
            .map(|finding| ReportedFinding {
                is_error: finding.severity == Severity::Error,
                command: finding.command,
                code: finding.code.clone(),
            })
            .collect(),
        error: outcome.error.as_ref().map(failure),
    }
}

/// `verify` distinguishes only these two statuses; the message contains the kind of the others.
fn failure(error: &Error) -> Failure {
    Failure {
        status: match error.kind() {
            ErrorKind::Throttled => status::UMAPI_STATUS_THROTTLED,
            ErrorKind::Timeout => status::UMAPI_STATUS_TIMEOUT,
            _ => status::UMAPI_STATUS_INTERNAL,
        },
        message: format!("{error:?}"),
    }
}
