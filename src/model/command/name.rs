//! Names of commands on the wire.

use crate::model::user::IdentityType;

/// A command that the library knows by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    CreateUser(IdentityType),
    CreateGroup,
    UpdateUser,
    UpdateGroup,
    DeleteGroup,
    Add,
    Remove,
    RemoveFromOrg,
}

impl Name {
    pub(super) fn of(wire: &str) -> Option<Self> {
        Some(match wire {
            "addAdobeID" => Name::CreateUser(IdentityType::AdobeId),
            "createEnterpriseID" => Name::CreateUser(IdentityType::EnterpriseId),
            "createFederatedID" => Name::CreateUser(IdentityType::FederatedId),
            "createUserGroup" => Name::CreateGroup,
            "update" => Name::UpdateUser,
            "updateUserGroup" => Name::UpdateGroup,
            "deleteUserGroup" => Name::DeleteGroup,
            "add" => Name::Add,
            "remove" => Name::Remove,
            REMOVE_FROM_ORG => Name::RemoveFromOrg,
            _ => return None,
        })
    }

    pub(super) fn wire(self) -> &'static str {
        match self {
            Name::CreateUser(IdentityType::AdobeId) => "addAdobeID",
            Name::CreateUser(IdentityType::EnterpriseId) => "createEnterpriseID",
            Name::CreateUser(IdentityType::FederatedId) => "createFederatedID",
            Name::CreateGroup => "createUserGroup",
            Name::UpdateUser => "update",
            Name::UpdateGroup => "updateUserGroup",
            Name::DeleteGroup => "deleteUserGroup",
            Name::Add => "add",
            Name::Remove => "remove",
            Name::RemoveFromOrg => REMOVE_FROM_ORG,
        }
    }
}

pub(super) const REMOVE_FROM_ORG: &str = "removeFromOrg";
