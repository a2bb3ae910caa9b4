//! Actions that gather until a request is full.

use super::execute::{Board, Dispatcher, check};
use super::outcome::Outcome;
use crate::error::Result;
use crate::http::call::{Call, CallOptions};
use crate::model::command::Action;
use std::sync::Arc;

/// Sends whenever a full request has gathered, and the rest on [`Queue::flush`]. Dropping it drops what was not sent.
#[derive(Debug)]
pub struct Queue {
    dispatcher: Arc<Dispatcher>,
    board: Board,
}

impl Queue {
    pub(crate) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        let board = Board::new(&dispatcher.options.limits);
        Queue { dispatcher, board }
    }

    /// Adds an action, and sends what is full by that. What becomes of actions is told by [`Queue::take_outcomes`].
    pub async fn add(&mut self, action: &Action, options: &CallOptions) -> Result<()> {
        self.put(action)?;
        if self.is_due() {
            self.send_due(options).await;
        }
        Ok(())
    }

    /// Adds an action and sends nothing, so that it never waits.
    pub fn put(&mut self, action: &Action) -> Result<()> {
        check(action)?;
        let before = self.pending();
        self.dispatcher.add(&mut self.board, action);
        let added = self.pending() - before;
        self.dispatcher.counters.add_actions_queued(added);
        Ok(())
    }

    /// Whether a full request has gathered.
    pub fn is_due(&self) -> bool {
        self.board.is_due()
    }

    /// Sends the requests that are full, and those that must go before them.
    pub async fn send_due(&mut self, options: &CallOptions) {
        let call = Call::begin(options);
        let before = self.pending();
        Box::pin(self.dispatcher.send_due(&call, &mut self.board)).await;
        self.count_down(before);
    }

    /// Sends everything that waits. Afterwards every action that was added has its outcome.
    pub async fn flush(&mut self, options: &CallOptions) {
        let call = Call::begin(options);
        let before = self.pending();
        Box::pin(self.dispatcher.send_all(&call, &mut self.board)).await;
        self.count_down(before);
    }

    fn count_down(&self, before: usize) {
        let counters = &self.dispatcher.counters;
        counters.drop_actions_queued(before - self.pending());
    }

    /// How many actions have no outcome yet.
    pub fn pending(&self) -> usize {
        self.board.pending()
    }

    /// The outcomes since the last time, in the order in which they came about.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        self.board.take_outcomes()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let counters = &self.dispatcher.counters;
        counters.drop_actions_queued(self.pending());
    }
}
