//! What became of an action: the truth, the whole of it, once.

use crate::error::Error;
use crate::json::text::SharedText;
use crate::lock::lock;
use crate::model::action::Action;
use crate::model::target::Target;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// Every command was applied (in test mode: would have been).
    Succeeded,
    /// The service refused a command, or the action could not be finished: the findings and the error tell.
    Failed,
    /// Nothing of it was applied; the error tells why.
    NotSent,
    /// It was sent, and the answer lost or at odds with itself: it may or may not have been applied.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// An error or warning of the service about one command.
#[derive(Clone, Debug)]
pub struct Finding {
    pub severity: Severity,
    /// Which of the caller's commands, from 0; `None` where the service did not say.
    pub command: Option<usize>,
    /// That command's JSON.
    pub command_json: Option<SharedText>,
    pub code: Option<String>,
    pub message: Option<String>,
    /// The action's `requestID` as the service repeats it.
    pub request_id: Option<String>,
    /// The user, or for a group action the group, as the service names it.
    pub user: Option<String>,
}

/// The outcome of one action.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub kind: OutcomeKind,
    /// The number that the caller gave the action.
    pub tag: u64,
    pub target: Target,
    /// How many of the action's commands, counted from the first, are known to have been applied.
    pub applied: usize,
    pub findings: Vec<Finding>,
    /// Why the request, rather than a command in it, failed.
    pub error: Option<Error>,
    pub test_mode: bool,
}

impl Outcome {
    fn new(action: &Action, kind: OutcomeKind, test_mode: bool) -> Self {
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

/// The outcomes of a queue that were not taken yet. Clones share them, so that they can be taken while the queue itself
/// is busy with a call, and from any thread.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    /// Each with the number of its action.
    outcomes: Mutex<Vec<(usize, Outcome)>>,
    pending: AtomicUsize,
}

impl Outcomes {
    /// The outcomes since the last time, in the order in which they came about.
    pub fn take(&self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut *lock(&self.0.outcomes));
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// How many actions have no outcome yet.
    pub fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Relaxed)
    }

    /// The same as [`Outcomes::take`], in the order of the actions.
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

/// What became of one entry of an action.
#[derive(Clone, Debug)]
pub(crate) enum EntryEnd {
    Applied,
    /// The service named what it refused.
    Refused {
        first_bad_command: Option<usize>,
    },
    /// The service refused the request as a whole.
    RequestRefused(Error),
    NotSent(Error),
    Unknown(Error),
}

/// An action on its way to its outcome: its entries report, one after the other.
#[derive(Debug)]
pub(crate) struct PendingAction {
    action: Action,
    outcome: Outcome,
    entries_left: usize,
    entries_applied: usize,
    sent: bool,
}

impl PendingAction {
    pub(crate) fn new(action: Action, entries: usize, test_mode: bool) -> Self {
        let outcome = Outcome::new(&action, OutcomeKind::Succeeded, test_mode);
        PendingAction {
            action,
            outcome,
            entries_left: entries,
            entries_applied: 0,
            sent: false,
        }
    }

    pub(crate) fn action(&self) -> &Action {
        &self.action
    }

    /// Whether the rest of the action must not be sent: the service stops an entry at the first step that it refuses,
    /// and being split must not change what an action means.
    pub(crate) fn is_broken(&self) -> bool {
        self.outcome.kind != OutcomeKind::Succeeded
    }

    pub(crate) fn is_over(&self) -> bool {
        self.entries_left == 0
    }

    /// Notes that some of it may have reached the service; whether that is news.
    pub(crate) fn mark_sent(&mut self) -> bool {
        !std::mem::replace(&mut self.sent, true)
    }

    pub(crate) fn skip_entry(&mut self) {
        self.entries_left -= 1;
    }

    pub(crate) fn add_finding(&mut self, mut finding: Finding) {
        finding.command_json = finding
            .command
            .and_then(|command| self.action.commands().get(command))
            .map(|command| command.shared_json());
        self.outcome.findings.push(finding);
    }

    /// Takes the report of the next entry; `completes` is how many commands are done once it is applied.
    pub(crate) fn end_entry(&mut self, end: EntryEnd, completes: usize) {
        self.entries_left -= 1;
        let outcome = &mut self.outcome;
        match end {
            EntryEnd::Applied => {
                self.entries_applied += 1;
                outcome.applied = completes;
            }
            EntryEnd::Refused { first_bad_command } => {
                outcome.kind = OutcomeKind::Failed;
                outcome.applied = first_bad_command.unwrap_or(0).max(outcome.applied);
            }
            EntryEnd::RequestRefused(error) => {
                outcome.kind = OutcomeKind::Failed;
                outcome.error = Some(error);
            }
            EntryEnd::NotSent(error) => {
                outcome.kind = match self.entries_applied {
                    0 => OutcomeKind::NotSent,
                    _ => OutcomeKind::Failed,
                };
                outcome.error = Some(error);
            }
            EntryEnd::Unknown(error) => {
                outcome.kind = OutcomeKind::Unknown;
                outcome.error = Some(error);
            }
        }
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        self.outcome
    }
}
