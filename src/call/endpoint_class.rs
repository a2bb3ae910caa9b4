//! The endpoints, by the classes in which the service counts requests to them.

/// What the service counts requests by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EndpointClass {
    /// Listings of users.
    Users,
    /// One user.
    User,
    /// Listings of groups.
    Groups,
    /// The deprecated listing of user groups.
    UserGroups,
    /// Actions.
    Action,
    /// The token endpoint.
    Token,
    /// The service's status page.
    Status,
}

impl EndpointClass {
    pub(crate) const COUNT: usize = 7;
}
