//! A queue of actions, which gather until a request is full.

use super::execute::Dispatcher;
use super::outcome::{Outcome, Outcomes};
use super::pending::PendingActions;
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::error::Result;
use crate::model::command::Action;
use std::sync::Arc;

/// A queue of actions. It sends whenever a full request has gathered, and the rest on [`Queue::flush`]. Dropping it drops
/// the actions that were not sent.
///
/// Its futures may be dropped at any moment, by a timeout or a `select`: actions that were not sent then stay in the
/// queue, and those that may have reached the service end as unknown.
///
/// ```no_run
/// use umapi::{Action, CallOptions, Client, OutcomeKind};
///
/// # async fn add_all_to_sales(client: Client, emails: &[&str]) -> umapi::Result<()> {
/// let call = CallOptions::new();
/// let mut queue = client.queue();
/// for (number, email) in (0..).zip(emails) {
///     let mut action = Action::on_user(email, None)?;
///     action.add_to_groups(&["Sales"])?.set_tag(number);
///     queue.add(&action, &call).await?;
/// }
/// queue.flush(&call).await;
/// for outcome in queue.take_outcomes() {
///     if outcome.kind != OutcomeKind::Succeeded {
///         println!("{}: {:?}", outcome.target.name(), outcome.findings);
///     }
/// }
/// # Ok(())
/// # }
/// ```
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

    /// Adds an action, and sends the requests that are full by that. [`Queue::take_outcomes`] tells what became of the
    /// actions. After an error the queue does not hold the action.
    pub async fn add(&mut self, action: &Action, options: &CallOptions) -> Result<()> {
        self.put(action)?;
        if self.is_due() {
            self.send_due(options).await;
        }
        Ok(())
    }

    /// Adds an action and sends nothing, so that the call never waits. After an error the queue does not hold the action.
    pub fn put(&mut self, action: &Action) -> Result<()> {
        self.dispatcher.add(&mut self.pending, action)
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

    /// Sends all requests. Afterwards every action that was added has its outcome.
    pub async fn flush(&mut self, options: &CallOptions) {
        let call = Call::begin(options);
        Box::pin(self.dispatcher.send_all(&call, &mut self.pending)).await;
    }

    /// How many actions have no outcome yet.
    pub fn pending(&self) -> usize {
        self.pending.pending()
    }

    /// Takes the outcomes since the last time, in the order in which the actions got them.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        self.pending.outcomes().take()
    }

    /// A handle that takes outcomes while a call of the queue runs, from any thread.
    pub fn outcomes(&self) -> Outcomes {
        self.pending.outcomes().clone()
    }
}
