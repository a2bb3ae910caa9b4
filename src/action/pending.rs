//! Actions that have no outcome yet, the requests that they wait in, and the outcomes not yet fetched.

use super::batch::Batcher;
use super::execute::Lost;
use super::outcome::{Outcome, OutcomeKind, Outcomes, PendingAction};
use super::reach::Reach;
use super::split::{BatchLimits, Entry, split};
use crate::counters::Counters;
use crate::error::Error;
use crate::model::action::Action;
use crate::number_map::NumberMap;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct PendingActions {
    limits: BatchLimits,
    test_mode: bool,
    pub(super) batcher: Batcher,
    pub(super) reach: Reach,
    /// The service works in another mode than was asked for: no further request may go out.
    pub(super) wrong_mode: Option<Error>,
    in_progress: NumberMap<usize, PendingAction>,
    outcomes: Outcomes,
    counters: Arc<Counters>,
    /// Whether its actions count as queued until they have their outcome.
    is_queue: bool,
    added: usize,
    settled: usize,
}

impl PendingActions {
    /// For actions that are sent as soon as all of them are added.
    pub(crate) fn new(limits: BatchLimits, test_mode: bool, counters: Arc<Counters>) -> Self {
        PendingActions {
            limits,
            test_mode,
            batcher: Batcher::new(limits.entries_per_request),
            reach: Reach::default(),
            wrong_mode: None,
            in_progress: NumberMap::default(),
            outcomes: Outcomes::default(),
            counters,
            is_queue: false,
            added: 0,
            settled: 0,
        }
    }

    /// The same for actions that gather.
    pub(crate) fn of_queue(mut self) -> Self {
        self.is_queue = true;
        self
    }

    /// Splits the action and gives its entries their places. Nothing is sent.
    pub(crate) fn add(&mut self, action: &Action) {
        let number = self.next_number();
        let entries = split(action, number, &self.limits);
        let in_progress = PendingAction::new(action.clone(), entries.len(), self.test_mode);
        self.in_progress.insert(number, in_progress);
        self.count_pending();
        if self.is_queue {
            self.counters.add_actions_queued(1);
        }
        for entry in entries {
            self.batcher.push(entry);
        }
    }

    /// Ends the action before it comes into any request.
    pub(crate) fn refuse(&mut self, action: &Action, error: Error) {
        let number = self.next_number();
        self.finish(number, Outcome::not_sent(action, error, self.test_mode));
    }

    fn next_number(&mut self) -> usize {
        self.added += 1;
        self.added - 1
    }

    /// How many actions have no outcome yet.
    pub(crate) fn pending(&self) -> usize {
        self.in_progress.len()
    }

    /// How many actions have ever got their outcome here.
    pub(crate) fn settled(&self) -> usize {
        self.settled
    }

    /// An error that would meet every further request as well.
    pub(super) fn fatal(&self) -> Option<&Error> {
        self.wrong_mode.as_ref().or_else(|| self.reach.error())
    }

    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    pub(super) fn action_of(&self, entry: &Entry) -> &Action {
        self.in_progress[&entry.action].action()
    }

    pub(super) fn action_mut(&mut self, entry: &Entry) -> &mut PendingAction {
        self.in_progress
            .get_mut(&entry.action)
            .expect("an entry's action is under way")
    }

    /// Notes that the entries may have reached the service.
    pub(super) fn mark_sent(&mut self, entries: &[Entry]) {
        let mut first_times = 0;
        for entry in entries {
            first_times += usize::from(self.action_mut(entry).mark_sent());
        }
        self.counters.add_actions_sent(first_times);
    }

    /// Gives the action its outcome if this was its last entry.
    pub(super) fn settle(&mut self, entry: &Entry) {
        if !self.action_mut(entry).is_over() {
            return;
        }
        let done = self.in_progress.remove(&entry.action);
        let outcome = done.expect("it was just there").into_outcome();
        self.count_pending();
        if self.is_queue {
            self.counters.drop_actions_queued(1);
        }
        if outcome.kind == OutcomeKind::Succeeded {
            self.counters.add_actions_completed(1);
        }
        self.finish(entry.action, outcome);
    }

    fn finish(&mut self, number: usize, outcome: Outcome) {
        self.settled += 1;
        self.outcomes.push(number, outcome);
    }

    fn count_pending(&self) {
        self.outcomes.set_pending(self.pending());
    }

    pub(super) fn end_all(&mut self, entries: &[Entry], lost: Lost) {
        let end = lost.into_end();
        for entry in entries {
            self.action_mut(entry)
                .end_entry(end.clone(), entry.completes);
            self.settle(entry);
        }
    }

    /// Entries of actions that have failed already are not sent.
    pub(super) fn leave_out_broken(&mut self, request: Vec<Entry>) -> Vec<Entry> {
        let (broken, sound): (Vec<_>, Vec<_>) = request
            .into_iter()
            .partition(|entry| self.action_mut(entry).is_broken());
        for entry in broken {
            self.action_mut(&entry).skip_entry();
            self.settle(&entry);
        }
        sound
    }
}

impl Drop for PendingActions {
    fn drop(&mut self) {
        if self.is_queue {
            self.counters.drop_actions_queued(self.pending());
        }
    }
}
