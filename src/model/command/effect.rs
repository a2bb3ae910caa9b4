//! The end that a command is to bring about, for what a refusal of its repeat shows.

use super::on_conflict::OnConflict;

/// What is so once the command is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The names are members.
    Join,
    /// The names are no members.
    Leave,
    /// The user is not in the organisation.
    LeaveOrg { deletes_account: bool },
    /// The user or group is there.
    Create(OnConflict),
    /// Something that no refusal shows.
    Other,
}
