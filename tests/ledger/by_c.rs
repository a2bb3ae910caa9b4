//! A schedule through the C API, on threads as in a C program.

use crate::plan::{Execution, Plan};
use crate::run::{ATTEMPT_TIMEOUT, LONGEST_WAIT, PAUSES, RunResult, THREADS, inject_events};
use crate::support::Sandbox;
use crate::support::c_api::{self, Blocking, Call, Cancel, Client, ReportedOutcome, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use umapi::Action;

pub fn run(sandbox: &Sandbox, plan: &Plan) -> RunResult {
    let clients: Vec<_> = (0..plan.client_count())
        .map(|_| Client::new(sandbox, &settings(plan)))
        .collect();
    let blocking = plan
        .blocking
        .map(|pause| Blocking::new(&clients[0], pause, PAUSES));
    let cancel = Cancel::new();
    let limits = Limits {
        deadline: plan.deadline,
        cancel: plan.cancel_after.is_some().then_some(&cancel),
        blocking: blocking.as_ref(),
    };
    let since = Instant::now();
    let (outcomes, forked) = std::thread::scope(|scope| {
        scope.spawn(|| inject_events(sandbox, plan, since));
        scope.spawn(|| {
            if let Some(time) = plan.cancel_after {
                std::thread::sleep(time);
                cancel.trigger();
            }
        });
        let forked = scope.spawn(|| match plan.fork_after {
            None => Ok(()),
            Some(time) => {
                std::thread::sleep(time);
                c_api::fork(sandbox, &clients[0])
            }
        });
        let outcomes = match plan.execution {
            Execution::AtOnce => at_once(&clients[0], &all(plan), &limits),
            Execution::Queued => queued(&clients[0], plan, &limits),
            Execution::ManyThreads | Execution::TwoClients => {
                on_many_threads(&clients, plan, &limits)
            }
        };
        (outcomes, forked.join().expect("no thread panicked"))
    });
    let counters = clients.iter().map(Client::counters);
    let counters = counters.fold((0, 0, 0), |sum, of| {
        (sum.0 + of.0, sum.1 + of.1, sum.2 + of.2)
    });
    let refused_in_callbacks = blocking.map_or(Ok(()), |blocking| blocking.check());
    RunResult {
        outcomes,
        counters,
        other_checks: forked.and(refused_in_callbacks),
    }
}

fn settings(plan: &Plan) -> Settings {
    Settings {
        attempt_timeout_ms: ATTEMPT_TIMEOUT.as_millis() as i64,
        max_attempts: plan.max_attempts as i32,
        max_wait_ms: LONGEST_WAIT.as_millis() as i64,
        batch: Some(plan.limits),
        read_ahead: None,
        rate_limit: plan
            .rate_limit
            .map(|(requests, window_ms)| (requests, window_ms as i64)),
    }
}

fn all(plan: &Plan) -> Vec<&Action> {
    plan.actions.iter().map(|planned| &planned.action).collect()
}

struct Limits<'a> {
    deadline: Option<Duration>,
    cancel: Option<&'a Cancel>,
    blocking: Option<&'a Arc<Blocking>>,
}

impl Limits<'_> {
    fn call(&self) -> Call {
        Call::new(self.deadline, self.cancel, self.blocking)
    }
}

fn at_once(client: &Client, actions: &[&Action], limits: &Limits) -> Vec<ReportedOutcome> {
    client
        .execute(actions, &limits.call())
        .expect("the actions are good")
}

fn queued(client: &Client, plan: &Plan, limits: &Limits) -> Vec<ReportedOutcome> {
    let mut queue = client.queue();
    let mut outcomes = Vec::new();
    for (number, action) in all(plan).into_iter().enumerate() {
        queue
            .add(action, &limits.call())
            .expect("the action is good");
        outcomes.extend(queue.take());
        if let Some(pause) = plan.slow_between.filter(|_| number < PAUSES as usize) {
            std::thread::sleep(pause);
        }
    }
    queue.flush(&limits.call()).expect("a flush ends well");
    outcomes.extend(queue.take());
    outcomes
}

fn on_many_threads(clients: &[Client], plan: &Plan, limits: &Limits) -> Vec<ReportedOutcome> {
    std::thread::scope(|scope| {
        let threads = (0..THREADS).map(|thread| {
            let client = &clients[thread % clients.len()];
            scope.spawn(move || at_once(client, &plan.actions_of_thread(thread), limits))
        });
        let threads: Vec<_> = threads.collect();
        let outcomes = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no thread panicked"));
        outcomes.collect()
    })
}
