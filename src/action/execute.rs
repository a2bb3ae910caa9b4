//! Requests go out one after the other, and each action in them gets its outcome.

use super::in_flight::{InFlight, Part, Sending};
use super::interpret::{Asked, interpret};
use super::outcome::{EntryEnd, Outcome};
use super::pending::PendingActions;
use super::sender::Sender;
use super::split::{BatchLimits, Entry};
use crate::call::Call;
use crate::call::progress::Progress;
use crate::counters::Counters;
use crate::error::{Delivery, Error, ErrorKind, Origin, Result};
use crate::http::perform::{Replay, Trace};
use crate::model::action::Action;
use crate::model::answer::ActionAnswer;
use crate::model::command::Command;
use bytes::Bytes;
use std::borrow::Borrow;
use std::sync::Arc;

/// How a client acts.
#[derive(Clone, Debug)]
pub(crate) struct ActingOptions {
    pub limits: BatchLimits,
    pub test_mode: bool,
    /// Test mode once deleted accounts for real: they are refused in it unless this is set as well.
    pub account_deletes_in_test_mode: bool,
}

/// Sends requests of actions for one client.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    sender: Box<dyn Sender>,
    options: ActingOptions,
    counters: Arc<Counters>,
}

/// After so many actions or requests that cost no wait, others get their turn, and the call's end is looked at.
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
        let options = &self.options;
        PendingActions::new(options.limits, options.test_mode, self.counters.clone())
    }

    /// Sends all actions now. Their outcomes stand in the order of the actions.
    pub(crate) async fn execute<A: Borrow<Action>>(
        &self,
        call: &Call,
        actions: &[A],
    ) -> Result<Vec<Outcome>> {
        for (position, action) in actions.iter().enumerate() {
            check(action.borrow()).map_err(|e| e.context(format_args!("actions[{position}]")))?;
        }
        let mut pending = self.pending();
        let mut run = Run::new(&pending);
        for (position, action) in actions.iter().enumerate() {
            if position % WITHOUT_A_PAUSE == 0 {
                self.pause(call, &mut run).await;
            }
            match &run.fatal {
                Some(error) => pending.refuse(action.borrow(), error.clone()),
                None => self.add(&mut pending, action.borrow()),
            }
        }
        self.send_rest(call, &mut pending, &mut run).await;
        Ok(pending.outcomes().take_in_order())
    }

    /// Adds the action, unless it is refused here. Nothing is sent.
    pub(crate) fn add(&self, pending: &mut PendingActions, action: &Action) {
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
                self.pause(call, run).await;
            }
        }
    }

    /// Lets other work have its turn, and looks whether the call is over. Nothing is on its way meanwhile.
    async fn pause(&self, call: &Call, run: &mut Run) {
        tokio::task::yield_now().await;
        if let Err(error) = call.check() {
            run.fatal.get_or_insert(error);
        }
    }

    /// Sends one request. If the service refuses it whole, its halves, so that one bad action does not take the others
    /// with it; if the answer is lost, the part that may run twice. It may be dropped at any moment.
    async fn send(
        &self,
        call: &Call,
        pending: &mut PendingActions,
        request: Vec<Entry>,
        run: &mut Run,
    ) {
        let request = pending.leave_out_broken(request);
        let mut in_flight = InFlight::new(pending, request);
        while let Some(part) = in_flight.part() {
            let is_tried = run.fatal.is_none();
            let result = match &run.fatal {
                Some(error) => Err(Lost::NotSent(error.clone())),
                None => self.post(call, part, in_flight.trace()).await,
            };
            let may_be_repeated = match &result {
                Err(Lost::Unknown(error)) if part.is_mixed() => {
                    let wait = self.sender.wait_to_repeat(call, error.clone());
                    Some(call.until_cancelled_or_due(wait).await)
                }
                _ => None,
            };
            let Some(part) = in_flight.take_part() else {
                break;
            };
            if is_tried {
                note_reach(in_flight.pending, &result);
            }
            let result = result.map_err(|lost| part.sending.after(lost));
            if !matches!(result, Err(Lost::NotSent(_))) {
                in_flight.pending.mark_sent(&part.entries);
            }
            match (result, may_be_repeated) {
                (Ok(answered), _) => {
                    run.blocked_in_a_row = 0;
                    self.take_answer(in_flight.pending, &part.entries, answered);
                }
                (Err(Lost::Unknown(error)), Some(may_be_repeated)) => {
                    repeat_safe(&mut in_flight, part, error, may_be_repeated);
                }
                (Err(Lost::Refused(error)), _)
                    if part.entries.len() > 1 && error.is_about_content() =>
                {
                    bisect(&mut in_flight, part);
                    continue;
                }
                (Err(lost), _) => {
                    if lost.is_fatal_for_run() || run.is_blocked_by(&lost, part.entries.len()) {
                        run.fatal = Some(lost.error().clone());
                    }
                    in_flight.pending.end_all(&part.entries, lost);
                }
            }
            run.fatal = run
                .fatal
                .take()
                .or_else(|| in_flight.pending.fatal().cloned());
            run.report(call, in_flight.pending);
        }
    }

    async fn post(
        &self,
        call: &Call,
        part: &Part,
        trace: &Trace,
    ) -> std::result::Result<Answered, Lost> {
        call.check().map_err(Lost::NotSent)?;
        let entries = &part.entries;
        let replay = match entries.iter().all(|entry| entry.replay_safe) {
            true => Replay::Safe,
            false => Replay::Unsafe,
        };
        let send = self.sender.post(call, body(entries), replay, trace);
        match call.until_cancelled_or_due(send).await {
            Ok(answer) => Ok(Answered {
                answer,
                repeated: trace.may_have_arrived() || part.sending == Sending::Lost,
            }),
            Err(error) if trace.may_have_arrived() => Err(Lost::Unknown(error)),
            Err(error) if error.delivery() == Delivery::Answered => Err(Lost::Refused(error)),
            Err(error) => Err(Lost::NotSent(error)),
        }
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
            if let EntryEnd::Unknown(error) = &report.end
                && error.kind() == ErrorKind::WrongMode
            {
                pending.wrong_mode = Some(error.clone());
            }
            let in_progress = pending.action_mut(entry);
            for finding in report.findings {
                in_progress.add_finding(finding);
            }
            in_progress.end_entry(report.end, entry.completes);
            pending.settle(entry);
        }
    }
}

/// The answer to a request, and whether an earlier sending of it may have been applied.
struct Answered {
    answer: ActionAnswer,
    repeated: bool,
}

/// One call's way through the requests of a pending.
struct Run {
    /// How many actions had their outcome before.
    settled_before: usize,
    /// An error that would meet every further request as well.
    fatal: Option<Error>,
    /// How many entries, one after the other, something on the way has refused.
    blocked_in_a_row: usize,
}

/// So many entries in a row are not refused for a word that each of them holds: no action gets through.
const MOST_BLOCKED: usize = 20;

impl Run {
    fn new(pending: &PendingActions) -> Self {
        Run {
            settled_before: pending.settled(),
            fatal: pending.fatal().cloned(),
            blocked_in_a_row: 0,
        }
    }

    /// Counts entries that something on the way has refused, and tells whether it refuses all.
    fn is_blocked_by(&mut self, lost: &Lost, entries: usize) -> bool {
        let error = lost.error();
        if error.is_about_content() && error.origin() == Some(Origin::Intermediary) {
            self.blocked_in_a_row += entries;
        }
        self.blocked_in_a_row >= MOST_BLOCKED
    }

    fn report(&self, call: &Call, pending: &PendingActions) {
        let done = pending.settled() - self.settled_before;
        call.report(Progress::Actions {
            done: done as u64,
            total: (done + pending.pending()) as u64,
        });
    }
}

fn note_reach(pending: &mut PendingActions, result: &std::result::Result<Answered, Lost>) {
    match result {
        Err(Lost::NotSent(error)) => pending.reach.note_failure(error),
        _ => pending.reach.note_answer(),
    }
}

/// A part that was refused whole goes out again in halves.
fn bisect(in_flight: &mut InFlight<'_>, mut part: Part) {
    let later = part.entries.split_off(part.entries.len() / 2);
    for entries in [later, part.entries] {
        in_flight.add(entries, Sending::Refused);
    }
}

/// Of a part whose answer was lost, what may run twice goes out again, unless `may_be_repeated` says why not.
fn repeat_safe(in_flight: &mut InFlight<'_>, part: Part, lost: Error, may_be_repeated: Result<()>) {
    let (safe, other): (Vec<_>, Vec<_>) = part
        .entries
        .into_iter()
        .partition(|entry| entry.replay_safe);
    in_flight.pending.end_all(&other, Lost::Unknown(lost));
    match may_be_repeated {
        Ok(()) => in_flight.add(safe, Sending::Lost),
        Err(error) => in_flight.pending.end_all(&safe, Lost::Unknown(error)),
    }
}

impl Sending {
    /// What it means that this sending, too, brought no answer.
    fn after(self, lost: Lost) -> Lost {
        match (self, lost) {
            (Sending::Lost, Lost::NotSent(error) | Lost::Refused(error)) => Lost::Unknown(error),
            (_, lost) => lost,
        }
    }
}

/// Why a request brought no answer about its entries.
#[derive(Debug)]
pub(super) enum Lost {
    NotSent(Error),
    Refused(Error),
    Unknown(Error),
}

impl Lost {
    fn error(&self) -> &Error {
        match self {
            Lost::NotSent(error) | Lost::Refused(error) | Lost::Unknown(error) => error,
        }
    }

    /// Credentials, certificates and proxies do not mend themselves between two requests, and a call that is over stays
    /// so.
    fn is_fatal_for_run(&self) -> bool {
        use ErrorKind::*;
        matches!(
            self.error().kind(),
            Auth | Forbidden | Tls | Proxy | InvalidArgument | Cancelled | Deadline
        )
    }

    pub(super) fn into_end(self) -> EntryEnd {
        match self {
            Lost::NotSent(error) => EntryEnd::NotSent(error),
            Lost::Refused(error) => EntryEnd::RequestRefused(error),
            Lost::Unknown(error) => EntryEnd::Unknown(error),
        }
    }
}

fn body(entries: &[Entry]) -> Bytes {
    let mut body = String::with_capacity(entries.len() * 512);
    body.push('[');
    for (position, entry) in entries.iter().enumerate() {
        if position > 0 {
            body.push(',');
        }
        entry.push_json(&mut body);
    }
    body.push(']');
    Bytes::from(body)
}

/// What can never be right is told before anything is sent.
pub(crate) fn check(action: &Action) -> Result<()> {
    match action.commands().is_empty() {
        true => Err(Error::invalid_argument("action", "has no commands")),
        false => Ok(()),
    }
}
