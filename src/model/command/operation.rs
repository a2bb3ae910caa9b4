//! The commands with their fields, and what each of them means for the library.

use super::effect::Effect;
use super::kind::Kind;
use super::members::{Members, Noun};
use super::name::Name;
use super::on_conflict::{OPTION, OnConflict};
use super::raw::{DELETE_ACCOUNT, Raw};
use super::text_fields::TextFields;
use crate::model::order_key::{Key, group_key, user_key};
use crate::model::user::IdentityType;
use crate::model::write_json::ObjectWriter;
use serde_json::{Map, Value};
use std::ops::Range;

/// What a command does. Every rule about commands is one match over all of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    CreateUser {
        identity: IdentityType,
        fields: TextFields<4>,
        on_conflict: OnConflict,
    },
    CreateGroup {
        fields: TextFields<2>,
        on_conflict: OnConflict,
    },
    UpdateUser(TextFields<4>),
    UpdateGroup(TextFields<2>),
    DeleteGroup,
    Add(Members),
    Remove(Members),
    RemoveFromAllGroups,
    RemoveFromOrg {
        /// `None` leaves it unsaid, which means no.
        delete_account: Option<bool>,
    },
    /// What the library does not know with every field of it.
    Raw(Box<Raw>),
}

const NEW_USER: [&str; 4] = ["email", "firstname", "lastname", "country"];
const USER_UPDATE: [&str; 4] = ["email", "username", "firstname", "lastname"];
const GROUP: [&str; 2] = ["name", "description"];
const ALL_GROUPS: &str = "all";

impl Operation {
    /// `texts` are the email, the first name, the last name and the country.
    pub(crate) fn create_user(
        identity: IdentityType,
        texts: [Option<&str>; 4],
        on_conflict: OnConflict,
    ) -> Self {
        Operation::CreateUser {
            identity,
            fields: TextFields::new(&NEW_USER, texts),
            on_conflict,
        }
    }

    /// `texts` are the new email, username, first name and last name; `None` if there is none.
    pub(crate) fn update_user(texts: [Option<&str>; 4]) -> Option<Self> {
        let fields = TextFields::new(&USER_UPDATE, texts);
        (!fields.is_empty()).then_some(Operation::UpdateUser(fields))
    }

    pub(crate) fn create_group(description: Option<&str>, on_conflict: OnConflict) -> Self {
        Operation::CreateGroup {
            fields: TextFields::new(&GROUP, [None, description]),
            on_conflict,
        }
    }

    /// `texts` are the new name and description; `None` if there is none.
    pub(crate) fn update_group(texts: [Option<&str>; 2]) -> Option<Self> {
        let fields = TextFields::new(&GROUP, texts);
        (!fields.is_empty()).then_some(Operation::UpdateGroup(fields))
    }

    pub(crate) fn add<S: AsRef<str>>(noun: Noun, names: &[S]) -> Self {
        Operation::Add(Members::new(noun, names))
    }

    pub(crate) fn remove<S: AsRef<str>>(noun: Noun, names: &[S]) -> Self {
        Operation::Remove(Members::new(noun, names))
    }

    /// The operation that a command given as JSON stands for, if the library knows every field of it.
    pub(super) fn read(command: &Raw) -> Option<Self> {
        let body = command.body();
        let name = command.known_name()?;
        if name == Name::Remove && body.as_str() == Some(ALL_GROUPS) {
            return Some(Operation::RemoveFromAllGroups);
        }
        let body = body.as_object()?;
        Some(match name {
            Name::CreateUser(identity) => {
                let (fields, on_conflict) = read_create(&NEW_USER, body)?;
                Operation::CreateUser {
                    identity,
                    fields,
                    on_conflict,
                }
            }
            Name::CreateGroup => {
                let (fields, on_conflict) = read_create(&GROUP, body)?;
                Operation::CreateGroup {
                    fields,
                    on_conflict,
                }
            }
            Name::UpdateUser => Operation::UpdateUser(TextFields::read(&USER_UPDATE, body.iter())?),
            Name::UpdateGroup => Operation::UpdateGroup(TextFields::read(&GROUP, body.iter())?),
            Name::DeleteGroup if body.is_empty() => Operation::DeleteGroup,
            Name::DeleteGroup => return None,
            Name::Add => Operation::Add(Members::read(body)?),
            Name::Remove => Operation::Remove(Members::read(body)?),
            Name::RemoveFromOrg => Operation::RemoveFromOrg {
                delete_account: read_delete_account(body)?,
            },
        })
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Operation::CreateUser { .. } | Operation::CreateGroup { .. } => Kind::Create,
            Operation::UpdateUser(new) => match new.get("email").or(new.get("username")) {
                Some(_) => Kind::Rename,
                None => Kind::Other,
            },
            Operation::UpdateGroup(new) => match new.get("name") {
                Some(_) => Kind::Rename,
                None => Kind::Other,
            },
            Operation::DeleteGroup => Kind::DeleteGroup,
            Operation::Add(_) | Operation::Remove(_) | Operation::RemoveFromAllGroups => {
                Kind::Membership
            }
            Operation::RemoveFromOrg { .. } => Kind::RemoveFromOrg,
            Operation::Raw(raw) => raw.kind(),
        }
    }

    /// Whether doing it twice ends like doing it once. What this version does not know could do anything.
    pub(super) fn is_replay_safe(&self) -> bool {
        match self {
            Operation::CreateUser { on_conflict, .. }
            | Operation::CreateGroup { on_conflict, .. } => match on_conflict {
                OnConflict::Ignore | OnConflict::Update => true,
                OnConflict::Error => false,
            },
            // Updates that keep the address or name.
            Operation::UpdateUser(_) | Operation::UpdateGroup(_) => self.kind() != Kind::Rename,
            Operation::DeleteGroup => false,
            Operation::Add(_)
            | Operation::Remove(_)
            | Operation::RemoveFromAllGroups
            | Operation::RemoveFromOrg { .. } => true,
            Operation::Raw(_) => false,
        }
    }

    /// Whether an account could end by it. What the library does not know for harmless counts.
    pub(super) fn may_delete_account(&self) -> bool {
        match self {
            Operation::RemoveFromOrg { delete_account } => *delete_account == Some(true),
            Operation::CreateUser { .. }
            | Operation::CreateGroup { .. }
            | Operation::UpdateUser(_)
            | Operation::UpdateGroup(_)
            | Operation::DeleteGroup
            | Operation::Add(_)
            | Operation::Remove(_)
            | Operation::RemoveFromAllGroups => false,
            Operation::Raw(raw) => raw.may_delete_account(),
        }
    }

    pub(super) fn effect(&self) -> Effect {
        match self {
            Operation::CreateUser { on_conflict, .. }
            | Operation::CreateGroup { on_conflict, .. } => Effect::Create(*on_conflict),
            Operation::UpdateUser(_) | Operation::UpdateGroup(_) | Operation::DeleteGroup => {
                Effect::Other
            }
            Operation::Add(_) => Effect::Join,
            Operation::Remove(_) | Operation::RemoveFromAllGroups => Effect::Leave,
            Operation::RemoveFromOrg { delete_account } => Effect::LeaveOrg {
                deletes_account: *delete_account == Some(true),
            },
            Operation::Raw(raw) => raw.effect(),
        }
    }

    /// How many names its lists hold together.
    pub(super) fn names(&self) -> usize {
        match self {
            Operation::Add(members) | Operation::Remove(members) => members.len(),
            Operation::CreateUser { .. }
            | Operation::CreateGroup { .. }
            | Operation::UpdateUser(_)
            | Operation::UpdateGroup(_)
            | Operation::DeleteGroup
            | Operation::RemoveFromAllGroups
            | Operation::RemoveFromOrg { .. } => 0,
            Operation::Raw(raw) => raw.names(),
        }
    }

    /// Passes on what the order between actions must heed besides the target: groups joined or left, users put into
    /// groups, and new names. Of lists, only the names within `range` count.
    pub(super) fn each_mention(&self, range: Range<usize>, what: &mut impl FnMut(Key)) {
        match self {
            Operation::CreateUser { fields, .. } => {
                fields.get("email").map(user_key).into_iter().for_each(what);
            }
            Operation::UpdateUser(fields) => {
                let names = ["email", "username"].map(|field| fields.get(field));
                names.into_iter().flatten().map(user_key).for_each(what);
            }
            Operation::CreateGroup { fields, .. } | Operation::UpdateGroup(fields) => {
                fields.get("name").map(group_key).into_iter().for_each(what);
            }
            Operation::Add(members) | Operation::Remove(members) => {
                members.keys(range).for_each(what);
            }
            Operation::DeleteGroup
            | Operation::RemoveFromAllGroups
            | Operation::RemoveFromOrg { .. } => {}
            Operation::Raw(raw) => raw.keys(range).into_iter().for_each(what),
        }
    }

    /// Appends the command as the service gets it. Of lists, only the names within `range` are in it.
    pub(super) fn push_json(&self, range: Range<usize>, json: &mut String) {
        match self {
            Operation::CreateUser {
                identity,
                fields,
                on_conflict,
            } => push_object(json, Name::CreateUser(*identity), |body| {
                fields.write_fields(body);
                on_conflict.write_field(body);
            }),
            Operation::CreateGroup {
                fields,
                on_conflict,
            } => push_object(json, Name::CreateGroup, |body| {
                fields.write_fields(body);
                on_conflict.write_field(body);
            }),
            Operation::UpdateUser(fields) => {
                push_object(json, Name::UpdateUser, |body| fields.write_fields(body));
            }
            Operation::UpdateGroup(fields) => {
                push_object(json, Name::UpdateGroup, |body| fields.write_fields(body));
            }
            Operation::DeleteGroup => push_object(json, Name::DeleteGroup, |_| {}),
            Operation::Add(members) => push_object(json, Name::Add, |body| {
                members.write_lists(range, body);
            }),
            Operation::Remove(members) => push_object(json, Name::Remove, |body| {
                members.write_lists(range, body);
            }),
            Operation::RemoveFromAllGroups => {
                let mut command = ObjectWriter::begin(json);
                command.text(Name::Remove.wire(), ALL_GROUPS);
                command.end();
            }
            Operation::RemoveFromOrg { delete_account } => {
                push_object(json, Name::RemoveFromOrg, |body| {
                    if let Some(delete_account) = delete_account {
                        body.flag(DELETE_ACCOUNT, *delete_account);
                    }
                });
            }
            Operation::Raw(raw) => raw.push_json(range, json),
        }
    }
}

fn push_object(json: &mut String, name: Name, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    let mut command = ObjectWriter::begin(json);
    let mut body = ObjectWriter::begin(command.field(name.wire()));
    write(&mut body);
    body.end();
    command.end();
}

/// The texts and the option of a create.
fn read_create<const N: usize>(
    names: &'static [&'static str; N],
    body: &Map<String, Value>,
) -> Option<(TextFields<N>, OnConflict)> {
    let on_conflict = match body.get(OPTION) {
        Some(word) => OnConflict::of_word(word.as_str()?)?,
        None => OnConflict::Error,
    };
    let texts = body.iter().filter(|(field, _)| *field != OPTION);
    Some((TextFields::read(names, texts)?, on_conflict))
}

fn read_delete_account(body: &Map<String, Value>) -> Option<Option<bool>> {
    match (body.get(DELETE_ACCOUNT), body.len()) {
        (None, 0) => Some(None),
        (Some(value), 1) => value.as_bool().map(Some),
        _ => None,
    }
}
