//! One command of an action: what it does, and its JSON.

mod effect;
mod kind;
mod members;
mod name;
mod on_conflict;
mod operation;
mod raw;
mod text_fields;

pub(crate) use effect::Effect;
pub(crate) use kind::Kind;
pub(crate) use members::Noun;
pub use on_conflict::OnConflict;
pub(crate) use operation::Operation;

use super::order_key::Key;
use crate::error::{Error, Result};
use crate::json::duplicate_keys::reject_duplicate_keys;
use crate::json::text::{SharedText, Text};
use raw::Raw;
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// One command of an action: one step on the wire, or several where its list is long.
#[derive(Clone)]
pub struct Command {
    operation: Operation,
    /// Written when it is asked for. It is there from the start for a command that was given as JSON, where the
    /// library would write its fields in another order.
    json: OnceLock<SharedText>,
}

impl From<Operation> for Command {
    fn from(operation: Operation) -> Self {
        Command {
            operation,
            json: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl Command {
    /// A command from its JSON: an object with one key, the command's name. `argument` is what errors name.
    pub(super) fn parse(argument: &str, json: &str) -> Result<Self> {
        let wrong = |e: serde_json::Error| Error::invalid_argument(argument, e);
        reject_duplicate_keys(json).map_err(wrong)?;
        let Value::Object(step) = serde_json::from_str(json).map_err(wrong)? else {
            return Err(Error::invalid_argument(
                argument,
                "a command is a JSON object such as {\"add\": {\"group\": [\"Design\"]}}",
            ));
        };
        let keys = step.len();
        let mut step = step.into_iter();
        let (Some((name, body)), None) = (step.next(), step.next()) else {
            return Err(Error::invalid_argument(
                argument,
                format_args!("a command has one key, the command's name; this object has {keys}"),
            ));
        };
        Ok(Command::of_raw(Raw::new(name, body)))
    }

    fn of_raw(raw: Raw) -> Self {
        let Some(known) = Operation::read(&raw) else {
            return Command::from(Operation::Raw(Box::new(raw)));
        };
        let command = Command::from(known);
        let given = Command::from(Operation::Raw(Box::new(raw)));
        match command.json() == given.json() {
            true => Command::from(command.operation),
            false => Command {
                operation: command.operation,
                json: given.json,
            },
        }
    }

    /// The command as the service gets it (a long list may go out in parts).
    pub fn json(&self) -> Text<'_> {
        self.rendered().as_text()
    }

    pub(crate) fn shared_json(&self) -> SharedText {
        self.rendered().clone()
    }

    fn rendered(&self) -> &SharedText {
        self.json.get_or_init(|| {
            let mut json = String::with_capacity(256);
            self.operation.push_json(self.all(), &mut json);
            SharedText::new(json)
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.operation.kind()
    }

    /// What is so once it is done.
    pub(crate) fn effect(&self) -> Effect {
        self.operation.effect()
    }

    /// Whether doing it twice ends like doing it once.
    pub(crate) fn is_replay_safe(&self) -> bool {
        self.operation.is_replay_safe()
    }

    /// Whether an account could end by it. What the library does not know for harmless counts.
    pub(crate) fn may_delete_account(&self) -> bool {
        self.operation.may_delete_account()
    }

    /// How many names its lists hold together.
    pub(crate) fn names(&self) -> usize {
        self.operation.names()
    }

    /// The range of all its names.
    fn all(&self) -> Range<usize> {
        0..self.names()
    }

    /// Which of its names go together into one step, for steps of at most `most`: all of them, unless it is a long
    /// list.
    pub(crate) fn parts(&self, most: usize) -> impl Iterator<Item = Range<usize>> {
        let names = self.names();
        let most = match self.kind() {
            Kind::Membership => most,
            Kind::Create | Kind::Rename | Kind::DeleteGroup | Kind::RemoveFromOrg | Kind::Other => {
                usize::MAX
            }
        };
        let others = (most..names).step_by(most);
        std::iter::once(0)
            .chain(others)
            .map(move |start| start..names.min(start.saturating_add(most)))
    }

    /// Passes on the users and groups besides the target that a part of the command names.
    pub(crate) fn each_mention(&self, part: Range<usize>, what: &mut impl FnMut(Key)) {
        self.operation.each_mention(part, what);
    }

    /// Appends a part of the command as the service gets it.
    pub(crate) fn push_part(&self, part: Range<usize>, json: &mut String) {
        match self.json.get() {
            Some(whole) if part == self.all() => json.push_str(whole.as_str()),
            _ => self.operation.push_json(part, json),
        }
    }

    /// Appends the whole command.
    pub(super) fn push_json(&self, json: &mut String) {
        self.push_part(self.all(), json);
    }
}

#[cfg(test)]
impl Command {
    pub(crate) fn mentions(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.each_mention(self.all(), &mut |key| keys.push(key));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::samples::federated;
    use crate::model::action::{Action, UserUpdate};
    use crate::model::order_key::user_key;

    fn part_json(command: &Command, part: Range<usize>) -> String {
        let mut json = String::new();
        command.push_part(part, &mut json);
        json
    }

    #[test]
    fn only_what_may_run_twice_is_replay_safe() {
        let safe = |json: &str| Command::parse("json", json).unwrap().is_replay_safe();
        for yes in [
            r#"{"createFederatedID":{"email":"a@b","option":"ignoreIfAlreadyExists"}}"#,
            r#"{"add":{"group":["A"]}}"#,
            r#"{"remove":"all"}"#,
            r#"{"update":{"firstname":"A"}}"#,
            r#"{"updateUserGroup":{"description":"d"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":true}}"#,
            r#"{"removeFromOrg":{}}"#,
            r#"{"createUserGroup":{"name":"G","option":"updateIfAlreadyExists"}}"#,
            r#"{"add":{"user":["a@b"],"productConfiguration":["P"]}}"#,
        ] {
            assert!(safe(yes), "{yes}");
        }
        for no in [
            r#"{"createFederatedID":{"email":"a@b"}}"#,
            r#"{"update":{"email":"a@b"}}"#,
            r#"{"update":{"username":"a"}}"#,
            r#"{"updateUserGroup":{"name":"d"}}"#,
            r#"{"createUserGroup":{}}"#,
            r#"{"deleteUserGroup":{}}"#,
            r#"{"somethingNew":{}}"#,
            r#"{"createFederatedID":{"email":"a@b","option":"errorIfAlreadyExists"}}"#,
            r#"{"createFederatedID":{"email":"a@b","option":"IgnoreIfAlreadyExists"}}"#,
            r#"{"createFederatedID":{"email":"a@b","option":null}}"#,
            r#"{"createFederatedID":{"email":"a@b","option":["ignoreIfAlreadyExists"]}}"#,
            r#"{"createFederatedID":{"option":"ignoreIfAlreadyExists","sendMail":true}}"#,
            r#"{"createFederatedID":{"option":"ignoreIfAlreadyExists","email":7}}"#,
            r#"{"createFederatedID":["option"]}"#,
            r#"{"createUserGroup":{"option":"replace"}}"#,
            r#"{"CreateUserGroup":{"option":"ignoreIfAlreadyExists"}}"#,
            r#"{"add":{"group":["A"],"notify":true}}"#,
            r#"{"add":{"group":"A"}}"#,
            r#"{"add":{"group":[{"name":"A"}]}}"#,
            r#"{"add":"all"}"#,
            r#"{"remove":"some"}"#,
            r#"{"remove":null}"#,
            r#"{"update":{"firstname":"A","counter":"+1"}}"#,
            r#"{"update":{"firstname":null}}"#,
            r#"{"update":{"email":null}}"#,
            r#"{"updateUserGroup":{"description":"d","name":null}}"#,
            r#"{"removeFromOrg":{"deleteAccount":"true"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":true,"in":"30d"}}"#,
            r#"{"removeFromOrg":true}"#,
        ] {
            assert!(!safe(no), "{no}");
        }
    }

    #[test]
    fn whatever_could_delete_an_account_counts_as_a_delete() {
        let deletes = |json: &str| Command::parse("json", json).unwrap().may_delete_account();
        for yes in [
            r#"{"removeFromOrg":{"deleteAccount":true}}"#,
            r#"{"removeFromOrg":{"deleteAccount":"true"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":"TRUE"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":"false"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":1}}"#,
            r#"{"removeFromOrg":{"deleteAccount":0}}"#,
            r#"{"removeFromOrg":{"deleteAccount":null}}"#,
            r#"{"removeFromOrg":{"DeleteAccount":true}}"#,
            r#"{"removeFromOrg":{"deleteAccount":false,"purge":true}}"#,
            r#"{"removeFromOrg":{"deleteAccount":[false]}}"#,
            r#"{"removeFromOrg":"deleteAccount"}"#,
            r#"{"removeFromOrg":null}"#,
            r#"{"RemoveFromOrg":{"deleteAccount":true}}"#,
            r#"{" removeFromOrg":{}}"#,
            r#"{"removeFromOrganization":{}}"#,
            r#"{"deleteUser":{}}"#,
            r#"{"update":{"deleteAccount":true}}"#,
            r#"{"remove":{"group":["A"],"options":[{"deleteaccount":"yes"}]}}"#,
        ] {
            assert!(deletes(yes), "{yes}");
        }
        for no in [
            r#"{"removeFromOrg":{"deleteAccount":false}}"#,
            r#"{"removeFromOrg":{}}"#,
            r#"{"remove":"all"}"#,
            r#"{"remove":{"group":["deleteAccount"]}}"#,
            r#"{"deleteUserGroup":{}}"#,
            r#"{"somethingNew":{"deleteAccount":false}}"#,
        ] {
            assert!(!deletes(no), "{no}");
        }
        let twice = r#"{"removeFromOrg":{"deleteAccount":true,"deleteAccount":false}}"#;
        let refused = Command::parse("json", twice).unwrap_err();
        assert!(refused.message().contains("occurs twice"), "{refused}");
        let mut action = Action::on_user("a@b", None).unwrap();
        action.remove_from_org(true).unwrap();
        assert!(action.commands()[0].may_delete_account());
    }

    #[test]
    fn long_lists_come_apart_in_order() {
        let command = Command::parse(
            "json",
            r#"{"add":{"user":["a","b","c"],"productConfiguration":["P","Q"]}}"#,
        )
        .unwrap();
        assert_eq!(command.names(), 5);
        let parts: Vec<_> = command
            .parts(2)
            .map(|part| part_json(&command, part))
            .collect();
        assert_eq!(
            parts,
            [
                r#"{"add":{"user":["a","b"]}}"#,
                r#"{"add":{"user":["c"],"productConfiguration":["P"]}}"#,
                r#"{"add":{"productConfiguration":["Q"]}}"#,
            ]
        );
    }

    #[test]
    fn a_command_given_as_json_is_sent_as_it_was_given() {
        for (json, is_known) in [
            (r#"{"update":{"lastname":"B","firstname":"A"}}"#, true),
            (
                r#"{"createUserGroup":{"option":"ignoreIfAlreadyExists","name":"G"}}"#,
                true,
            ),
            (r#"{"add":{"product":[],"group":["A"]}}"#, true),
            (r#"{"remove":{}}"#, true),
            (r#"{"removeFromOrg":{}}"#, true),
            (r#"{"add":{"notify":true,"group":["A"]}}"#, false),
            (r#"{"update":{"lastname":null,"email":"a@b"}}"#, false),
            (r#"{"remove":{"group":"all"}}"#, false),
            (r#"{"new":[1.0,1e+300,12345678901234567890,0.1]}"#, false),
        ] {
            let command = Command::parse("json", json).unwrap();
            assert_eq!(part_json(&command, command.all()), json);
            assert_eq!(command.json().as_str(), json);
            let is_raw = matches!(command.operation, Operation::Raw(_));
            assert_eq!(is_known, !is_raw, "{json}");
        }
    }

    #[test]
    fn a_long_list_beside_what_is_not_known_comes_apart_too() {
        let json = r#"{"add":{"group":["a","b",7],"user":"x@y","notify":true}}"#;
        let command = Command::parse("json", json).unwrap();
        let parts: Vec<_> = command
            .parts(2)
            .map(|part| part_json(&command, part))
            .collect();
        assert_eq!(
            parts,
            [
                r#"{"add":{"user":"x@y","notify":true,"group":["a","b"]}}"#,
                r#"{"add":{"user":"x@y","notify":true,"group":[7]}}"#,
            ]
        );
        let mut keys = Vec::new();
        command.each_mention(2..3, &mut |key| keys.push(key));
        assert_eq!(keys, [user_key("X@Y")]);
    }

    #[test]
    fn a_command_is_known_alike_however_it_was_given() {
        let mut user = Action::on_user("a@example.com", None).unwrap();
        let update = UserUpdate {
            email: Some("\u{201c}b\"@example.com"),
            last_name: Some("B\\"),
            ..UserUpdate::default()
        };
        user.create(federated("Ä@example.com")).unwrap();
        user.update(update).unwrap();
        user.add_to_groups(&["A\"", "Ünï"]).unwrap();
        user.remove_from_groups(&["C"]).unwrap();
        let mut group = Action::on_group("G").unwrap();
        group.create_group(Some("d"), OnConflict::Error).unwrap();
        group.update_group(Some("H"), None).unwrap();
        group.add_users(&["A@example.com"]).unwrap();
        group.remove_products(&["P"]).unwrap();
        group.delete_group().unwrap();
        for given in user.commands().iter().chain(group.commands()) {
            let parsed = Command::parse("json", given.json().as_str()).unwrap();
            assert_eq!(format!("{given:?}"), format!("{parsed:?}"));
        }
    }
}
