//! Sending, tested against a scripted service: futures that are dropped half way, hosts out of reach, cancels.

use super::execute::Dispatcher;
use super::outcome::{Outcome, OutcomeKind};
use super::pending::PendingActions;
use super::scripted::{Does, SCRIPTS, Scripted, Seen};
use super::scripted::{creating, joining, many, mixed_actions, poll_times};
use crate::call::Call;
use crate::call::cancel::Cancel;
use crate::call::options::CallOptions;
use crate::counters::Counters;
use crate::error::{ErrorKind, Result};
use crate::model::command::Action;
use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

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
        dispatcher.add(&mut pending, action).unwrap();
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
            dispatcher.add(pending, &action)?;
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
