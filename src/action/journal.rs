//! The journal of actions: what a program must have written down before an action is sent, to know after a crash what
//! became of it.

use super::outcome::Outcome;
use crate::error::Result;
use crate::model::command::Action;
use std::fmt;

/// Records the three moments of each action: accepted, about to be sent, settled. A set of pending actions numbers its
/// actions from 0 and has one journal, which it calls in this order:
///
/// | the journal has of an action | after a crash |
/// |---|---|
/// | accepted | it was not sent |
/// | accepted, about to be sent | it may have been applied |
/// | accepted, settled | it has the outcome recorded |
///
/// An action can be about to be sent several times: in several requests, or again after it was refused together with
/// others, or put back by a call that was given up. The methods run on the thread that drives the call, and a call waits
/// for them; they return once the record would outlast a crash.
pub(crate) trait Journal: fmt::Debug + Send + Sync {
    /// Records actions that come in together, numbered from `first` on. After an error the call that brings them fails
    /// and has done nothing: none of them is in the set.
    fn accepted<'a>(
        &mut self,
        first: usize,
        actions: &mut (dyn Iterator<Item = &'a Action> + 'a),
    ) -> Result<()>;

    /// Records that a request with these actions is about to be sent. After an error it is not sent: its actions end
    /// with that error, as not sent unless an earlier request with them may have been applied, and so do all further
    /// actions of the set.
    fn about_to_send(&mut self, actions: &mut dyn Iterator<Item = usize>) -> Result<()>;

    /// Records the outcome of an action. After an error the outcome stands, since it is true, and the caller gets it;
    /// but nothing more is sent, so that what the journal does not know stays as little as possible. An action without
    /// this record is one that may have been applied, which is true as well.
    fn settled(&mut self, action: usize, outcome: &Outcome) -> Result<()>;
}

/// The journal of programs that keep none.
#[derive(Debug)]
pub(crate) struct NoJournal;

impl Journal for NoJournal {
    fn accepted<'a>(
        &mut self,
        _: usize,
        _: &mut (dyn Iterator<Item = &'a Action> + 'a),
    ) -> Result<()> {
        Ok(())
    }

    fn about_to_send(&mut self, _: &mut dyn Iterator<Item = usize>) -> Result<()> {
        Ok(())
    }

    fn settled(&mut self, _: usize, _: &Outcome) -> Result<()> {
        Ok(())
    }
}
