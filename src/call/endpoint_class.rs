//! The classes of endpoints, by which the service counts requests.

/// A class of endpoints. The service counts the requests of a client id to each class separately, and documents a limit
/// for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EndpointClass {
    /// Listings of users (`/users/{orgId}/{page}`).
    Users,
    /// Single users (`/organizations/{orgId}/users/{user}`).
    User,
    /// Listings of groups (`/groups/{orgId}/{page}`).
    Groups,
    /// The deprecated listings of user groups (`/{orgId}/user-groups`).
    UserGroups,
    /// Actions (`/action/{orgId}`).
    Action,
    /// The token endpoint of Adobe's identity service.
    Token,
    /// The service's status page (`/status`).
    Status,
}

impl EndpointClass {
    pub(crate) const COUNT: usize = 7;
}
