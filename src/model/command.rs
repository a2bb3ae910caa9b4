//! What can be done to one user or one user group: an action is a target and its ordered commands.

use super::body::{Body, Fields};
use super::text::{SharedText, Text};
use super::user::IdentityType;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What a create does when the user or group is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave it as it is and go on.
    Ignore,
    /// Overwrite what may be overwritten and go on.
    Update,
    /// Fail. Such a create is not replay-safe: if its answer is lost it ends as unknown.
    Error,
}

impl OnConflict {
    /// The service knows no word for the third: leaving the option out means it.
    fn option(self) -> Option<&'static str> {
        match self {
            OnConflict::Ignore => Some("ignoreIfAlreadyExists"),
            OnConflict::Update => Some("updateIfAlreadyExists"),
            OnConflict::Error => None,
        }
    }
}

/// The attributes of a user to create. Only the email is needed everywhere; a federated user also needs a country.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    pub identity: IdentityType,
    pub email: &'a str,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub country: Option<&'a str>,
    pub on_conflict: OnConflict,
}

/// What to change of a user; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserUpdate<'a> {
    pub email: Option<&'a str>,
    pub username: Option<&'a str>,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
}

/// Whom or what an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    User {
        user: SharedText,
        domain: Option<String>,
        use_adobe_id: bool,
    },
    UserGroup(SharedText),
}

/// A user or group in the eyes of the order between actions: names are compared without regard to letter case.
pub(crate) type Key = u64;

/// Two names with one key would only keep an order that they need not.
fn key(noun: &str, name: &str) -> Key {
    let noun = add(noun.len() as u64, noun);
    match name.is_ascii() {
        true => add(noun, name),
        false => add(noun, &name.to_lowercase()),
    }
}

/// Mixes a text in, eight bytes at a time, with ASCII letters as small ones.
fn add(hash: Key, text: &str) -> Key {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ (word | SMALL)).wrapping_mul(ODD);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().fold(rest.len() as u64, |word, byte| {
        (word << 8) | u64::from(*byte | 0x20)
    });
    words.chain([rest]).fold(hash, mix)
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
            Target::User { user, .. } => key("user", user.as_str()),
            Target::UserGroup(name) => key("group", name.as_str()),
        }
    }
}

/// One command of an action: one step on the wire, or several where its list is long.
#[derive(Clone, Debug)]
pub struct Command {
    json: SharedText,
    verb: Verb,
    replay_safe: bool,
    /// The users and groups besides the target that the command names.
    mentions: Vec<Key>,
    /// How many names its lists hold together.
    names: usize,
}

/// The commands whose place or neighbourhood matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Rename,
    DeleteGroup,
    RemoveFromOrg { delete_account: bool },
    Membership,
    Other,
}

impl Command {
    /// A command from its JSON: an object with one key, the command's name.
    pub(crate) fn from_value(value: Value) -> Result<Self> {
        let Value::Object(step) = &value else {
            return Err(Error::invalid_argument(
                "json",
                "a command is a JSON object such as {\"add\": {\"group\": [\"Design\"]}}",
            ));
        };
        let (Some((name, body)), 1) = (step.iter().next(), step.len()) else {
            return Err(Error::invalid_argument(
                "json",
                format_args!(
                    "a command has one key, the command's name; this object has {}",
                    step.len()
                ),
            ));
        };
        let json = SharedText::new(value.to_string());
        Ok(Command::new(json, name, body))
    }

    fn of_fields(name: &'static str, fields: &Fields) -> Self {
        Command::new(fields.json(name), name, fields)
    }

    fn new(json: SharedText, name: &str, body: &impl Body) -> Self {
        let verb = Verb::of(name, body);
        Command {
            json,
            verb,
            replay_safe: verb.is_replay_safe(name, body),
            mentions: mentions(name, body),
            names: body.names(),
        }
    }

    fn parse(json: &str) -> Result<Self> {
        let value = serde_json::from_str(json).map_err(|e| Error::invalid_argument("json", e))?;
        Command::from_value(value)
    }

    /// The command as the service gets it (a long list may go out in parts).
    pub fn json(&self) -> Text<'_> {
        self.json.as_text()
    }

    pub(crate) fn shared_json(&self) -> SharedText {
        self.json.clone()
    }

    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    /// Whether doing it twice ends like doing it once.
    pub(crate) fn is_replay_safe(&self) -> bool {
        self.replay_safe
    }

    pub(crate) fn mentions(&self) -> &[Key] {
        &self.mentions
    }

    pub(crate) fn names(&self) -> usize {
        self.names
    }

    /// The same command as several, each with at most `most` names, in the caller's order.
    pub(crate) fn in_parts(&self, most: usize) -> Vec<SharedText> {
        let value: Value = serde_json::from_str(self.json.as_str()).expect("a command is JSON");
        let (verb, lists) = value
            .as_object()
            .and_then(|step| step.iter().next())
            .expect("a command has one key");
        let (lists, rest): (Vec<_>, Vec<_>) = lists
            .as_object()
            .into_iter()
            .flatten()
            .partition(|(_, value)| value.is_array());
        let rest: Map<String, Value> = rest
            .into_iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let names = lists.into_iter().flat_map(|(noun, list)| {
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().map(move |name| (noun, name))
        });
        let mut parts = vec![rest.clone()];
        for (position, (noun, name)) in names.enumerate() {
            if position > 0 && position % most == 0 {
                parts.push(rest.clone());
            }
            let part = parts.last_mut().expect("there is always a part");
            match part.entry(noun).or_insert_with(|| json!([])) {
                Value::Array(list) => list.push(name.clone()),
                _ => unreachable!("only lists are put into a part"),
            }
        }
        parts
            .into_iter()
            .map(|part| SharedText::new(json!({ verb: part }).to_string()))
            .collect()
    }
}

impl Verb {
    fn of(name: &str, body: &impl Body) -> Self {
        match name {
            "addAdobeID" | "createEnterpriseID" | "createFederatedID" | "createUserGroup" => {
                Verb::Create
            }
            "update" if body.has("email") || body.has("username") => Verb::Rename,
            "updateUserGroup" if body.has("name") => Verb::Rename,
            "deleteUserGroup" => Verb::DeleteGroup,
            "removeFromOrg" => Verb::RemoveFromOrg {
                delete_account: body.is_true("deleteAccount"),
            },
            "add" | "remove" => Verb::Membership,
            _ => Verb::Other,
        }
    }

    /// A command that this version does not know is never taken to be.
    fn is_replay_safe(self, name: &str, body: &impl Body) -> bool {
        match self {
            Verb::Create => body.has("option"),
            Verb::Membership | Verb::RemoveFromOrg { .. } => true,
            Verb::Rename | Verb::DeleteGroup => false,
            Verb::Other => matches!(name, "update" | "updateUserGroup"),
        }
    }
}

/// What the order between actions must heed: groups joined or left, users put into groups, and new names.
fn mentions(name: &str, body: &impl Body) -> Vec<Key> {
    let mut keys = Vec::with_capacity(body.names().max(1));
    let (noun, fields): (_, &[_]) = match name {
        "add" | "remove" => {
            for noun in ["group", "user"] {
                body.each_name(noun, &mut |name| keys.push(key(noun, name)));
            }
            return keys;
        }
        "updateUserGroup" => ("group", &["name"]),
        "createUserGroup" => ("group", &[]),
        _ => ("user", &["email", "username"]),
    };
    let names = fields.iter().filter_map(|field| body.text(field));
    keys.extend(names.map(|name| key(noun, name)));
    keys
}

/// One target and what to do to it, in order. Built once, executed any number of times; clones share what they hold
/// until one is changed.
#[derive(Clone, Debug)]
pub struct Action(Arc<Plan>);

#[derive(Clone, Debug)]
struct Plan {
    target: Target,
    request_id: Option<Arc<str>>,
    tag: u64,
    commands: Vec<Command>,
}

/// Documented limits on text, where more can never be right. The service judges the rest: an over-strict client
/// stands in the way.
const LONGEST_PERSON_NAME: usize = 250;
const LONGEST_GROUP_NAME: usize = 255;
/// RFC 5321; the service documents 60, but has taken longer ones, so that is for it to say.
const LONGEST_EMAIL: usize = 254;

fn check_text(argument: &str, text: &str, longest: usize) -> Result<()> {
    // No early end, so that many bytes are looked at in one step.
    let is_plain = text
        .bytes()
        .fold(true, |all, byte| all & (b' '..=b'~').contains(&byte));
    if is_plain && (1..=longest).contains(&text.len()) {
        return Ok(());
    }
    let length = text.chars().count();
    if text.is_empty() {
        return Err(Error::invalid_argument(argument, "must not be empty"));
    }
    if length > longest {
        return Err(Error::invalid_argument(
            argument,
            format_args!("has {length} characters; at most {longest} are possible"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_argument(
            argument,
            "holds a control character",
        ));
    }
    Ok(())
}

fn check_optional(argument: &str, text: Option<&str>, longest: usize) -> Result<()> {
    text.map_or(Ok(()), |t| check_text(argument, t, longest))
}

/// What names a user in an action: an email alone, or a username without `@` together with its domain.
pub(crate) fn check_user_string(argument: &str, user: &str, domain: Option<&str>) -> Result<()> {
    check_text(argument, user, LONGEST_EMAIL)?;
    check_optional("domain", domain, LONGEST_EMAIL)?;
    match (user.contains('@'), domain) {
        (false, None) => Err(Error::invalid_argument("domain", WANTS_DOMAIN)),
        (true, Some(_)) => Err(Error::invalid_argument(
            "domain",
            "goes only with a username without @; leave it out for an email",
        )),
        _ => Ok(()),
    }
}

/// What names a user in a question: an email or a username. The domain is the service's to judge: beside an email it
/// tells an Adobe ID (`AdobeID`) from a Federated ID, and need not be the email's own.
pub(crate) fn check_user_query(argument: &str, user: &str, domain: Option<&str>) -> Result<()> {
    check_text(argument, user, LONGEST_EMAIL)?;
    check_optional("domain", domain, LONGEST_EMAIL)?;
    match (user.contains('@'), domain) {
        (false, None) => Err(Error::invalid_argument("domain", WANTS_DOMAIN)),
        _ => Ok(()),
    }
}

const WANTS_DOMAIN: &str = "a username without @ needs the domain that it belongs to";

fn check_email(email: &str) -> Result<()> {
    check_text("email", email, LONGEST_EMAIL)?;
    if !email.contains('@') {
        return Err(Error::invalid_argument("email", "has no @"));
    }
    Ok(())
}

/// A group that one creates, or the new name of one. Names of the service's own groups begin with `_`.
fn check_new_group_name(argument: &str, name: &str) -> Result<()> {
    check_text(argument, name, LONGEST_GROUP_NAME)?;
    if name.starts_with('_') {
        return Err(Error::invalid_argument(
            argument,
            "a user group's name cannot begin with _ (those are the service's own groups)",
        ));
    }
    Ok(())
}

fn check_names<S: AsRef<str>>(argument: &str, names: &[S], longest: usize) -> Result<()> {
    if names.is_empty() {
        return Err(Error::invalid_argument(argument, "the list is empty"));
    }
    for (position, name) in names.iter().enumerate() {
        check_text("", name.as_ref(), longest)
            .or_else(|_| check_text(&format!("{argument}[{position}]"), name.as_ref(), longest))?;
    }
    Ok(())
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
        check_text("name", name, LONGEST_GROUP_NAME)?;
        Ok(Action::on(Target::UserGroup(SharedText::copy(name))))
    }

    fn on(target: Target) -> Self {
        Action(Arc::new(Plan {
            target,
            request_id: None,
            tag: 0,
            commands: Vec::new(),
        }))
    }

    fn plan(&mut self) -> &mut Plan {
        Arc::make_mut(&mut self.0)
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn commands(&self) -> &[Command] {
        &self.0.commands
    }

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
        check_text("request_id", id, 255)?;
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

    /// Creates the user. Goes before the commands that are there, since the service wants it first.
    pub fn create(&mut self, user: NewUser) -> Result<&mut Self> {
        self.must_be_on_user("create")?;
        self.must_create_once()?;
        check_email(user.email)?;
        check_optional("firstname", user.first_name, LONGEST_PERSON_NAME)?;
        check_optional("lastname", user.last_name, LONGEST_PERSON_NAME)?;
        if user.country.is_some_and(|c| c.chars().count() != 2) {
            return Err(Error::invalid_argument(
                "country",
                "is not a two-letter code (ISO 3166-1 alpha-2)",
            ));
        }
        if user.identity == IdentityType::FederatedId && user.country.is_none() {
            return Err(Error::invalid_argument(
                "country",
                "the service needs it to create a federated user",
            ));
        }
        let verb = match user.identity {
            IdentityType::AdobeId => "addAdobeID",
            IdentityType::EnterpriseId => "createEnterpriseID",
            IdentityType::FederatedId => "createFederatedID",
        };
        let fields = Fields::given([
            ("email", Some(user.email)),
            ("firstname", user.first_name),
            ("lastname", user.last_name),
            ("country", user.country),
            ("option", user.on_conflict.option()),
        ]);
        if user.identity == IdentityType::AdobeId {
            self.set_use_adobe_id(true)?;
        }
        self.insert_command(0, Command::of_fields(verb, &fields))
    }

    /// Changes attributes. Not for Adobe IDs, whose attributes belong to their owner.
    pub fn update(&mut self, update: UserUpdate) -> Result<&mut Self> {
        self.must_be_on_user("update")?;
        if let Some(email) = update.email {
            check_email(email)?;
        }
        check_optional("username", update.username, LONGEST_EMAIL)?;
        check_optional("firstname", update.first_name, LONGEST_PERSON_NAME)?;
        check_optional("lastname", update.last_name, LONGEST_PERSON_NAME)?;
        let fields = Fields::given([
            ("email", update.email),
            ("username", update.username),
            ("firstname", update.first_name),
            ("lastname", update.last_name),
        ]);
        if fields.is_empty() {
            return Err(Error::invalid_argument(
                "update",
                "nothing to change was given",
            ));
        }
        self.push("update", fields)
    }

    /// Adds the user to groups, product profiles and admin groups, by name.
    pub fn add_to_groups<S: AsRef<str>>(&mut self, groups: &[S]) -> Result<&mut Self> {
        self.must_be_on_user("add_to_groups")?;
        check_names("groups", groups, LONGEST_GROUP_NAME)?;
        self.push("add", Fields::list("group", groups))
    }

    pub fn remove_from_groups<S: AsRef<str>>(&mut self, groups: &[S]) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_groups")?;
        check_names("groups", groups, LONGEST_GROUP_NAME)?;
        self.push("remove", Fields::list("group", groups))
    }

    /// Ends every membership of the user.
    pub fn remove_from_all_groups(&mut self) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_all_groups")?;
        self.push_value(json!({ "remove": "all" }))
    }

    /// Takes the user out of the organisation; with `delete_account` the account ends too, which only an organisation
    /// that owns the account's domain can do. Nothing can follow it.
    pub fn remove_from_org(&mut self, delete_account: bool) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_org")?;
        self.push_value(json!({ "removeFromOrg": { "deleteAccount": delete_account } }))
    }

    /// Creates the user group. Goes before the commands that are there, since the service wants it first.
    pub fn create_group(
        &mut self,
        description: Option<&str>,
        on_conflict: OnConflict,
    ) -> Result<&mut Self> {
        self.must_be_on_group("create_group")?;
        self.must_create_once()?;
        check_new_group_name("name", self.target().name())?;
        let fields = Fields::given([
            ("description", description),
            ("option", on_conflict.option()),
        ]);
        self.insert_command(0, Command::of_fields("createUserGroup", &fields))
    }

    /// Renames the user group or gives it another description.
    pub fn update_group(
        &mut self,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<&mut Self> {
        self.must_be_on_group("update_group")?;
        if let Some(name) = name {
            check_new_group_name("new_name", name)?;
        }
        let fields = Fields::given([("name", name), ("description", description)]);
        if fields.is_empty() {
            return Err(Error::invalid_argument(
                "update_group",
                "nothing to change was given",
            ));
        }
        self.push("updateUserGroup", fields)
    }

    /// Deletes the user group. Nothing can follow it.
    pub fn delete_group(&mut self) -> Result<&mut Self> {
        self.must_be_on_group("delete_group")?;
        self.push("deleteUserGroup", Fields::default())
    }

    /// Adds users, by email, to the user group.
    pub fn add_users<S: AsRef<str>>(&mut self, emails: &[S]) -> Result<&mut Self> {
        self.list_command("add", "emails", "user", emails)
    }

    pub fn remove_users<S: AsRef<str>>(&mut self, emails: &[S]) -> Result<&mut Self> {
        self.list_command("remove", "emails", "user", emails)
    }

    /// Gives the members of the user group the named product profiles.
    pub fn add_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        self.list_command("add", "profiles", "productConfiguration", profiles)
    }

    pub fn remove_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        self.list_command("remove", "profiles", "productConfiguration", profiles)
    }

    fn list_command<S: AsRef<str>>(
        &mut self,
        verb: &'static str,
        argument: &str,
        noun: &'static str,
        names: &[S],
    ) -> Result<&mut Self> {
        self.must_be_on_group(verb)?;
        check_names(argument, names, LONGEST_GROUP_NAME)?;
        self.push(verb, Fields::list(noun, names))
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
        self.insert_command(index, Command::parse(json)?)
    }

    fn push(&mut self, name: &'static str, fields: Fields) -> Result<&mut Self> {
        self.insert_command(self.commands().len(), Command::of_fields(name, &fields))
    }

    fn push_value(&mut self, command: Value) -> Result<&mut Self> {
        self.insert_command(self.commands().len(), Command::from_value(command)?)
    }

    fn insert_command(&mut self, index: usize, command: Command) -> Result<&mut Self> {
        if let Some(last) = self.commands()[..index]
            .iter()
            .find(|c| c.ends_the_action())
        {
            return Err(Error::invalid_argument(
                "command",
                format_args!("nothing can follow {}", last.json().as_str()),
            ));
        }
        self.plan().commands.insert(index, command);
        Ok(self)
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

    fn must_create_once(&self) -> Result<()> {
        match self.commands().iter().any(|c| c.verb == Verb::Create) {
            true => Err(Error::invalid_argument(
                "action",
                "creates its target already",
            )),
            false => Ok(()),
        }
    }
}

impl Command {
    fn ends_the_action(&self) -> bool {
        matches!(self.verb, Verb::DeleteGroup | Verb::RemoveFromOrg { .. })
    }
}

fn wrong_target(command: &str, wanted: &str) -> Error {
    Error::invalid_argument(
        "action",
        format_args!("{command} is for an action on a {wanted}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn federated(email: &str) -> NewUser<'_> {
        NewUser {
            identity: IdentityType::FederatedId,
            email,
            first_name: Some("Zoë"),
            last_name: None,
            country: Some("FR"),
            on_conflict: OnConflict::Update,
        }
    }

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
    fn only_what_may_run_twice_is_replay_safe() {
        let safe = |json: &str| Command::parse(json).unwrap().is_replay_safe();
        for yes in [
            r#"{"createFederatedID":{"email":"a@b","option":"ignoreIfAlreadyExists"}}"#,
            r#"{"add":{"group":["A"]}}"#,
            r#"{"remove":"all"}"#,
            r#"{"update":{"firstname":"A"}}"#,
            r#"{"updateUserGroup":{"description":"d"}}"#,
            r#"{"removeFromOrg":{"deleteAccount":true}}"#,
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
        ] {
            assert!(!safe(no), "{no}");
        }
    }

    #[test]
    fn long_lists_come_apart_in_order() {
        let command =
            Command::parse(r#"{"add":{"user":["a","b","c"],"productConfiguration":["P","Q"]}}"#)
                .unwrap();
        assert_eq!(command.names(), 5);
        let parts: Vec<_> = command
            .in_parts(2)
            .iter()
            .map(|p| p.as_str().to_owned())
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
            let parsed = Command::parse(given.json().as_str()).unwrap();
            assert_eq!(format!("{given:?}"), format!("{parsed:?}"));
        }
    }

    #[test]
    fn names_are_one_whatever_their_case_and_otherwise_differ() {
        assert_eq!(
            key("user", "Zoë@Example.COM"),
            key("user", "ZOË@example.com")
        );
        let mut keys = std::collections::HashSet::new();
        for number in 0..200_000 {
            assert!(keys.insert(key("user", &format!("person{number}@example.com"))));
        }
        for noun in ["user", "group"] {
            for name in [
                "",
                "a",
                "aa",
                "b",
                "ab",
                "ba",
                "abcdefgh",
                "abcdefg",
                "abcdefghi",
            ] {
                assert!(keys.insert(key(noun, name)), "{noun} {name}");
            }
        }
    }
}
