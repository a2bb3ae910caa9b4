//! Actions that gather until a request is full.

use super::execute::{Dispatcher, check};
use super::outcome::{Outcome, Outcomes};
use super::pending::PendingActions;
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::error::Result;
use crate::model::action::Action;
use std::sync::Arc;

/// Sends whenever a full request has gathered, and the rest on [`Queue::flush`]. Dropping it drops what was not sent.
///
/// Its futures may be dropped at any moment, by a timeout or a `select`: what was not sent then stays with the queue, and
/// what may have reached the service ends as unknown.
#[derive(Debug)]
pub struct Queue {
    dispatcher: Arc<Dispatcher>,
    pending: PendingActions,
}

impl Queue {
    pub(crate) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        let pending = dispatcher.pending().of_queue();
        Queue {
            dispatcher,
            pending,
        }
    }

    /// Adds an action, and sends what is full by that. What becomes of actions is told by [`Queue::take_outcomes`].
    /// After an error the queue does not have the action.
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
        self.dispatcher.add(&mut self.pending, action);
        Ok(())
    }

    /// Whether a full request has gathered.
    pub fn is_due(&self) -> bool {
        self.pending.batcher.is_due()
    }

    /// Sends the requests that are full, and those that must go before them.
    pub async fn send_due(&mut self, options: &CallOptions) {
        let call = Call::begin(options);
        Box::pin(self.dispatcher.send_due(&call, &mut self.pending)).await;
    }

    /// Sends everything that waits. Afterwards every action that was added has its outcome.
    pub async fn flush(&mut self, options: &CallOptions) {
        let call = Call::begin(options);
        Box::pin(self.dispatcher.send_all(&call, &mut self.pending)).await;
    }

    /// How many actions have no outcome yet.
    pub fn pending(&self) -> usize {
        self.pending.pending()
    }

    /// The outcomes since the last time, in the order in which they came about.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        self.pending.outcomes().take()
    }

    /// A handle by which outcomes can be taken while a call of the queue runs.
    pub fn outcomes(&self) -> Outcomes {
        self.pending.outcomes().clone()
    }
}
