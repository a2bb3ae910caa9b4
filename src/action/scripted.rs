//! A sender that stands for the service in tests and follows a script.

use super::execute::{ActingOptions, Dispatcher};
use super::sender::{Boxed, Sender};
use super::split::BatchLimits;
use crate::call::Call;
use crate::counters::Counters;
use crate::error::{Delivery, Error, ErrorKind};
use crate::http::perform::Trace;
use crate::http::retry::Replay;
use crate::lock::lock;
use crate::model::answer::{self, ActionAnswer};
use crate::model::command::{Action, NewUser, OnConflict};
use crate::model::user::IdentityType;
use bytes::Bytes;
use futures_util::future::poll_fn;
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What the service does with one request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
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
pub(super) struct Seen {
    pub arrived: BTreeMap<String, usize>,
    pub changed: BTreeMap<String, usize>,
    pub requests: usize,
}

/// A service that does with one request after the other what its script says, and answers all others.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    pub script: Arc<Mutex<Vec<Does>>>,
    pub seen: Arc<Mutex<Seen>>,
    /// How often each wait is polled; `None` for a wait without end.
    pub wait_to_repeat: Option<usize>,
}

impl Scripted {
    pub(super) fn new(script: &[Does]) -> Self {
        let script = script.iter().rev().copied().collect();
        Scripted {
            script: Arc::new(Mutex::new(script)),
            seen: Arc::default(),
            wait_to_repeat: Some(2),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    pub(super) fn dispatcher(&self) -> (Dispatcher, Arc<Counters>) {
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
pub(super) fn joining(number: usize) -> Action {
    let mut action = user(&format!("safe{number}"));
    action.add_to_groups(&["G"]).unwrap();
    action
}

/// May not.
pub(super) fn creating(number: usize) -> Action {
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
pub(super) fn long(number: usize) -> Action {
    let mut action = user(&format!("long{number}"));
    for step in 0..15 {
        action.add_to_groups(&[format!("G{step}")]).unwrap();
    }
    action
}

pub(super) fn mixed_actions() -> Vec<Action> {
    let actions = (0..14).map(|number| match number % 3 {
        0 => joining(number),
        1 => creating(number),
        _ => long(number),
    });
    actions.collect()
}

pub(super) const SCRIPTS: [&[Does]; 7] = [
    &[],
    &[Does::Refuses; 4],
    &[Does::IsLost],
    &[Does::IsLost, Does::IsLost, Does::Answers, Does::IsLost],
    &[Does::Throttles, Does::Refuses, Does::IsLost],
    &[Does::IsOutOfReach, Does::Answers, Does::IsOutOfReach],
    &[Does::Refuses, Does::IsLost, Does::TimesOutConnecting],
];

/// Polls a future so many times, and drops it.
pub(super) fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return Some(result);
        }
    }
    None
}

pub(super) fn many(count: usize) -> Vec<Action> {
    (0..count).map(joining).collect()
}
