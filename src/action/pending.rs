//! Actions that have no outcome yet: the requests that they wait in, their journal, and the outcomes not yet fetched.

use super::batch::Batcher;
use super::entry_report::{EntryEnd, EntryReport};
use super::journal::Journal;
use super::outcome::{Finding, Outcome, OutcomeKind, Outcomes};
use super::reach::Reach;
use super::split::{BatchLimits, Entry, split};
use crate::counters::Counters;
use crate::error::{Delivery, Error, Result};
use crate::model::action::Action;
use crate::number_map::NumberMap;
use std::collections::hash_map;
use std::sync::Arc;

/// A set of actions on their way to their outcomes, numbered in the order in which they were accepted.
#[derive(Debug)]
pub(crate) struct PendingActions {
    limits: BatchLimits,
    test_mode: bool,
    pub(super) batcher: Batcher,
    reach: Reach,
    /// No further request may go out: the service works in another mode than was asked for, or the journal failed.
    stopped: Option<Error>,
    in_progress: NumberMap<usize, PendingAction>,
    outcomes: Outcomes,
    journal: Box<dyn Journal>,
    counters: Arc<Counters>,
    /// Whether its actions count as queued until they have their outcome.
    is_queue: bool,
    /// How many actions have been accepted.
    accepted: usize,
    /// How many of them were added or refused.
    added: usize,
    /// How many of them have their outcome.
    settled: usize,
}

impl PendingActions {
    /// For actions that are sent as soon as all of them are added.
    pub(crate) fn new(
        limits: BatchLimits,
        test_mode: bool,
        counters: Arc<Counters>,
        journal: Box<dyn Journal>,
    ) -> Self {
        PendingActions {
            limits,
            test_mode,
            batcher: Batcher::new(limits.entries_per_request),
            reach: Reach::default(),
            stopped: None,
            in_progress: NumberMap::default(),
            outcomes: Outcomes::default(),
            journal,
            counters,
            is_queue: false,
            accepted: 0,
            added: 0,
            settled: 0,
        }
    }

    /// The same for actions that gather.
    pub(crate) fn of_queue(mut self) -> Self {
        self.is_queue = true;
        self
    }

    /// Takes on `count` actions, each of which has to be added or refused next, in this order. After an error none of
    /// them is here.
    pub(super) fn accept<'a>(
        &mut self,
        count: usize,
        mut actions: impl Iterator<Item = &'a Action> + 'a,
    ) -> Result<()> {
        self.journal.accepted(self.accepted, &mut actions)?;
        self.accepted += count;
        Ok(())
    }

    /// Splits an accepted action and gives its entries their places. Nothing is sent.
    pub(super) fn add(&mut self, action: &Action) {
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

    /// Ends an accepted action before it comes into any request.
    pub(super) fn refuse(&mut self, action: &Action, error: Error) {
        let number = self.next_number();
        self.settle(number, Outcome::not_sent(action, error, self.test_mode));
    }

    fn next_number(&mut self) -> usize {
        debug_assert!(self.added < self.accepted, "an action is accepted first");
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
        self.stopped.as_ref().or_else(|| self.reach.error())
    }

    /// Lets no further request go out, because of `error`.
    pub(super) fn stop(&mut self, error: &Error) {
        self.stopped
            .get_or_insert_with(|| error.clone().with_delivery(Delivery::NotSent));
    }

    /// Notes the end of a request that was tried: an answer, or an error whose delivery is that of this request alone.
    pub(super) fn note_reach(&mut self, error: Option<&Error>) {
        match error {
            Some(error) if error.delivery() == Delivery::NotSent => self.reach.note_failure(error),
            _ => self.reach.note_answer(),
        }
    }

    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    pub(super) fn action_of(&self, entry: &Entry) -> &Action {
        &self.in_progress[&entry.action].action
    }

    /// Has it recorded that a request with these entries is to go out. After an error it must not.
    pub(super) fn about_to_send(&mut self, entries: &[Entry]) -> Result<()> {
        let mut actions = entries.iter().map(|entry| entry.action);
        self.journal.about_to_send(&mut actions).map_err(|error| {
            self.stop(&error);
            error.with_delivery(Delivery::NotSent)
        })
    }

    /// Notes that the entries may have reached the service.
    pub(super) fn mark_sent(&mut self, entries: &[Entry]) {
        let mut first_times = 0;
        for entry in entries {
            let action = self.in_progress.get_mut(&entry.action);
            let was_sent = std::mem::replace(&mut action.expect(IN_PROGRESS).sent, true);
            first_times += usize::from(!was_sent);
        }
        self.counters.add_actions_sent(first_times);
    }

    /// Takes the end of an entry, and gives its action the outcome if this was its last entry.
    pub(super) fn end(&mut self, entry: &Entry, report: EntryReport) {
        self.change(entry, |action| {
            for finding in report.findings {
                action.add_finding(finding);
            }
            action.end_entry(report.end, entry.completes);
        });
    }

    /// Ends the entries of a request that failed; the delivery of `error` tells how far they got.
    pub(super) fn end_all(&mut self, entries: &[Entry], error: Error) {
        for entry in entries {
            self.change(entry, |action| {
                action.end_entry(EntryEnd::Failed(error.clone()), entry.completes);
            });
        }
    }

    /// Leaves out the entries of actions that have failed already.
    pub(super) fn leave_out_broken(&mut self, request: &mut Vec<Entry>) {
        request.retain(|entry| {
            let is_broken = self.in_progress[&entry.action].is_broken();
            if is_broken {
                self.change(entry, PendingAction::skip_entry);
            }
            !is_broken
        });
    }

    /// Changes the action of an entry, and gives it its outcome if it is over by that.
    fn change(&mut self, entry: &Entry, change: impl FnOnce(&mut PendingAction)) {
        let hash_map::Entry::Occupied(mut place) = self.in_progress.entry(entry.action) else {
            unreachable!("{IN_PROGRESS}");
        };
        change(place.get_mut());
        if !place.get().is_over() {
            return;
        }
        let outcome = place.remove().outcome;
        self.count_pending();
        if self.is_queue {
            self.counters.drop_actions_queued(1);
        }
        if outcome.kind == OutcomeKind::Succeeded {
            self.counters.add_actions_completed(1);
        }
        self.settle(entry.action, outcome);
    }

    fn settle(&mut self, number: usize, outcome: Outcome) {
        self.settled += 1;
        if let Err(error) = self.journal.settled(number, &outcome) {
            self.stop(&error);
        }
        self.outcomes.push(number, outcome);
    }

    fn count_pending(&self) {
        self.outcomes.set_pending(self.pending());
    }
}

const IN_PROGRESS: &str = "the action of an entry without an end is in progress";

impl Drop for PendingActions {
    fn drop(&mut self) {
        if self.is_queue {
            self.counters.drop_actions_queued(self.pending());
        }
    }
}

/// An action on its way to its outcome: its entries end one after the other.
#[derive(Debug)]
struct PendingAction {
    action: Action,
    outcome: Outcome,
    entries_left: usize,
    entries_applied: usize,
    /// Whether some of it may have reached the service.
    sent: bool,
}

impl PendingAction {
    fn new(action: Action, entries: usize, test_mode: bool) -> Self {
        let outcome = Outcome::new(&action, OutcomeKind::Succeeded, test_mode);
        PendingAction {
            action,
            outcome,
            entries_left: entries,
            entries_applied: 0,
            sent: false,
        }
    }

    /// Whether the rest of the action must not be sent: the service stops an entry at the first step that it refuses,
    /// and being split must not change what an action means.
    fn is_broken(&self) -> bool {
        self.outcome.kind != OutcomeKind::Succeeded
    }

    fn is_over(&self) -> bool {
        self.entries_left == 0
    }

    fn skip_entry(&mut self) {
        self.entries_left -= 1;
    }

    fn add_finding(&mut self, mut finding: Finding) {
        finding.command_json = finding
            .command
            .and_then(|command| self.action.commands().get(command))
            .map(|command| command.shared_json());
        self.outcome.findings.push(finding);
    }

    /// Takes the end of the next entry; `completes` is how many commands are done once the entry is applied.
    fn end_entry(&mut self, end: EntryEnd, completes: usize) {
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
            EntryEnd::Failed(error) => {
                outcome.kind = match error.delivery() {
                    Delivery::NotSent if self.entries_applied == 0 => OutcomeKind::NotSent,
                    Delivery::NotSent | Delivery::Answered => OutcomeKind::Failed,
                    Delivery::Unknown => OutcomeKind::Unknown,
                };
                outcome.error = Some(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::NoJournal;
    use super::*;
    use crate::error::ErrorKind;

    /// Two entries of ten steps.
    fn long_action() -> Action {
        let mut action = Action::on_user("a@example.com", None).unwrap();
        for group in 0..20 {
            action.add_to_groups(&[format!("G{group}")]).unwrap();
        }
        action
    }

    fn ends(ends: [EntryEnd; 2]) -> (OutcomeKind, usize) {
        let mut action = PendingAction::new(long_action(), 2, false);
        for (end, completes) in ends.into_iter().zip([10, 20]) {
            action.end_entry(end, completes);
        }
        assert!(action.is_over());
        (action.outcome.kind, action.outcome.applied)
    }

    fn failed(delivery: Delivery) -> EntryEnd {
        EntryEnd::Failed(Error::new(ErrorKind::Server, "down").with_delivery(delivery))
    }

    #[test]
    fn the_delivery_of_the_last_entry_makes_the_outcome() {
        use EntryEnd::Applied;
        use OutcomeKind::*;
        assert_eq!(ends([Applied, Applied]), (Succeeded, 20));
        assert_eq!(ends([Applied, failed(Delivery::NotSent)]), (Failed, 10));
        assert_eq!(ends([Applied, failed(Delivery::Answered)]), (Failed, 10));
        assert_eq!(ends([Applied, failed(Delivery::Unknown)]), (Unknown, 10));
        let mut action = PendingAction::new(long_action(), 2, false);
        action.end_entry(failed(Delivery::NotSent), 10);
        assert!(action.is_broken() && !action.is_over());
        action.skip_entry();
        assert!(action.is_over());
        assert_eq!(action.outcome.kind, NotSent);
    }

    #[test]
    fn a_stopped_set_tells_its_first_error_as_not_sent() {
        let limits = BatchLimits::default();
        let mut pending = PendingActions::new(limits, false, Arc::default(), Box::new(NoJournal));
        assert!(pending.fatal().is_none());
        let error = |what| Error::protocol(what);
        pending.stop(&error("first"));
        pending.stop(&error("second"));
        let told = pending.fatal().unwrap();
        assert_eq!(
            (told.message(), told.delivery()),
            ("first", Delivery::NotSent)
        );
    }
}
