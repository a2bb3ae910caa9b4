//! The outcome of an action, and the outcomes of a queue that were not taken yet.

use crate::error::Error;
use crate::json::text::SharedText;
use crate::lock::lock;
use crate::model::command::{Action, Target};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// Every command was applied (in test mode: would have been).
    Succeeded,
    /// The service refused a command, or the rest of the action could not be sent. The findings and the error tell why.
    Failed,
    /// Nothing of the action was applied; the error tells why.
    NotSent,
    /// The action was sent, and the answer was lost or contradicts itself: it may or may not have been applied.
    Unknown,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The service refused the command.
    Error,
    /// The service applied the command and remarked on it, or refused a repeat of the library because the first run had
    /// succeeded.
    Warning,
}

/// An error or warning of the service about one command.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whether the service refused the command or remarked on it.
    pub severity: Severity,
    /// The number of the caller's command, from 0; `None` where the service did not name it.
    pub command: Option<usize>,
    /// The JSON of that command.
    pub command_json: Option<SharedText>,
    /// The service's code as it came.
    pub code: Option<String>,
    /// The service's words.
    pub message: Option<String>,
    /// The action's `requestID` as the service repeats it.
    pub request_id: Option<String>,
    /// The user, or for a group action the group, as the service names it.
    pub user: Option<String>,
}

/// The outcome of one action.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of the action.
    pub kind: OutcomeKind,
    /// The tag that the caller gave the action.
    pub tag: u64,
    /// The user or group that the action is about.
    pub target: Target,
    /// How many of the action's commands, counted from the first, are known to have been applied.
    pub applied: usize,
    /// The service's errors and warnings about single commands, in its order.
    pub findings: Vec<Finding>,
    /// The error of the request that failed, where no command of the action was refused.
    pub error: Option<Error>,
    /// Whether the action was sent in test mode, in which the service changes nothing.
    pub test_mode: bool,
}

impl Outcome {
    pub(super) fn new(action: &Action, kind: OutcomeKind, test_mode: bool) -> Self {
        Outcome {
            kind,
            tag: action.tag(),
            target: action.target().clone(),
            applied: 0,
            findings: Vec::new(),
            error: None,
            test_mode,
        }
    }

    pub(crate) fn not_sent(action: &Action, error: Error, test_mode: bool) -> Self {
        Outcome {
            error: Some(error),
            ..Outcome::new(action, OutcomeKind::NotSent, test_mode)
        }
    }
}

/// The outcomes of a queue that were not taken yet. Clones share them, so that they can be taken from any thread, also
/// while a call of the queue runs.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    /// Each outcome with the number of its action.
    outcomes: Mutex<Vec<(usize, Outcome)>>,
    pending: AtomicUsize,
}

impl Outcomes {
    /// Takes the outcomes since the last time, in the order in which the actions got them.
    pub fn take(&self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut *lock(&self.0.outcomes));
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// How many actions have no outcome yet.
    pub fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Relaxed)
    }

    /// Takes the outcomes as [`Outcomes::take`] does, in the order of the actions.
    pub(crate) fn take_in_order(&self) -> Vec<Outcome> {
        lock(&self.0.outcomes).sort_by_key(|(number, _)| *number);
        self.take()
    }

    pub(crate) fn push(&self, number: usize, outcome: Outcome) {
        lock(&self.0.outcomes).push((number, outcome));
    }

    pub(crate) fn set_pending(&self, pending: usize) {
        self.0.pending.store(pending, Ordering::Relaxed);
    }
}
