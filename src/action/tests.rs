//! Sending, held against a scripted service: what is given up half way, hosts out of reach, cancels.

use super::execute::{ActingOptions, Dispatcher};
use super::outcome::{Outcome, OutcomeKind};
use super::pending::PendingActions;
use super::sender::{Boxed, Sender};
use super::split::BatchLimits;
use crate::call::Call;
use crate::call::cancel::Cancel;
use crate::call::options::CallOptions;
use crate::counters::Counters;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::perform::{Replay, Trace};
use crate::lock::lock;
use crate::model::action::{Action, NewUser};
use crate::model::answer::{self, ActionAnswer};
use crate::model::command::OnConflict;
use crate::model::user::IdentityType;
use bytes::Bytes;
use futures_util::future::poll_fn;
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What the service does with one request.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answers,
    /// Refuses the content of every request with more than one entry.
    Refuses,
    /// Does the work, perhaps, and does not answer.
    IsLost,
    Throttles,
    IsOutOfReach,
    TimesOutConnecting,
}

/// How often users were in a request that arrived, and how often they may have been changed by one.
#[derive(Clone, Debug, Default)]
struct Seen {
    arrived: BTreeMap<String, usize>,
    changed: BTreeMap<String, usize>,
    requests: usize,
}

/// A service that does with one request after the other what its script says, and answers all others.
#[derive(Clone, Debug)]
struct Scripted {
    script: Arc<Mutex<Vec<Does>>>,
    seen: Arc<Mutex<Seen>>,
    /// How often each wait is polled; `None` for a wait without end.
    wait_to_repeat: Option<usize>,
}

impl Scripted {
    fn new(script: &[Does]) -> Self {
        let script = script.iter().rev().copied().collect();
        Scripted {
            script: Arc::new(Mutex::new(script)),
            seen: Arc::default(),
            wait_to_repeat: Some(2),
        }
    }

    fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    fn dispatcher(&self) -> (Dispatcher, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let options = ActingOptions {
            limits: BatchLimits::default(),
            test_mode: false,
            account_deletes_in_test_mode: false,
        };
        let dispatcher = Dispatcher::new(Box::new(self.clone()), options, counters.clone());
        (dispatcher, counters)
    }

    fn receive(&self, users: &[String], does: Does) {
        let mut seen = lock(&self.seen);
        for user in users {
            *seen.arrived.entry(user.clone()).or_default() += 1;
            if matches!(does, Does::Answers | Does::IsLost) {
                *seen.changed.entry(user.clone()).or_default() += 1;
            }
        }
    }
}

/// Is polled so often before it ends; `None` never ends.
async fn polled(times: Option<usize>) {
    let mut left = times;
    poll_fn(|context| match &mut left {
        Some(0) => Poll::Ready(()),
        Some(left) => {
            *left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
        None => Poll::Pending,
    })
    .await;
}

fn users_in(body: &Bytes) -> Vec<String> {
    let entries: Vec<Value> = serde_json::from_slice(body).unwrap();
    let user = |entry: &Value| entry["user"].as_str().unwrap().to_owned();
    entries.iter().map(user).collect()
}

fn lost(delivery: Delivery, kind: ErrorKind) -> Error {
    Error::new(kind, "as the script says")
        .with_delivery(delivery)
        .with_attempts(1)
}

impl Sender for Scripted {
    fn post<'a>(
        &'a self,
        _: &'a Call,
        body: Bytes,
        _: Replay,
        trace: &'a Trace,
    ) -> Boxed<'a, ActionAnswer> {
        Box::pin(async move {
            let users = users_in(&body);
            let does = match lock(&self.script).pop().unwrap_or(Does::Answers) {
                Does::Refuses if users.len() == 1 => Does::Answers,
                does => does,
            };
            lock(&self.seen).requests += 1;
            polled(Some(2)).await;
            let sent = trace.begin_attempt();
            polled(Some(1)).await;
            if !matches!(does, Does::IsOutOfReach | Does::TimesOutConnecting) {
                sent.set();
                self.receive(&users, does);
                polled(Some(2)).await;
            }
            let result = match does {
                Does::Answers => answer::parse(br#"{"result":"success"}"#),
                Does::Refuses => {
                    Err(lost(Delivery::Answered, ErrorKind::Rejected).with_http_status(400))
                }
                Does::IsLost => Err(lost(Delivery::Unknown, ErrorKind::Server)),
                Does::Throttles => Err(lost(Delivery::NotSent, ErrorKind::Throttled)),
                Does::IsOutOfReach => {
                    Err(lost(Delivery::NotSent, ErrorKind::Connect).without_connection())
                }
                Does::TimesOutConnecting => Err(lost(Delivery::NotSent, ErrorKind::Timeout)),
            };
            trace.end_attempt(match &result {
                Ok(_) => Delivery::Answered,
                Err(error) => error.delivery(),
            });
            // A good answer is handed on in the poll that reads it; after others there may be a wait.
            if result.is_err() {
                polled(Some(1)).await;
            }
            result
        })
    }

    fn wait_to_repeat<'a>(&'a self, _: &'a Call, _: Error) -> Boxed<'a, ()> {
        Box::pin(async move {
            polled(self.wait_to_repeat).await;
            Ok(())
        })
    }
}

fn user(name: &str) -> Action {
    Action::on_user(&format!("{name}@example.com"), None).unwrap()
}

/// May be sent twice.
fn joining(number: usize) -> Action {
    let mut action = user(&format!("safe{number}"));
    action.add_to_groups(&["G"]).unwrap();
    action
}

/// May not.
fn creating(number: usize) -> Action {
    let name = format!("unsafe{number}");
    let mut action = user(&name);
    let new = NewUser {
        identity: IdentityType::EnterpriseId,
        email: &format!("{name}@example.com"),
        first_name: None,
        last_name: None,
        country: None,
        on_conflict: OnConflict::Error,
    };
    action.create(new).unwrap();
    action
}

/// Goes out in two requests.
fn long(number: usize) -> Action {
    let mut action = user(&format!("long{number}"));
    for step in 0..15 {
        action.add_to_groups(&[format!("G{step}")]).unwrap();
    }
    action
}

fn mixed_actions() -> Vec<Action> {
    let actions = (0..14).map(|number| match number % 3 {
        0 => joining(number),
        1 => creating(number),
        _ => long(number),
    });
    actions.collect()
}

const SCRIPTS: [&[Does]; 7] = [
    &[],
    &[Does::Refuses; 4],
    &[Does::IsLost],
    &[Does::IsLost, Does::IsLost, Does::Answers, Does::IsLost],
    &[Does::Throttles, Does::Refuses, Does::IsLost],
    &[Does::IsOutOfReach, Does::Answers, Does::IsOutOfReach],
    &[Does::Refuses, Does::IsLost, Does::TimesOutConnecting],
];

fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return Some(result);
        }
    }
    None
}

fn name_of(outcome: &Outcome) -> &str {
    outcome.target.name()
}

/// What is told of each action fits what the service saw.
fn check_outcomes(outcomes: &[Outcome], actions: &[Action], seen: &Seen) {
    let mut names: Vec<_> = outcomes.iter().map(name_of).collect();
    let mut wanted: Vec<_> = actions
        .iter()
        .map(|action| action.target().name())
        .collect();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted, "each has one outcome");
    for outcome in outcomes {
        let times = |of: &BTreeMap<String, usize>| of.get(name_of(outcome)).copied().unwrap_or(0);
        let (arrived, changed) = (times(&seen.arrived), times(&seen.changed));
        let fits = match outcome.kind {
            OutcomeKind::Succeeded => changed > 0,
            OutcomeKind::Failed => arrived > 0,
            OutcomeKind::NotSent => changed == 0,
            OutcomeKind::Unknown => arrived > 0,
        };
        assert!(fits, "{outcome:?}, arrived {arrived}, changed {changed}");
        let may_run_twice = !name_of(outcome).starts_with("unsafe");
        assert!(
            may_run_twice || changed <= 1,
            "{outcome:?} ran {changed} times"
        );
    }
}

fn check_counters(counters: &Counters, outcomes: &[Outcome], seen: &Seen) {
    let succeeded = outcomes
        .iter()
        .filter(|outcome| outcome.kind == OutcomeKind::Succeeded)
        .count();
    assert_eq!(counters.actions_completed(), succeeded as u64);
    assert!(counters.actions_sent() <= seen.arrived.len() as u64);
    let answered = outcomes
        .iter()
        .filter(|outcome| outcome.kind != OutcomeKind::NotSent);
    assert!(counters.actions_sent() >= answered.count() as u64);
}

fn queue_of(dispatcher: &Dispatcher, actions: &[Action]) -> PendingActions {
    let mut pending = dispatcher.pending().of_queue();
    for action in actions {
        dispatcher.add(&mut pending, action);
    }
    pending
}

#[tokio::test]
async fn a_queue_loses_nothing_wherever_its_future_is_dropped() {
    for script in SCRIPTS {
        for times in 0.. {
            let service = Scripted::new(script);
            let (dispatcher, counters) = service.dispatcher();
            let actions = mixed_actions();
            let mut pending = queue_of(&dispatcher, &actions);
            let call = Call::begin(&CallOptions::new());
            let is_over = poll_times(dispatcher.send_all(&call, &mut pending), times).is_some();
            let mut outcomes = pending.outcomes().take();
            assert_eq!(pending.pending() + outcomes.len(), actions.len());
            assert_eq!(pending.outcomes().pending(), pending.pending());
            assert_eq!(counters.actions_queued(), pending.pending() as u64);
            assert!(pending.pending() == 0 || !is_over);
            dispatcher.send_all(&call, &mut pending).await;
            outcomes.extend(pending.outcomes().take());
            check_outcomes(&outcomes, &actions, &service.seen());
            check_counters(&counters, &outcomes, &service.seen());
            assert_eq!(counters.actions_queued(), 0);
            if is_over {
                assert!(times > 10, "{script:?} was over after {times} polls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_queue_that_is_dropped_in_mid_flight_counts_nothing_as_queued() {
    for times in 0..20 {
        let service = Scripted::new(&[Does::IsLost]);
        let (dispatcher, counters) = service.dispatcher();
        let mut pending = queue_of(&dispatcher, &mixed_actions());
        let call = Call::begin(&CallOptions::new());
        poll_times(dispatcher.send_all(&call, &mut pending), times);
        drop(pending);
        assert_eq!(counters.actions_queued(), 0);
    }
}

#[tokio::test]
async fn an_execution_that_is_dropped_has_counted_what_it_sent() {
    for script in SCRIPTS {
        for times in 0.. {
            let service = Scripted::new(script);
            let (dispatcher, counters) = service.dispatcher();
            let actions = mixed_actions();
            let call = Call::begin(&CallOptions::new());
            let outcomes = poll_times(dispatcher.execute(&call, &actions), times);
            let seen = service.seen();
            assert_eq!(counters.actions_queued(), 0);
            let Some(outcomes) = outcomes else {
                // A request that was throttled arrived, and is not counted.
                assert!(counters.actions_sent() <= seen.arrived.len() as u64);
                assert!(counters.actions_completed() <= seen.changed.len() as u64);
                continue;
            };
            let outcomes = outcomes.unwrap();
            check_outcomes(&outcomes, &actions, &seen);
            check_counters(&counters, &outcomes, &seen);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_wait_before_a_part_is_repeated() {
    let service = Scripted {
        wait_to_repeat: None,
        ..Scripted::new(&[Does::IsLost])
    };
    let (dispatcher, _) = service.dispatcher();
    let begun = tokio::time::Instant::now();
    let options = CallOptions::with_timeout(Duration::from_secs(1));
    let call = Call::begin(&options);
    let actions = [joining(1), creating(2), joining(3)];
    let outcomes = dispatcher.execute(&call, &actions).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.kind, outcome.error.as_ref().unwrap().kind()))
        .collect();
    use {ErrorKind::*, OutcomeKind::Unknown};
    assert_eq!(
        told,
        [(Unknown, Deadline), (Unknown, Server), (Unknown, Deadline)]
    );
}

fn many(count: usize) -> Vec<Action> {
    (0..count).map(joining).collect()
}

#[tokio::test]
async fn many_actions_look_at_the_calls_end_before_anything_is_sent() {
    const COUNT: usize = 100_000;
    let actions = many(COUNT);
    let service = Scripted::new(&[]);
    let (dispatcher, counters) = service.dispatcher();
    let cancel = Cancel::new();
    let call = Call::begin(&CallOptions::with_cancel(&cancel));
    let outcomes = {
        let mut execution = pin!(dispatcher.execute(&call, &actions));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..COUNT / 1000 {
            assert!(execution.as_mut().poll(&mut context).is_pending());
        }
        cancel.trigger();
        execution.await.unwrap()
    };
    assert_eq!(outcomes.len(), COUNT);
    for (outcome, action) in outcomes.iter().zip(&actions) {
        assert_eq!(outcome.kind, OutcomeKind::NotSent);
        assert_eq!(name_of(outcome), action.target().name());
        let error = outcome.error.as_ref().unwrap();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
    assert_eq!((service.seen().requests, counters.actions_sent()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_host_out_of_reach_ends_a_run_after_two_requests_in_a_row() {
    for does in [Does::IsOutOfReach, Does::TimesOutConnecting] {
        let service = Scripted::new(&[does; 100]);
        let (dispatcher, _) = service.dispatcher();
        let call = Call::begin(&CallOptions::new());
        let outcomes = dispatcher.execute(&call, &many(1000)).await.unwrap();
        assert_eq!(service.seen().requests, 2);
        for outcome in outcomes {
            assert_eq!(outcome.kind, OutcomeKind::NotSent);
            let error = outcome.error.unwrap();
            assert!(matches!(
                error.kind(),
                ErrorKind::Connect | ErrorKind::Timeout
            ));
        }
    }
    // Two, but not in a row.
    let script = [Does::IsOutOfReach, Does::Answers].repeat(10);
    let service = Scripted::new(&script);
    let (dispatcher, _) = service.dispatcher();
    let call = Call::begin(&CallOptions::new());
    let outcomes = dispatcher.execute(&call, &many(200)).await.unwrap();
    let succeeded = |outcome: &&Outcome| outcome.kind == OutcomeKind::Succeeded;
    assert_eq!(outcomes.iter().filter(succeeded).count(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_queue_tries_a_host_out_of_reach_again_after_a_while() {
    async fn add(
        dispatcher: &Dispatcher,
        pending: &mut PendingActions,
        count: usize,
    ) -> Result<Vec<Outcome>> {
        let call = Call::begin(&CallOptions::new());
        for action in many(count) {
            dispatcher.add(pending, &action);
            dispatcher.send_due(&call, pending).await;
        }
        Ok(pending.outcomes().take())
    }
    let service = Scripted::new(&[Does::IsOutOfReach; 3]);
    let (dispatcher, _) = service.dispatcher();
    let mut pending = dispatcher.pending().of_queue();
    let all_are = |outcomes: &[Outcome], kind| outcomes.iter().all(|o| o.kind == kind);
    let outcomes = add(&dispatcher, &mut pending, 1000).await.unwrap();
    assert_eq!((outcomes.len(), service.seen().requests), (1000, 2));
    assert!(all_are(&outcomes, OutcomeKind::NotSent));
    tokio::time::sleep(Duration::from_secs(31)).await;
    let outcomes = add(&dispatcher, &mut pending, 1000).await.unwrap();
    assert_eq!(service.seen().requests, 3, "one that finds out");
    assert!(all_are(&outcomes, OutcomeKind::NotSent));
    tokio::time::sleep(Duration::from_secs(31)).await;
    let outcomes = add(&dispatcher, &mut pending, 100).await.unwrap();
    assert_eq!((outcomes.len(), service.seen().requests), (100, 13));
    assert!(all_are(&outcomes, OutcomeKind::Succeeded));
}

#[test]
fn the_futures_may_be_moved_to_another_thread() {
    fn check<T: Send + 'static>(_: fn() -> T) {}
    fn check_future<T: Send>(_: T) {}
    check::<super::queue::Queue>(|| unreachable!());
    check::<super::outcome::Outcomes>(|| unreachable!());
    #[allow(dead_code)]
    fn futures(queue: &mut super::queue::Queue, action: &Action, call: &CallOptions) {
        check_future(queue.add(action, call));
        check_future(queue.send_due(call));
        check_future(queue.flush(call));
    }
    #[allow(dead_code)]
    fn execution(client: &crate::Client, actions: &[Action], call: &CallOptions) {
        check_future(client.execute(actions, call));
    }
}
