//! An action as JSON, to be kept and read again.

use super::Action;
use crate::error::{Error, Result};
use crate::model::argument::{check_group_name, check_request_id};
use crate::model::command::Command;
use crate::model::write_json::ObjectWriter;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of an action that is written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    user: Option<String>,
    domain: Option<String>,
    #[serde(rename = "useAdobeID")]
    use_adobe_id: Option<bool>,
    usergroup: Option<String>,
    #[serde(rename = "requestID")]
    request_id: Option<String>,
    tag: Option<u64>,
    #[serde(rename = "do", borrow)]
    commands: Vec<&'a RawValue>,
}

impl Action {
    /// The whole action as one JSON object, for [`Action::from_json`]: the entry of a request that the service would
    /// get, and the tag.
    ///
    /// | key | value |
    /// |---|---|
    /// | `user` or `usergroup` | the target's name |
    /// | `domain` | the domain of a username without `@` |
    /// | `useAdobeID` | `true` if the Adobe ID is meant |
    /// | `requestID` | the request id |
    /// | `tag` | the tag, an integer from 0 to 2⁶⁴ - 1 |
    /// | `do` | the commands in their order, each as the service gets it, with its whole list |
    ///
    /// Keys whose value is the default are left out, save `do`. There is no line break in the JSON.
    ///
    /// ```
    /// use umapi::Action;
    ///
    /// let mut action = Action::on_user("zoe@example.com", None)?;
    /// action.add_to_groups(&["Design"])?.set_tag(7);
    /// let json = action.to_json();
    /// assert_eq!(json, r#"{"user":"zoe@example.com","tag":7,"do":[{"add":{"group":["Design"]}}]}"#);
    /// assert_eq!(Action::from_json(&json)?.to_json(), json);
    /// # Ok::<(), umapi::Error>(())
    /// ```
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(256);
        let mut action = ObjectWriter::begin(&mut json);
        self.write_head(&mut action);
        if self.tag() != 0 {
            action.field("tag").push_str(&self.tag().to_string());
        }
        let commands = action.field("do");
        commands.push('[');
        for (position, command) in self.commands().iter().enumerate() {
            if position > 0 {
                commands.push(',');
            }
            command.push_json(commands);
        }
        commands.push(']');
        action.end();
        json
    }

    /// The action that [`Action::to_json`] wrote, or one that is written in the same form. What it holds must keep the
    /// rules of [`Action::on_user`], [`Action::on_group`], [`Action::set_request_id`] and [`Action::append_json`]; a
    /// key that is not of this form is refused. An error names `json` and the key in it.
    pub fn from_json(json: &str) -> Result<Self> {
        read(json).map_err(|e| e.context("json"))
    }
}

fn read(json: &str) -> Result<Action> {
    let written: Written<'_> =
        serde_json::from_str(json).map_err(|e| Error::invalid_argument("action", e))?;
    let mut action = written.action_without_commands()?;
    for (position, command) in written.commands.iter().enumerate() {
        let place = format!("do[{position}]");
        let command = Command::parse(&place, command.get())?;
        action.push_command(command).map_err(|e| e.context(place))?;
    }
    Ok(action)
}

impl Written<'_> {
    fn action_without_commands(&self) -> Result<Action> {
        let mut action = match (&self.user, &self.usergroup) {
            (Some(user), None) => Action::on_user(user, self.domain.as_deref())?,
            (None, Some(name)) => self.action_on_group(name)?,
            (Some(_), Some(_)) => return Err(wrong("usergroup", "stands beside user")),
            (None, None) => return Err(wrong("user", "is not there, and neither is usergroup")),
        };
        if self.use_adobe_id == Some(true) {
            action.set_use_adobe_id(true)?;
        }
        if let Some(id) = &self.request_id {
            check_request_id("requestID", id)?;
            action.set_request_id(id)?;
        }
        action.set_tag(self.tag.unwrap_or_default());
        Ok(action)
    }

    fn action_on_group(&self, name: &str) -> Result<Action> {
        let of_users = "is for an action on a user";
        if self.domain.is_some() {
            return Err(wrong("domain", of_users));
        }
        if self.use_adobe_id.is_some() {
            return Err(wrong("useAdobeID", of_users));
        }
        check_group_name("usergroup", name)?;
        Action::on_group(name)
    }
}

fn wrong(key: &str, problem: &str) -> Error {
    Error::invalid_argument(key, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{NewUser, UserUpdate};
    use crate::model::command::OnConflict;
    use crate::model::user::IdentityType;
    use fastrand::Rng;
    use serde_json::{Value, json};

    /// Characters that JSON escapes, that have no upper or lower case, and that are several bytes long.
    fn text(dice: &mut Rng) -> String {
        const LETTERS: [&str; 9] = ["a", "B", "é", "李", "\"", "\\", "/", " ", "\u{7f}"];
        let letters = (0..dice.usize(1..12)).map(|_| LETTERS[dice.usize(0..8)]);
        letters.collect()
    }

    fn some(dice: &mut Rng) -> Option<String> {
        dice.bool().then(|| text(dice))
    }

    fn names(dice: &mut Rng) -> Vec<String> {
        (0..dice.usize(1..30)).map(|_| text(dice)).collect()
    }

    fn address(dice: &mut Rng) -> String {
        format!("{}@example.com", text(dice))
    }

    fn on_conflict(dice: &mut Rng) -> OnConflict {
        [OnConflict::Ignore, OnConflict::Update, OnConflict::Error][dice.usize(0..3)]
    }

    /// Anything that can be JSON, with numbers, nesting and keys that stand in no order.
    fn any_value(dice: &mut Rng, depth: usize) -> Value {
        match dice.u8(0..if depth < 3 { 8 } else { 5 }) {
            0 => Value::Null,
            1 => Value::from(dice.bool()),
            2 => Value::from(dice.i64(..)),
            3 => Value::from(f64::from_bits(dice.u64(..))),
            4 => Value::from(text(dice)),
            5 => (0..dice.usize(0..4))
                .map(|_| any_value(dice, depth + 1))
                .collect(),
            _ => (0..dice.usize(0..4))
                .map(|_| (text(dice), any_value(dice, depth + 1)))
                .collect(),
        }
    }

    fn any_command(dice: &mut Rng) -> Value {
        match dice.u8(0..6) {
            0 => json!({"add": {"user": names(dice), "productConfiguration": names(dice)}}),
            1 => json!({"update": {"lastname": text(dice), "firstname": text(dice)}}),
            2 => json!({"add": {"group": names(dice), "notify": any_value(dice, 0)}}),
            3 => json!({"remove": {"group": any_value(dice, 0)}}),
            4 => json!({"update": any_value(dice, 0)}),
            _ => json!({text(dice): any_value(dice, 0)}),
        }
    }

    fn on_user(dice: &mut Rng) -> Action {
        let mut action = match dice.bool() {
            true => Action::on_user(&address(dice), None).unwrap(),
            false => Action::on_user(&text(dice), Some(&text(dice))).unwrap(),
        };
        if dice.bool() {
            let (email, first, last) = (address(dice), some(dice), some(dice));
            let user = NewUser {
                identity: [IdentityType::AdobeId, IdentityType::FederatedId][dice.usize(0..2)],
                email: &email,
                first_name: first.as_deref(),
                last_name: last.as_deref(),
                country: Some("DE"),
                on_conflict: on_conflict(dice),
            };
            action.create(user).unwrap();
        }
        for _ in 0..dice.usize(0..6) {
            let text = text(dice);
            match dice.u8(0..5) {
                0 => action.update(UserUpdate {
                    username: Some(&text),
                    ..UserUpdate::default()
                }),
                1 => action.add_to_groups(&names(dice)),
                2 => action.remove_from_groups(&names(dice)),
                3 => action.remove_from_all_groups(),
                _ => action.append_json(&any_command(dice).to_string()),
            }
            .unwrap();
        }
        if dice.u8(0..3) == 0 {
            action.remove_from_org(dice.bool()).unwrap();
        }
        action
    }

    fn on_group(dice: &mut Rng) -> Action {
        let mut action = Action::on_group(&text(dice)).unwrap();
        if dice.bool() {
            let description = some(dice);
            action
                .create_group(description.as_deref(), on_conflict(dice))
                .unwrap();
        }
        for _ in 0..dice.usize(0..6) {
            match dice.u8(0..6) {
                0 => action.update_group(Some(&text(dice)), some(dice).as_deref()),
                1 => action.add_users(&names(dice)),
                2 => action.remove_users(&names(dice)),
                3 => action.add_products(&names(dice)),
                4 => action.remove_products(&names(dice)),
                _ => action.append_json(&any_command(dice).to_string()),
            }
            .unwrap();
        }
        if dice.u8(0..3) == 0 {
            action.delete_group().unwrap();
        }
        action
    }

    #[test]
    fn what_is_written_is_read_as_the_same_action() {
        let mut dice = Rng::with_seed(11);
        for _ in 0..2_000 {
            let mut action = match dice.bool() {
                true => on_user(&mut dice),
                false => on_group(&mut dice),
            };
            if dice.bool() {
                action.set_tag(dice.u64(..));
            }
            if dice.bool() {
                action.set_request_id(&text(&mut dice)).unwrap();
            }
            let json = action.to_json();
            let read = Action::from_json(&json).unwrap();
            assert_eq!(format!("{action:?}"), format!("{read:?}"));
            assert_eq!(read.to_json(), json);
            for (own, other) in action.commands().iter().zip(read.commands()) {
                assert_eq!(own.json(), other.json());
            }
            let value: Value = serde_json::from_str(&json).unwrap();
            let commands = action.commands().iter();
            let commands: Vec<Value> = commands
                .map(|command| serde_json::from_str(command.json().as_str()).unwrap())
                .collect();
            assert_eq!(value["do"], Value::from(commands));
        }
    }

    #[test]
    fn the_form_is_that_of_a_request() {
        let mut action = Action::on_user("jdoe", Some("example.com")).unwrap();
        action.set_use_adobe_id(true).unwrap();
        action.set_request_id("r1").unwrap();
        action.set_tag(u64::MAX);
        assert_eq!(
            action.to_json(),
            r#"{"user":"jdoe","domain":"example.com","useAdobeID":true,"requestID":"r1","tag":18446744073709551615,"do":[]}"#
        );
        let group = r#"{"usergroup":"G","do":[{"deleteUserGroup":{}}]}"#;
        assert_eq!(Action::from_json(group).unwrap().to_json(), group);
    }

    #[test]
    fn a_command_as_deep_as_one_can_be_is_read_again() {
        let mut action = Action::on_group("G").unwrap();
        let depth = 125;
        let json = format!(r#"{{"new":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        action.append_json(&json).unwrap();
        let read = Action::from_json(&action.to_json()).unwrap();
        assert_eq!(read.commands()[0].json().as_str(), json);
    }

    #[test]
    fn wrong_input_is_refused_and_named() {
        for (json, named) in [
            ("", "json: action: "),
            ("7", "json: action: "),
            (r#"{"user":"a@b"}"#, "json: action: missing field `do`"),
            (r#"{"user":"a@b","do":{}}"#, "json: action: "),
            (r#"{"user":7,"do":[]}"#, "json: action: "),
            (r#"{"user":"a@b","do":[],"tag":-1}"#, "json: action: "),
            (r#"{"user":"a@b","do":[],"tag":1.5}"#, "json: action: "),
            (
                r#"{"user":"a@b","do":[],"more":1}"#,
                "json: action: unknown field `more`",
            ),
            (
                r#"{"user":"a@b","user":"c@d","do":[]}"#,
                "json: action: duplicate field `user`",
            ),
            (r#"{"user":"a@b","do":[]} {}"#, "json: action: "),
            (r#"{"do":[]}"#, "json: user: "),
            (r#"{"user":"","do":[]}"#, "json: user: "),
            (r#"{"user":"jdoe","do":[]}"#, "json: domain: "),
            (
                r#"{"user":"a@b","usergroup":"G","do":[]}"#,
                "json: usergroup: ",
            ),
            (r#"{"usergroup":"","do":[]}"#, "json: usergroup: "),
            (
                r#"{"usergroup":"G","domain":"d","do":[]}"#,
                "json: domain: ",
            ),
            (
                r#"{"usergroup":"G","useAdobeID":true,"do":[]}"#,
                "json: useAdobeID: ",
            ),
            (
                r#"{"user":"a@b","requestID":"","do":[]}"#,
                "json: requestID: ",
            ),
            (r#"{"user":"a@b","do":[{"add":{}},7]}"#, "json: do[1]: "),
            (r#"{"user":"a@b","do":[{"a":1,"b":2}]}"#, "json: do[0]: "),
            (
                r#"{"user":"a@b","do":[{"a":{"b":1,"b":1}}]}"#,
                "json: do[0]: ",
            ),
            (
                r#"{"user":"a@b","do":[{"removeFromOrg":{}},{"add":{}}]}"#,
                "json: do[1]: command: nothing can follow",
            ),
        ] {
            let refused = Action::from_json(json).unwrap_err();
            assert_eq!(refused.kind(), crate::error::ErrorKind::InvalidArgument);
            assert!(refused.message().starts_with(named), "{json}: {refused}");
        }
    }
}
