//! Requests go out one after the other, and each action in them gets its outcome.

use super::batch::Batcher;
use super::interpret::interpret;
use super::outcome::{EntryEnd, Outcome, OutcomeKind, Underway};
use super::split::{BatchLimits, Entry, split};
use crate::auth::session::{Located, Resource, Session};
use crate::counters::Counters;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::call::{Call, Progress};
use crate::http::endpoint::EndpointClass;
use crate::http::perform::{Replay, Trace};
use crate::http::transport::Answer;
use crate::model::answer::{self, ActionAnswer};
use crate::model::command::{Action, Command};
use crate::number_map::NumberMap;
use bytes::Bytes;
use once_cell::sync::OnceCell;
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
    session: Arc<Session>,
    pub(super) options: ActingOptions,
    pub(super) counters: Arc<Counters>,
    /// Where all requests go.
    resource: OnceCell<Located>,
}

/// Actions that have no outcome yet, the requests that they wait in, and the outcomes not yet fetched.
#[derive(Debug)]
pub(crate) struct Board {
    batcher: Batcher,
    underway: NumberMap<usize, Underway>,
    outcomes: Vec<(usize, Outcome)>,
    added: usize,
}

impl Board {
    pub(crate) fn new(limits: &BatchLimits) -> Self {
        Board {
            batcher: Batcher::new(limits.entries_per_request),
            underway: NumberMap::default(),
            outcomes: Vec::new(),
            added: 0,
        }
    }

    /// How many actions have no outcome yet.
    pub(crate) fn pending(&self) -> usize {
        self.underway.len()
    }

    /// Whether a full request has gathered.
    pub(crate) fn is_due(&self) -> bool {
        self.batcher.is_due()
    }

    /// The outcomes since the last time, in the order in which they came about.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut self.outcomes);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn under_way(&mut self, entry: &Entry) -> &mut Underway {
        self.underway
            .get_mut(&entry.action)
            .expect("an entry's action is under way")
    }

    fn settle(&mut self, entry: &Entry) {
        if self.under_way(entry).is_over() {
            let done = self.underway.remove(&entry.action);
            let outcome = done.expect("it was just there").into_outcome();
            self.outcomes.push((entry.action, outcome));
        }
    }
}

const CLASS: EndpointClass = EndpointClass::Action;

impl Dispatcher {
    pub(crate) fn new(
        session: Arc<Session>,
        options: ActingOptions,
        counters: Arc<Counters>,
    ) -> Self {
        Dispatcher {
            session,
            options,
            counters,
            resource: OnceCell::new(),
        }
    }

    fn resource(&self) -> Result<&Located> {
        self.resource.get_or_try_init(|| {
            let query: &[_] = match self.options.test_mode {
                true => &[("testOnly", "true")],
                false => &[],
            };
            self.session.locate(Resource {
                class: CLASS,
                segments: &["action", self.session.org_id()],
                query,
                shelf: None,
            })
        })
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
        let mut board = Board::new(&self.options.limits);
        for action in actions {
            self.add(&mut board, action.borrow());
        }
        self.send_all(call, &mut board).await;
        board.outcomes.sort_by_key(|(number, _)| *number);
        Ok(board.take_outcomes())
    }

    /// Splits the action and gives its entries their places. Nothing is sent.
    pub(crate) fn add(&self, board: &mut Board, action: &Action) {
        let number = board.added;
        board.added += 1;
        let entries = split(action, number, &self.options.limits);
        let mut underway = Underway::new(action.clone(), entries.len(), self.options.test_mode);
        if let Some(error) = self.refuse_locally(action) {
            for entry in &entries {
                underway.end_entry(EntryEnd::NotSent(error.clone()), entry.completes);
            }
            board.outcomes.push((number, underway.into_outcome()));
            return;
        }
        board.underway.insert(number, underway);
        for entry in entries {
            board.batcher.push(entry);
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
    pub(crate) async fn send_due(&self, call: &Call, board: &mut Board) {
        let mut hopeless = None;
        while let Some(request) = board.batcher.take_due() {
            self.send(call, board, request, &mut hopeless).await;
        }
    }

    pub(crate) async fn send_all(&self, call: &Call, board: &mut Board) {
        let mut hopeless = None;
        while let Some(request) = board.batcher.take_oldest() {
            self.send(call, board, request, &mut hopeless).await;
        }
    }

    /// Sends one request. If the service refuses it whole, its halves, so that one bad action does not take the others
    /// with it; if the answer is lost, the part that may run twice. `hopeless` is an error that would meet every
    /// further request as well.
    async fn send(
        &self,
        call: &Call,
        board: &mut Board,
        request: Vec<Entry>,
        hopeless: &mut Option<Error>,
    ) {
        let mut parts = vec![Part {
            entries: leave_out_broken(board, request),
            sending: Sending::First,
        }];
        while let Some(mut part) = parts.pop() {
            if part.entries.is_empty() {
                continue;
            }
            let result = match hopeless {
                Some(error) => Err(Lost::NotSent(error.clone())),
                None => self.post(call, board, &part).await,
            };
            match result.map_err(|lost| part.sending.weigh(lost)) {
                Ok(answer) => self.take_answer(board, &part.entries, answer),
                Err(Lost::Refused(error)) if part.entries.len() > 1 && is_about_content(&error) => {
                    let later = part.entries.split_off(part.entries.len() / 2);
                    for entries in [later, part.entries] {
                        let sending = Sending::Refused;
                        parts.push(Part { entries, sending });
                    }
                    continue;
                }
                Err(Lost::Unknown(error)) if part.is_mixed() => {
                    let waited = self.session.wait_to_repeat(call, CLASS, error.clone());
                    let may_be_repeated = waited.await.is_ok();
                    let (again, lost): (Vec<_>, Vec<_>) = part
                        .entries
                        .into_iter()
                        .partition(|entry| entry.replay_safe && may_be_repeated);
                    end_all(board, &lost, Lost::Unknown(error));
                    parts.push(Part {
                        entries: again,
                        sending: Sending::Lost,
                    });
                }
                Err(lost) => {
                    if lost.dooms_the_rest() {
                        *hopeless = Some(lost.error().clone());
                    }
                    end_all(board, &part.entries, lost);
                }
            }
            call.report(Progress::Actions {
                done: board.outcomes.len() as u64,
                total: (board.outcomes.len() + board.pending()) as u64,
            });
        }
    }

    async fn post(
        &self,
        call: &Call,
        board: &mut Board,
        part: &Part,
    ) -> std::result::Result<ActionAnswer, Lost> {
        call.check().map_err(Lost::NotSent)?;
        let entries = &part.entries;
        let resource = self.resource().map_err(Lost::NotSent)?;
        let replay = match entries.iter().all(|entry| entry.replay_safe) {
            true => Replay::Safe,
            false => Replay::Unsafe,
        };
        let trace = Trace::default();
        let read = |answer: Answer| answer::parse(&answer.body);
        let send = self
            .session
            .post(call, resource, body(entries), replay, &trace, read);
        let result = match call.bounded(send).await {
            Ok(answer) => Ok(answer),
            Err(error) if trace.may_have_arrived() => Err(Lost::Unknown(error)),
            Err(error) if error.delivery() == Delivery::Answered => Err(Lost::Refused(error)),
            Err(error) => Err(Lost::NotSent(error)),
        };
        if !matches!(result, Err(Lost::NotSent(_))) && part.sending == Sending::First {
            let fresh = |entry: &&Entry| board.under_way(entry).is_untouched();
            self.counters
                .add_actions_sent(entries.iter().filter(fresh).count());
        }
        result
    }

    fn take_answer(&self, board: &mut Board, entries: &[Entry], answer: ActionAnswer) {
        let actions: Vec<_> = entries
            .iter()
            .map(|entry| board.underway[&entry.action].action())
            .collect();
        let reports = interpret(entries, &actions, answer);
        for (entry, report) in entries.iter().zip(reports) {
            let underway = board.under_way(entry);
            for finding in report.findings {
                underway.add_finding(finding);
            }
            underway.end_entry(report.end, entry.completes);
            board.settle(entry);
        }
        self.count_completed(board, entries);
    }

    fn count_completed(&self, board: &Board, entries: &[Entry]) {
        let newest = &board.outcomes[board.outcomes.len().saturating_sub(entries.len())..];
        let completed = newest.iter().filter(|(number, outcome)| {
            outcome.kind == OutcomeKind::Succeeded && entries.iter().any(|e| e.action == *number)
        });
        self.counters.add_actions_completed(completed.count());
    }
}

/// Entries that share a request, and what came of them when they were sent before.
struct Part {
    entries: Vec<Entry>,
    sending: Sending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    First,
    /// They were refused together with others.
    Refused,
    /// They may have been applied already.
    Lost,
}

impl Part {
    /// Whether some of it may be sent again and some may not.
    fn is_mixed(&self) -> bool {
        let safe = self
            .entries
            .iter()
            .filter(|entry| entry.replay_safe)
            .count();
        (1..self.entries.len()).contains(&safe)
    }
}

impl Sending {
    /// What it means that this sending, too, brought no answer.
    fn weigh(self, lost: Lost) -> Lost {
        match (self, lost) {
            (Sending::Lost, Lost::NotSent(error) | Lost::Refused(error)) => Lost::Unknown(error),
            (_, lost) => lost,
        }
    }
}

/// Why a request brought no answer about its entries.
#[derive(Debug)]
enum Lost {
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

    /// Credentials, certificates and proxies do not mend themselves between two requests.
    fn dooms_the_rest(&self) -> bool {
        use ErrorKind::*;
        matches!(
            self.error().kind(),
            Auth | Forbidden | Tls | Proxy | InvalidArgument
        )
    }

    fn into_end(self) -> EntryEnd {
        match self {
            Lost::NotSent(error) => EntryEnd::NotSent(error),
            Lost::Refused(error) => EntryEnd::RequestRefused(error),
            Lost::Unknown(error) => EntryEnd::Unknown(error),
        }
    }
}

fn end_all(board: &mut Board, entries: &[Entry], lost: Lost) {
    let end = lost.into_end();
    for entry in entries {
        board
            .under_way(entry)
            .end_entry(end.clone(), entry.completes);
        board.settle(entry);
    }
}

/// Entries of actions that have failed already are not sent.
fn leave_out_broken(board: &mut Board, request: Vec<Entry>) -> Vec<Entry> {
    let (broken, sound): (Vec<_>, Vec<_>) = request
        .into_iter()
        .partition(|entry| board.under_way(entry).is_broken());
    for entry in broken {
        board.under_way(&entry).skip_entry();
        board.settle(&entry);
    }
    sound
}

/// Whether a refusal is about what the request says, so that a part of it may pass.
fn is_about_content(error: &Error) -> bool {
    matches!(error.http_status(), Some(400 | 413 | 422))
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
