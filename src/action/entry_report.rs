//! The end of one entry of an action, as the answer or the error of its request tells it.

use super::outcome::Finding;
use crate::error::Error;

/// The end of one entry of an action.
#[derive(Clone, Debug)]
pub(crate) enum EntryEnd {
    Applied,
    /// The service named what it refused.
    Refused {
        first_bad_command: Option<usize>,
    },
    /// The request failed, or its answer does not tell what became of this entry. The delivery of the error tells how
    /// far the entry got: `Answered` means that it was refused with the request as a whole.
    Failed(Error),
}

/// The end of one entry and what was found about it.
#[derive(Debug)]
pub(crate) struct EntryReport {
    pub end: EntryEnd,
    pub findings: Vec<Finding>,
}
