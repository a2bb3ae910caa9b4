//! The loop of acting: requests go out one after the other, and each action in them gets its outcome.

use super::entry_report::EntryEnd;
use super::in_flight::{Answered, InFlight, Part, Sent};
use super::interpret::{Asked, interpret};
use super::journal::{Journal, NoJournal};
use super::outcome::Outcome;
use super::pending::PendingActions;
use super::run::Run;
use super::sender::Sender;
use super::split::{BatchLimits, Entry};
use crate::call::Call;
use crate::counters::Counters;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::model::action::Action;
use crate::model::command::Command;
use std::borrow::Borrow;
use std::iter;
use std::sync::Arc;

/// The options of a client that concern actions.
#[derive(Clone, Debug)]
pub(crate) struct ActingOptions {
    pub limits: BatchLimits,
    pub test_mode: bool,
    /// Test mode once deleted accounts for real: such actions are refused in it unless this is set as well.
    pub account_deletes_in_test_mode: bool,
}

/// Sends requests of actions for one client.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    sender: Box<dyn Sender>,
    options: ActingOptions,
    counters: Arc<Counters>,
}

/// After so many actions or requests that cost no wait, other tasks get their turn, and the call's end is looked at.
const WITHOUT_A_PAUSE: usize = 256;

impl Dispatcher {
    pub(crate) fn new(
        sender: Box<dyn Sender>,
        options: ActingOptions,
        counters: Arc<Counters>,
    ) -> Self {
        Dispatcher {
            sender,
            options,
            counters,
        }
    }

    pub(crate) fn pending(&self) -> PendingActions {
        self.pending_with(Box::new(NoJournal))
    }

    /// A set of actions whose moments are written down in `journal`.
    pub(crate) fn pending_with(&self, journal: Box<dyn Journal>) -> PendingActions {
        let options = &self.options;
        let counters = self.counters.clone();
        PendingActions::new(options.limits, options.test_mode, counters, journal)
    }

    /// Sends all actions now. Their outcomes stand in the order of the actions. After an error nothing was sent.
    pub(crate) async fn execute<A: Borrow<Action>>(
        &self,
        call: &Call,
        actions: &[A],
    ) -> Result<Vec<Outcome>> {
        self.execute_in(self.pending(), call, actions).await
    }

    /// Sends all actions now, as the actions of an empty set. After an error nothing was sent.
    pub(crate) async fn execute_in<A: Borrow<Action>>(
        &self,
        mut pending: PendingActions,
        call: &Call,
        actions: &[A],
    ) -> Result<Vec<Outcome>> {
        for (position, action) in actions.iter().enumerate() {
            check_action(action.borrow())
                .map_err(|e| e.context(format_args!("actions[{position}]")))?;
        }
        pending.accept(actions.len(), actions.iter().map(Borrow::borrow))?;
        let mut run = Run::new(&pending);
        for (position, action) in actions.iter().enumerate() {
            if position % WITHOUT_A_PAUSE == 0 {
                pause(call, &mut run).await;
            }
            match run.fatal() {
                Some(error) => pending.refuse(action.borrow(), error.clone()),
                None => self.add_accepted(&mut pending, action.borrow()),
            }
        }
        self.send_rest(call, &mut pending, &mut run).await;
        Ok(pending.outcomes().take_in_order())
    }

    /// Adds one action. Nothing is sent. After an error the action is not there.
    pub(crate) fn add(&self, pending: &mut PendingActions, action: &Action) -> Result<()> {
        check_action(action)?;
        pending.accept(1, iter::once(action))?;
        self.add_accepted(pending, action);
        Ok(())
    }

    fn add_accepted(&self, pending: &mut PendingActions, action: &Action) {
        match self.refuse_locally(action) {
            Some(error) => pending.refuse(action, error),
            None => pending.add(action),
        }
    }

    fn refuse_locally(&self, action: &Action) -> Option<Error> {
        let options = &self.options;
        let deletes = action.commands().iter().any(Command::may_delete_account);
        let refused = deletes && options.test_mode && !options.account_deletes_in_test_mode;
        refused.then(|| {
            Error::invalid_argument(
                "delete_account",
                "is refused in test mode, since the service has been seen to delete for real; \
                 allow it in the client's options if that is meant",
            )
        })
    }

    /// Sends every request that is full, and those that must go before it.
    pub(crate) async fn send_due(&self, call: &Call, pending: &mut PendingActions) {
        let mut run = Run::new(pending);
        while let Some(request) = pending.batcher.take_due() {
            self.send(call, pending, request, &mut run).await;
        }
    }

    /// Sends every request.
    pub(crate) async fn send_all(&self, call: &Call, pending: &mut PendingActions) {
        let mut run = Run::new(pending);
        self.send_rest(call, pending, &mut run).await;
    }

    async fn send_rest(&self, call: &Call, pending: &mut PendingActions, run: &mut Run) {
        let mut requests = 0;
        while let Some(request) = pending.batcher.take_oldest() {
            self.send(call, pending, request, run).await;
            requests += 1;
            if requests % WITHOUT_A_PAUSE == 0 {
                pause(call, run).await;
            }
        }
    }

    /// Sends one request. If the service refuses it as a whole, its halves are sent, so that one bad action does not
    /// make others fail; if the answer is lost, the entries that may run twice. The future may be dropped at any moment.
    async fn send(
        &self,
        call: &Call,
        pending: &mut PendingActions,
        mut request: Vec<Entry>,
        run: &mut Run,
    ) {
        pending.leave_out_broken(&mut request);
        let mut in_flight = InFlight::new(pending, request);
        loop {
            run.learn_from(in_flight.pending);
            let send = in_flight.send_next(&*self.sender, call, run.fatal());
            let Some(sent) = send.await else {
                return;
            };
            if !self.end(&mut in_flight, sent, run) {
                run.report(call, in_flight.pending);
            }
        }
    }

    /// Gives the entries of a part their ends, or has them sent again. Whether all of them are sent again.
    fn end(&self, in_flight: &mut InFlight<'_>, sent: Sent, run: &mut Run) -> bool {
        let Sent {
            part,
            result,
            repeat,
        } = sent;
        let error = match result {
            Ok(answered) => {
                run.note_answer();
                self.take_answer(in_flight.pending, &part.entries, answered);
                return false;
            }
            Err(error) => error,
        };
        match (error.delivery(), repeat) {
            (Delivery::Unknown, Some(repeat)) => repeat_safe(in_flight, part, error, repeat),
            (Delivery::Answered, _) if part.entries.len() > 1 && error.is_about_content() => {
                bisect(in_flight, part);
                return true;
            }
            _ => {
                run.note_failure(&error, part.entries.len());
                in_flight.pending.end_all(&part.entries, error);
            }
        }
        false
    }

    fn take_answer(&self, pending: &mut PendingActions, entries: &[Entry], answered: Answered) {
        let asked = Asked {
            test_mode: self.options.test_mode,
            repeated: answered.repeated,
        };
        let actions: Vec<_> = entries
            .iter()
            .map(|entry| pending.action_of(entry))
            .collect();
        let reports = interpret(entries, &actions, answered.answer, asked);
        for (entry, report) in entries.iter().zip(reports) {
            if let EntryEnd::Failed(error) = &report.end
                && error.kind() == ErrorKind::WrongMode
            {
                pending.stop(error);
            }
            pending.end(entry, report);
        }
    }
}

/// Lets other tasks have their turn, and looks whether the call is over. Nothing is under way meanwhile.
async fn pause(call: &Call, run: &mut Run) {
    tokio::task::yield_now().await;
    if let Err(error) = call.ensure_active() {
        run.stop(&error);
    }
}

/// Has a part that was refused as a whole sent again in halves.
fn bisect(in_flight: &mut InFlight<'_>, mut part: Part) {
    let later = part.entries.split_off(part.entries.len() / 2);
    for entries in [later, part.entries] {
        in_flight.add(entries, Delivery::Answered);
    }
}

/// Has those entries of a part whose answer was lost sent again that may run twice, unless `repeat` says why not.
fn repeat_safe(in_flight: &mut InFlight<'_>, part: Part, lost: Error, repeat: Result<()>) {
    let (safe, other): (Vec<_>, Vec<_>) = part
        .entries
        .into_iter()
        .partition(|entry| entry.replay_safe);
    in_flight.pending.end_all(&other, lost);
    match repeat {
        Ok(()) => in_flight.add(safe, Delivery::Unknown),
        Err(error) => {
            let error = error.with_delivery(Delivery::Unknown);
            in_flight.pending.end_all(&safe, error);
        }
    }
}

/// Refuses an action that can never be right, before anything is sent.
fn check_action(action: &Action) -> Result<()> {
    match action.commands().is_empty() {
        true => Err(Error::invalid_argument("action", "has no commands")),
        false => Ok(()),
    }
}
