//! What can be done to one user or one user group: an action is a target and its ordered commands.

mod build;
mod json;

pub use build::{NewUser, UserUpdate};

use super::argument::{check_group_name, check_request_id, check_user_string};
use super::command::Command;
use super::target::Target;
use super::write_json::ObjectWriter;
use crate::error::{Error, Result};
use crate::json::text::SharedText;
use smallvec::SmallVec;
use std::sync::Arc;

/// One target and what to do to it, in order. Built once, executed any number of times; clones share what they hold
/// until one is changed.
///
/// ```
/// use umapi::{Action, IdentityType, NewUser, OnConflict};
///
/// # fn main() -> umapi::Result<()> {
/// let mut action = Action::on_user("ada@example.com", None)?;
/// action
///     .create(NewUser {
///         identity: IdentityType::FederatedId,
///         email: "ada@example.com",
///         first_name: Some("Ada"),
///         last_name: Some("Lovelace"),
///         country: Some("GB"),
///         on_conflict: OnConflict::Ignore,
///     })?
///     .add_to_groups(&["Sales"])?
///     .set_tag(7);
/// assert_eq!(action.commands().len(), 2);
/// assert_eq!(action.commands()[1].json().as_str(), r#"{"add":{"group":["Sales"]}}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Action(Arc<Plan>);

#[derive(Clone, Debug)]
struct Plan {
    target: Target,
    request_id: Option<Arc<str>>,
    tag: u64,
    commands: SmallVec<[Command; 2]>,
}

impl Action {
    /// An action on a user, named by email, or by username; a username without `@` needs its domain. For a user that
    /// the action creates with a username that differs from the email, `user` is the username.
    pub fn on_user(user: &str, domain: Option<&str>) -> Result<Self> {
        check_user_string("user", user, domain)?;
        Ok(Action::on(Target::User {
            user: SharedText::copy(user),
            domain: domain.map(str::to_owned),
            use_adobe_id: false,
        }))
    }

    /// An action on a user group.
    pub fn on_group(name: &str) -> Result<Self> {
        check_group_name("name", name)?;
        Ok(Action::on(Target::UserGroup(SharedText::copy(name))))
    }

    fn on(target: Target) -> Self {
        Action(Arc::new(Plan {
            target,
            request_id: None,
            tag: 0,
            commands: SmallVec::new(),
        }))
    }

    fn plan(&mut self) -> &mut Plan {
        Arc::make_mut(&mut self.0)
    }

    /// The user or group that the action is about.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// The commands, in the order in which they are done.
    pub fn commands(&self) -> &[Command] {
        &self.0.commands
    }

    /// The number that [`Action::set_tag`] has set; 0 before.
    pub fn tag(&self) -> u64 {
        self.0.tag
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// A number of the caller's that the action's outcome will bear.
    pub fn set_tag(&mut self, tag: u64) -> &mut Self {
        self.plan().tag = tag;
        self
    }

    /// The `requestID` that the service repeats in errors about this action.
    pub fn set_request_id(&mut self, id: &str) -> Result<&mut Self> {
        check_request_id("request_id", id)?;
        self.plan().request_id = Some(id.into());
        Ok(self)
    }

    /// Means the Adobe ID where an Adobe ID and another account share one email.
    pub fn set_use_adobe_id(&mut self, value: bool) -> Result<&mut Self> {
        match &mut self.plan().target {
            Target::User { use_adobe_id, .. } => *use_adobe_id = value,
            Target::UserGroup(_) => return Err(wrong_target("set_use_adobe_id", "user")),
        }
        Ok(self)
    }

    /// Appends a command as JSON: an object with one key, for what the service has learnt since this version.
    pub fn append_json(&mut self, json: &str) -> Result<&mut Self> {
        self.insert_json(self.commands().len(), json)
    }

    /// Puts a command as JSON before the command at `index`.
    pub fn insert_json(&mut self, index: usize, json: &str) -> Result<&mut Self> {
        if index > self.commands().len() {
            return Err(Error::invalid_argument(
                "index",
                format_args!("is {index}; there are {} commands", self.commands().len()),
            ));
        }
        self.insert_command(index, Command::parse("json", json)?)
    }

    fn push_command(&mut self, command: Command) -> Result<&mut Self> {
        self.insert_command(self.commands().len(), command)
    }

    fn insert_command(&mut self, index: usize, command: Command) -> Result<&mut Self> {
        self.check_place(index, &command)?;
        self.plan().commands.insert(index, command);
        Ok(self)
    }

    /// A create is the first command, and what ends the target is the last. Since every command was checked so, only
    /// the neighbours of the place matter, however many commands there are.
    fn check_place(&self, index: usize, command: &Command) -> Result<()> {
        let (before, after) = self.commands().split_at(index);
        let goes_first = |command: &Command| command.kind().goes_first();
        let goes_last = |command: &Command| command.kind().goes_last();
        if goes_first(command) && self.commands().first().is_some_and(goes_first) {
            return Err(Error::invalid_argument(
                "action",
                "creates its target already",
            ));
        }
        let quoted = |command: &Command| shortened(command.json().as_str());
        let problem = if let Some(end) = before.last().filter(|c| goes_last(c)) {
            format!("nothing can follow {}", quoted(end))
        } else if goes_last(command) && !after.is_empty() {
            format!("nothing can follow {}, so it goes last", quoted(command))
        } else if goes_first(command) && !before.is_empty() {
            format!(
                "nothing can go before {}, so it goes first",
                quoted(command)
            )
        } else if let Some(create) = after.first().filter(|c| goes_first(c)) {
            format!("nothing can go before {}", quoted(create))
        } else {
            return Ok(());
        };
        Err(Error::invalid_argument("command", problem))
    }

    fn must_be_on_user(&self, command: &str) -> Result<()> {
        match self.0.target {
            Target::User { .. } => Ok(()),
            Target::UserGroup(_) => Err(wrong_target(command, "user")),
        }
    }

    fn must_be_on_group(&self, command: &str) -> Result<()> {
        match self.0.target {
            Target::UserGroup(_) => Ok(()),
            Target::User { .. } => Err(wrong_target(command, "user group")),
        }
    }

    /// Writes the fields of an entry of a request that stand before its commands.
    pub(crate) fn write_head(&self, entry: &mut ObjectWriter<'_>) {
        self.target().write_fields(entry);
        if let Some(id) = self.request_id() {
            entry.text("requestID", id);
        }
    }
}

/// As much of a command as tells in a message which one is meant.
fn shortened(json: &str) -> String {
    match json.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &json[..end]),
        None => json.to_owned(),
    }
}

fn wrong_target(command: &str, wanted: &str) -> Error {
    Error::invalid_argument(
        "action",
        format_args!("{command} is for an action on a {wanted}"),
    )
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::model::command::OnConflict;
    use crate::model::user::IdentityType;

    /// The creation of a federated user, which updates an existing one.
    pub(crate) fn federated(email: &str) -> NewUser<'_> {
        NewUser {
            identity: IdentityType::FederatedId,
            email,
            first_name: Some("Zoë"),
            last_name: None,
            country: Some("FR"),
            on_conflict: OnConflict::Update,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::federated;
    use super::*;
    use crate::model::command::OnConflict;
    use crate::model::order_key::group_key;
    use crate::model::user::IdentityType;

    fn steps(action: &Action) -> Vec<&str> {
        action
            .commands()
            .iter()
            .map(|c| c.json().as_str())
            .collect()
    }

    #[test]
    fn commands_are_the_services_own_json() {
        let mut action = Action::on_user("zoe@example.com", None).unwrap();
        action.add_to_groups(&["A", "B"]).unwrap();
        action.create(federated("zoe@example.com")).unwrap();
        action.remove_from_all_groups().unwrap();
        action
            .append_json(r#" {"later": {"b":1, "a":2}} "#)
            .unwrap();
        action.remove_from_org(false).unwrap();
        assert_eq!(
            steps(&action),
            [
                r#"{"createFederatedID":{"email":"zoe@example.com","firstname":"Zoë","country":"FR","option":"updateIfAlreadyExists"}}"#,
                r#"{"add":{"group":["A","B"]}}"#,
                r#"{"remove":"all"}"#,
                r#"{"later":{"b":1,"a":2}}"#,
                r#"{"removeFromOrg":{"deleteAccount":false}}"#,
            ]
        );
        assert!(
            action.remove_from_all_groups().is_err(),
            "nothing follows removeFromOrg"
        );
        assert!(
            action.create(federated("x@y.z")).is_err(),
            "one create only"
        );
    }

    #[test]
    fn one_rule_for_the_place_of_a_command_however_it_comes() {
        const CREATE: &str = r#"{"createFederatedID":{"email":"a@b"}}"#;
        const ADD: &str = r#"{"add":{"group":["A"]}}"#;
        const REMOVE: &str = r#"{"removeFromOrg":{"deleteAccount":false}}"#;
        const NEW: &str = r#"{"somethingNew":{}}"#;
        let kind = |json: &str| match json {
            CREATE => 0,
            REMOVE => 2,
            _ => 1,
        };
        let is_sound = |commands: &[&str]| {
            let is_sorted = commands.is_sorted_by_key(|json| kind(json));
            let once = |end| commands.iter().filter(|json| kind(json) == end).count() <= 1;
            is_sorted && once(0) && once(2)
        };
        let mut action = Action::on_user("a@b", None).unwrap();
        let mut model: Vec<&str> = Vec::new();
        let mut dice = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let json = [CREATE, ADD, REMOVE, NEW][dice.usize(0..4)];
            let index = dice.usize(0..=model.len());
            let mut wanted = model.clone();
            wanted.insert(index, json);
            let taken = action.insert_json(index, json).is_ok();
            assert_eq!(taken, is_sound(&wanted), "{wanted:?}");
            if taken {
                model = wanted;
            }
            assert_eq!(steps(&action), model);
            if model.len() == 6 {
                (action, model) = (Action::on_user("a@b", None).unwrap(), Vec::new());
            }
        }
        let mut group = Action::on_group("G").unwrap();
        group.delete_group().unwrap();
        assert!(group.add_users(&["a@b"]).is_err());
        assert!(group.insert_json(0, NEW).is_ok());
        assert!(group.insert_json(0, r#"{"deleteUserGroup":{}}"#).is_err());
        assert!(group.create_group(None, OnConflict::Ignore).is_ok());
        assert!(group.append_json(r#"{"createUserGroup":{}}"#).is_err());
    }

    #[test]
    fn a_refused_create_changes_nothing() {
        let mut action = Action::on_user("a@b", None).unwrap();
        action.create(federated("a@b")).unwrap();
        let second = NewUser {
            identity: IdentityType::AdobeId,
            ..federated("a@b")
        };
        assert!(action.create(second).is_err());
        let Target::User { use_adobe_id, .. } = action.target() else {
            panic!("it is on a user");
        };
        assert!(!use_adobe_id);
    }

    #[test]
    fn an_admin_group_is_one_with_its_group() {
        for name in [
            "_admin_Design",
            "_ADMIN_design",
            "_product_admin_Design",
            "_developer_Design",
        ] {
            let admins = Action::on_group(name).unwrap();
            assert_eq!(admins.target().key(), group_key("Design"), "{name}");
            let mut user = Action::on_user("a@b", None).unwrap();
            user.add_to_groups(&[name]).unwrap();
            assert_eq!(user.commands()[0].mentions(), [group_key("DESIGN")]);
        }
        for name in [
            "_support_admin",
            "_org_admin",
            "_admin_",
            "_Design",
            "admin_Design",
        ] {
            assert_ne!(group_key(name), group_key("Design"), "{name}");
        }
        let mut user = Action::on_user("a@b", None).unwrap();
        let longest = format!("_product_admin_{}", "x".repeat(255));
        assert!(user.add_to_groups(&[&longest]).is_ok());
        assert!(user.add_to_groups(&["x".repeat(256)]).is_err());
        let command = Command::parse("json", r#"{"createUserGroup":{"name":"Design"}}"#).unwrap();
        assert_eq!(command.mentions(), [group_key("Design")]);
    }

    #[test]
    fn bad_input_names_the_argument() {
        let problem = |result: Result<Action>| result.unwrap_err().message().to_owned();
        assert!(problem(Action::on_user("jdoe", None)).starts_with("domain: "));
        assert!(problem(Action::on_user("j@x", Some("x"))).starts_with("domain: "));
        assert!(problem(Action::on_user("", None)).starts_with("user: "));
        assert!(problem(Action::on_group(&"x".repeat(256))).starts_with("name: "));
        let mut group = Action::on_group("_org_admin").unwrap();
        let refused = group.create_group(None, OnConflict::Ignore).unwrap_err();
        assert!(refused.message().starts_with("name: "), "{refused}");
        assert!(group.remove_from_all_groups().is_err());
        let mut user = Action::on_user("a@b", None).unwrap();
        assert!(user.add_to_groups::<&str>(&[]).is_err());
        let refused = user.add_to_groups(&["ok", ""]).unwrap_err();
        assert!(refused.message().starts_with("groups[1]: "), "{refused}");
        for json in ["", "[]", "7", "{}", r#"{"a":1,"b":2}"#, "{\"a\":1"] {
            assert!(user.append_json(json).is_err(), "{json}");
        }
        assert!(user.insert_json(1, r#"{"a":1}"#).is_err());
        assert!(
            user.commands().is_empty(),
            "a refused command changes nothing"
        );
    }
}
