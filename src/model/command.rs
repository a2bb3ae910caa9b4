//! What can be done to one user or one user group: an action is a target and its ordered commands.

use super::body::{Body, Fields, Shape};
use super::user::IdentityType;
use crate::error::{Error, Result};
use crate::json::duplicate_keys::reject_duplicate_keys;
use crate::json::text::{SharedText, Text};
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

const IGNORE: &str = "ignoreIfAlreadyExists";
const UPDATE: &str = "updateIfAlreadyExists";

impl OnConflict {
    /// The service knows no word for the third: leaving the option out means it.
    fn option(self) -> Option<&'static str> {
        match self {
            OnConflict::Ignore => Some(IGNORE),
            OnConflict::Update => Some(UPDATE),
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

/// The prefixes of the admin groups that belong to a group, product profile or product.
const ADMIN_PREFIXES: [&str; 3] = ["_admin_", "_product_admin_", "_developer_"];

/// The group that a name is about: of `_admin_Design` it is `Design`, with which it comes and goes.
fn group_of(name: &str) -> &str {
    let after = |prefix: &str| {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        (start.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
    };
    match name.starts_with('_') {
        true => ADMIN_PREFIXES.into_iter().find_map(after).unwrap_or(name),
        false => name,
    }
}

fn group_key(name: &str) -> Key {
    key("group", group_of(name))
}

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
            Target::UserGroup(name) => group_key(name.as_str()),
        }
    }
}

/// One command of an action: one step on the wire, or several where its list is long.
#[derive(Clone, Debug)]
pub struct Command {
    json: SharedText,
    verb: Verb,
    replay_safe: bool,
    may_delete_account: bool,
    /// The users and groups besides the target that the command names.
    mentions: Vec<Key>,
    /// How many names its lists hold together.
    names: usize,
}

/// A part of a command with long lists.
#[derive(Debug)]
pub(crate) struct Part {
    pub json: SharedText,
    pub mentions: Vec<Key>,
}

/// The commands whose place or neighbourhood matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Rename,
    DeleteGroup,
    RemoveFromOrg,
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
        let mut command = Command::new(json, name, body);
        command.may_delete_account = may_delete_account(name, body);
        Ok(command)
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
            may_delete_account: false,
            mentions: mentions(name, body),
            names: body.names(),
        }
    }

    fn parse(json: &str) -> Result<Self> {
        let wrong = |e: serde_json::Error| Error::invalid_argument("json", e);
        reject_duplicate_keys(json).map_err(wrong)?;
        Command::from_value(serde_json::from_str(json).map_err(wrong)?)
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

    /// Whether an account could end by it. What the library does not know for harmless counts.
    pub(crate) fn may_delete_account(&self) -> bool {
        self.may_delete_account
    }

    pub(crate) fn mentions(&self) -> &[Key] {
        &self.mentions
    }

    pub(crate) fn names(&self) -> usize {
        self.names
    }

    /// The same command as several, each with at most `most` names, in the caller's order.
    pub(crate) fn in_parts(&self, most: usize) -> Vec<Part> {
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
            .map(|part| {
                let part = Value::Object(part);
                let mentions = mentions(verb, &part);
                let json = SharedText::new(json!({ verb: part }).to_string());
                Part { json, mentions }
            })
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
            "removeFromOrg" => Verb::RemoveFromOrg,
            "add" | "remove" => Verb::Membership,
            _ => Verb::Other,
        }
    }

    /// Only a command that is known with every field of it: what this version does not know could do anything.
    fn is_replay_safe(self, name: &str, body: &impl Body) -> bool {
        let takes_all_away = name == "remove" && body.is_word("all");
        let is_known = known_fields(name).is_some_and(|fields| body.fits(fields));
        match self {
            Verb::Create => is_known && body.has("option"),
            Verb::Membership => is_known || takes_all_away,
            Verb::RemoveFromOrg => is_known,
            Verb::Rename | Verb::DeleteGroup => false,
            // Of the known commands, updates that keep the address or name.
            Verb::Other => is_known,
        }
    }
}

/// The fields of the commands that this version knows, and what may stand in them; `None` for any other command.
fn known_fields(name: &str) -> Option<&'static [(&'static str, Shape)]> {
    use Shape::*;
    const OPTION: Shape = OneOf(&[IGNORE, UPDATE]);
    Some(match name {
        "addAdobeID" | "createEnterpriseID" | "createFederatedID" => &[
            ("email", Text),
            ("firstname", Text),
            ("lastname", Text),
            ("country", Text),
            ("option", OPTION),
        ],
        "createUserGroup" => &[("name", Text), ("description", Text), ("option", OPTION)],
        "update" => &[
            ("email", Text),
            ("username", Text),
            ("firstname", Text),
            ("lastname", Text),
        ],
        "updateUserGroup" => &[("name", Text), ("description", Text)],
        "deleteUserGroup" => &[],
        "add" | "remove" => &[
            ("group", Names),
            ("user", Names),
            ("productConfiguration", Names),
            ("product", Names),
        ],
        "removeFromOrg" => &[(DELETE_ACCOUNT, Flag)],
        _ => return None,
    })
}

const DELETE_ACCOUNT: &str = "deleteAccount";

/// A removal from the organisation is harmless if it says `"deleteAccount": false` or nothing. Any other command may
/// delete if it is not known and is called so, or says something of deleting an account, in whatever letter case.
fn may_delete_account(name: &str, body: &Value) -> bool {
    if name.eq_ignore_ascii_case("removeFromOrg") {
        let mut fields = body.as_object().into_iter().flatten();
        return !body.is_object()
            || fields
                .any(|(field, value)| field != DELETE_ACCOUNT || *value != Value::Bool(false));
    }
    let lower = name.to_ascii_lowercase();
    let is_called_so = lower.contains("delete") || lower.contains("remove");
    known_fields(name).is_none() && is_called_so || asks_to_delete_account(body)
}

fn asks_to_delete_account(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            let says_so = field.eq_ignore_ascii_case(DELETE_ACCOUNT);
            says_so && *value != Value::Bool(false) || asks_to_delete_account(value)
        }),
        Value::Array(values) => values.iter().any(asks_to_delete_account),
        _ => false,
    }
}

/// What the order between actions must heed: groups joined or left, users put into groups, and new names.
fn mentions(name: &str, body: &impl Body) -> Vec<Key> {
    let mut keys = Vec::with_capacity(body.names().max(1));
    let user_key = |name: &str| key("user", name);
    match name {
        "add" | "remove" => {
            body.each_name("group", &mut |name| keys.push(group_key(name)));
            body.each_name("user", &mut |name| keys.push(user_key(name)));
        }
        "createUserGroup" | "updateUserGroup" => keys.extend(body.text("name").map(group_key)),
        _ => {
            let names = ["email", "username"].into_iter();
            keys.extend(names.filter_map(|field| body.text(field)).map(user_key));
        }
    }
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

/// The name of a group that is there, of whatever kind. An admin group's name is longer than that of the group that it
/// belongs to.
pub(crate) fn check_group_name(argument: &str, name: &str) -> Result<()> {
    check_text(argument, group_of(name), LONGEST_GROUP_NAME)
}

/// A domain, for what names one: no name in the DNS is longer than an address.
pub(crate) fn check_domain(argument: &str, domain: &str) -> Result<()> {
    check_text(argument, domain, LONGEST_EMAIL)
}

fn check_member(argument: &str, email: &str) -> Result<()> {
    check_text(argument, email, LONGEST_GROUP_NAME)
}

type Check = fn(&str, &str) -> Result<()>;

fn check_names<S: AsRef<str>>(argument: &str, names: &[S], check: Check) -> Result<()> {
    if names.is_empty() {
        return Err(Error::invalid_argument(argument, "the list is empty"));
    }
    for (position, name) in names.iter().enumerate() {
        check("", name.as_ref())
            .or_else(|_| check(&format!("{argument}[{position}]"), name.as_ref()))?;
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
        check_group_name("name", name)?;
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
        self.insert_command(0, Command::of_fields(verb, &fields))?;
        if user.identity == IdentityType::AdobeId {
            self.set_use_adobe_id(true)?;
        }
        Ok(self)
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
        check_names("groups", groups, check_group_name)?;
        self.push("add", Fields::list("group", groups))
    }

    pub fn remove_from_groups<S: AsRef<str>>(&mut self, groups: &[S]) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_groups")?;
        check_names("groups", groups, check_group_name)?;
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
        check_names("emails", emails, check_member)?;
        self.list_command("add", "user", emails)
    }

    pub fn remove_users<S: AsRef<str>>(&mut self, emails: &[S]) -> Result<&mut Self> {
        check_names("emails", emails, check_member)?;
        self.list_command("remove", "user", emails)
    }

    /// Gives the members of the user group the named product profiles.
    pub fn add_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        check_names("profiles", profiles, check_group_name)?;
        self.list_command("add", "productConfiguration", profiles)
    }

    pub fn remove_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        check_names("profiles", profiles, check_group_name)?;
        self.list_command("remove", "productConfiguration", profiles)
    }

    fn list_command<S: AsRef<str>>(
        &mut self,
        verb: &'static str,
        noun: &'static str,
        names: &[S],
    ) -> Result<&mut Self> {
        self.must_be_on_group(verb)?;
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
        self.check_place(index, &command)?;
        self.plan().commands.insert(index, command);
        Ok(self)
    }

    /// A create is the first command, and what ends the target is the last. Since every command was checked so, only
    /// the neighbours of the place matter, however many commands there are.
    fn check_place(&self, index: usize, command: &Command) -> Result<()> {
        let (before, after) = self.commands().split_at(index);
        let is_create = |command: &Command| command.verb == Verb::Create;
        if is_create(command) && self.commands().first().is_some_and(is_create) {
            return Err(Error::invalid_argument(
                "action",
                "creates its target already",
            ));
        }
        let quoted = |command: &Command| shortened(command.json().as_str());
        let problem = if let Some(end) = before.last().filter(|c| c.ends_the_action()) {
            format!("nothing can follow {}", quoted(end))
        } else if command.ends_the_action() && !after.is_empty() {
            format!("nothing can follow {}, so it goes last", quoted(command))
        } else if is_create(command) && !before.is_empty() {
            format!(
                "nothing can go before {}, so it goes first",
                quoted(command)
            )
        } else if let Some(create) = after.first().filter(|c| is_create(c)) {
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
}

impl Command {
    fn ends_the_action(&self) -> bool {
        matches!(self.verb, Verb::DeleteGroup | Verb::RemoveFromOrg)
    }
}

/// Enough of a command to know it by in a message.
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
        let deletes = |json: &str| Command::parse(json).unwrap().may_delete_account();
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
        let refused = Command::parse(twice).unwrap_err();
        assert!(refused.message().contains("occurs twice"), "{refused}");
        let mut action = Action::on_user("a@b", None).unwrap();
        action.remove_from_org(true).unwrap();
        assert!(action.commands()[0].may_delete_account());
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
        let command = Command::parse(r#"{"createUserGroup":{"name":"Design"}}"#).unwrap();
        assert_eq!(command.mentions(), [group_key("Design")]);
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
            .map(|p| p.json.as_str().to_owned())
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
