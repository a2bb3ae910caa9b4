//! The user or user group that an action is about.

use super::order_key::{Key, group_key, user_key};
use super::write_json::ObjectWriter;
use crate::json::text::SharedText;

/// The user or user group that an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    User {
        user: SharedText,
        domain: Option<String>,
        use_adobe_id: bool,
    },
    UserGroup(SharedText),
}

impl Target {
    /// The name that the caller gave.
    pub fn name(&self) -> &str {
        self.shared_name().as_str()
    }

    pub fn shared_name(&self) -> &SharedText {
        match self {
            Target::User { user, .. } => user,
            Target::UserGroup(name) => name,
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Target::User { user, .. } => user_key(user.as_str()),
            Target::UserGroup(name) => group_key(name.as_str()),
        }
    }

    /// Writes the fields by which an entry of a request names its target.
    pub(super) fn write_fields(&self, entry: &mut ObjectWriter<'_>) {
        match self {
            Target::User {
                user,
                domain,
                use_adobe_id,
            } => {
                entry.text("user", user.as_str());
                if let Some(domain) = domain {
                    entry.text("domain", domain);
                }
                if *use_adobe_id {
                    entry.flag("useAdobeID", true);
                }
            }
            Target::UserGroup(name) => entry.text("usergroup", name.as_str()),
        }
    }
}
