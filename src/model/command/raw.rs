//! A command of which the library does not know every part.

use super::effect::Effect;
use super::kind::Kind;
use super::name::{Name, REMOVE_FROM_ORG};
use super::on_conflict::{OPTION, OnConflict};
use crate::model::order_key::{Key, group_key, user_key};
use crate::model::write_json::push_text;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::ops::Range;

/// A name that need not be known, and anything that can stand behind it. It is sent as the caller gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raw {
    name: String,
    known: Option<Name>,
    body: Value,
}

pub(super) const DELETE_ACCOUNT: &str = "deleteAccount";

impl Raw {
    pub(super) fn new(name: String, body: Value) -> Self {
        Raw {
            known: Name::of(&name),
            name,
            body,
        }
    }

    /// Its name, if the library knows that much of it.
    pub(super) fn known_name(&self) -> Option<Name> {
        self.known
    }

    pub(super) fn body(&self) -> &Value {
        &self.body
    }

    fn has(&self, field: &str) -> bool {
        self.body.get(field).is_some()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }

    pub(super) fn kind(&self) -> Kind {
        match self.known {
            Some(Name::CreateUser(_) | Name::CreateGroup) => Kind::Create,
            Some(Name::UpdateUser) if self.has("email") || self.has("username") => Kind::Rename,
            Some(Name::UpdateGroup) if self.has("name") => Kind::Rename,
            Some(Name::UpdateUser | Name::UpdateGroup) => Kind::Other,
            Some(Name::DeleteGroup) => Kind::DeleteGroup,
            Some(Name::RemoveFromOrg) => Kind::RemoveFromOrg,
            Some(Name::Add | Name::Remove) => Kind::Membership,
            None => Kind::Other,
        }
    }

    pub(super) fn effect(&self) -> Effect {
        match self.known {
            Some(Name::Add) => Effect::Join,
            Some(Name::Remove) => Effect::Leave,
            Some(Name::RemoveFromOrg) => Effect::LeaveOrg {
                deletes_account: self.body.get(DELETE_ACCOUNT).is_some_and(is_not_false),
            },
            Some(Name::CreateUser(_) | Name::CreateGroup) => {
                let known = self.text(OPTION).and_then(OnConflict::of_word);
                Effect::Create(known.unwrap_or(OnConflict::Error))
            }
            Some(Name::UpdateUser | Name::UpdateGroup | Name::DeleteGroup) | None => Effect::Other,
        }
    }

    /// A removal from the organisation is harmless if it says `"deleteAccount": false` or nothing. Any other command
    /// may delete if it is not known and is called so, or says something of deleting an account, in whatever letter
    /// case.
    pub(super) fn may_delete_account(&self) -> bool {
        if self.name.eq_ignore_ascii_case(REMOVE_FROM_ORG) {
            let Value::Object(fields) = &self.body else {
                return true;
            };
            let mut fields = fields.iter();
            return fields.any(|(field, value)| field != DELETE_ACCOUNT || is_not_false(value));
        }
        let lower = self.name.to_ascii_lowercase();
        let is_called_so = lower.contains("delete") || lower.contains("remove");
        self.known.is_none() && is_called_so || asks_to_delete_account(&self.body)
    }

    fn lists(&self) -> impl Iterator<Item = (&String, &Vec<Value>)> {
        let fields = self.body.as_object().into_iter().flatten();
        fields.filter_map(|(field, value)| Some((field, value.as_array()?)))
    }

    /// How many names its lists hold together.
    pub(super) fn names(&self) -> usize {
        self.lists().map(|(_, list)| list.len()).sum()
    }

    /// Each list with those of its names that stand within `range`, counted through all lists.
    fn lists_within(&self, range: Range<usize>) -> impl Iterator<Item = (&String, &[Value])> {
        let mut start = 0;
        self.lists().map(move |(field, list)| {
            let within = |position: usize| position.clamp(start, start + list.len()) - start;
            let names = &list[within(range.start)..within(range.end)];
            start += list.len();
            (field, names)
        })
    }

    /// What the order between actions must heed in the names within `range`.
    pub(super) fn keys(&self, range: Range<usize>) -> Vec<Key> {
        let texts = |fields: [&str; 2]| fields.map(|field| self.text(field));
        match self.known {
            Some(Name::Add | Name::Remove) => {
                // A name without a list around it is every part's.
                let [group, user] = texts(["group", "user"]);
                let single = [group.map(group_key), user.map(user_key)];
                let listed = self.lists_within(range).flat_map(|(field, names)| {
                    names.iter().filter_map(|name| match field.as_str() {
                        "group" => name.as_str().map(group_key),
                        "user" => name.as_str().map(user_key),
                        _ => None,
                    })
                });
                single.into_iter().flatten().chain(listed).collect()
            }
            Some(Name::CreateGroup | Name::UpdateGroup) => {
                self.text("name").map(group_key).into_iter().collect()
            }
            Some(
                Name::CreateUser(_) | Name::UpdateUser | Name::DeleteGroup | Name::RemoveFromOrg,
            )
            | None => {
                let names = texts(["email", "username"]).into_iter().flatten();
                names.map(user_key).collect()
            }
        }
    }

    /// Appends the command with the names within `range`. A part holds what is no list as it is, then its lists.
    pub(super) fn push_json(&self, range: Range<usize>, json: &mut String) {
        let mut push = |body: &dyn std::fmt::Display| {
            json.push('{');
            push_text(json, &self.name);
            write!(json, ":{body}}}").expect("a String takes everything");
        };
        match &self.body {
            Value::Object(fields) if range != (0..self.names()) => {
                push(&Value::Object(self.part(fields, range)));
            }
            body => push(body),
        }
    }

    fn part(&self, fields: &Map<String, Value>, range: Range<usize>) -> Map<String, Value> {
        let no_lists = fields.iter().filter(|(_, value)| !value.is_array());
        let no_lists = no_lists.map(|(field, value)| (field.clone(), value.clone()));
        let lists = self.lists_within(range);
        let lists = lists.filter(|(_, names)| !names.is_empty());
        let lists = lists.map(|(field, names)| (field.clone(), Value::from(names)));
        no_lists.chain(lists).collect()
    }
}

fn is_not_false(value: &Value) -> bool {
    *value != Value::Bool(false)
}

fn asks_to_delete_account(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            let says_so = field.eq_ignore_ascii_case(DELETE_ACCOUNT);
            says_so && is_not_false(value) || asks_to_delete_account(value)
        }),
        Value::Array(values) => values.iter().any(asks_to_delete_account),
        _ => false,
    }
}
