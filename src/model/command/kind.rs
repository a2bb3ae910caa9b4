//! What kind of command one is, for its place in an action and in a request.

/// The kinds of commands whose place or neighbourhood matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Rename,
    DeleteGroup,
    RemoveFromOrg,
    Membership,
    Other,
}

impl Kind {
    /// Nothing in its action goes before it.
    pub(crate) fn goes_first(self) -> bool {
        match self {
            Kind::Create => true,
            Kind::Rename
            | Kind::DeleteGroup
            | Kind::RemoveFromOrg
            | Kind::Membership
            | Kind::Other => false,
        }
    }

    /// Nothing in its action follows it.
    pub(crate) fn goes_last(self) -> bool {
        match self {
            Kind::DeleteGroup | Kind::RemoveFromOrg => true,
            Kind::Create | Kind::Rename | Kind::Membership | Kind::Other => false,
        }
    }
}
