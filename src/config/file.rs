//! A configuration in a JSON file: our own keys, or the project file of the Adobe Developer Console, or both.

use super::environment;
use super::{EnvLookup, RawConfiguration};
use crate::auth::credentials::check_id;
use crate::error::{Error, Result};
use crate::input_file::{name_of, read_file};
use crate::options::keys::{
    self, CLIENT_ID, CLIENT_SECRET, ORG_ID, PRIVATE_KEY_PASSPHRASE, PRIVATE_KEY_PATH, TECH_ACCT_ID,
    shown,
};
use crate::options::raw_value::{RawValue, ValueSource};
use crate::options::{self, OptionSpec, ValueForm};
use crate::secret::Secret;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// The place of the credentials in a project file of the Developer Console.
const CREDENTIALS: &str = "project.workspace.details.credentials";

pub(super) fn read(path: &Path, lookup: EnvLookup) -> Result<RawConfiguration> {
    name_of("path", path)?;
    let json = read_file(&path.display().to_string(), path)?;
    parse(path, &json, lookup)
}

pub(super) fn parse(path: &Path, json: &[u8], lookup: EnvLookup) -> Result<RawConfiguration> {
    let mut reader = Reader {
        path,
        values: Vec::new(),
    };
    let json = utf8(json).map_err(|problem| reader.wrong("", problem))?;
    let document: Document = serde_json::from_str(&json).map_err(|error| {
        let problem = match error.is_data() {
            true => "must be an object in JSON".to_owned(),
            false => format!("is no JSON: {error}"),
        };
        reader.wrong("", &problem)
    })?;
    reader.own_keys(&document.0)?;
    let project = document.0.iter().find(|(name, _)| name == "project");
    let kind = project
        .map(|(_, project)| reader.project(project))
        .transpose()?;
    reader.add_from_environment(kind, lookup)?;
    Ok(RawConfiguration {
        source: reader.source(),
        values: reader.values,
    })
}

/// The text without its byte order mark. Windows shells write UTF-16, which is converted.
fn utf8(bytes: &[u8]) -> std::result::Result<Zeroizing<String>, &'static str> {
    let units = |order: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2);
        // The capacity is never exceeded, since growing would leave a copy of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
        for unit in char::decode_utf16(units.map(|pair| order([pair[0], pair[1]]))) {
            text.push(unit.map_err(|_| "is no well-formed UTF-16")?);
        }
        Ok(text)
    };
    match bytes {
        [0xFF, 0xFE, ..] => units(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => units(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
            Ok(Zeroizing::new(text.to_owned()))
        }
    }
}

/// The members of an object in JSON in their order, duplicates included. The texts are zeroed when dropped.
struct Document(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Document, A::Error> {
                let mut members = Document(Vec::new());
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| wipe(value));
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of a value that JSON writes in this form. The error says which form that is.
fn text_in_form(form: ValueForm, value: &Value) -> std::result::Result<Cow<'_, str>, &'static str> {
    match (form, value) {
        (ValueForm::Text, Value::String(text)) => Ok(text.into()),
        (ValueForm::Flag, Value::Bool(flag)) => Ok(flag.to_string().into()),
        (ValueForm::Count | ValueForm::Milliseconds, Value::Number(number)) => {
            Ok(number.to_string().into())
        }
        (ValueForm::Text, _) => Err("must be a string"),
        (ValueForm::Flag, _) => Err("must be true or false"),
        (ValueForm::Count, _) => Err("must be a number"),
        (ValueForm::Milliseconds, _) => Err("must be a number of milliseconds"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    OAuth,
    Jwt,
}

impl Kind {
    /// The member of a credential that the Developer Console names the kind by.
    fn name(self) -> &'static str {
        match self {
            Kind::OAuth => "oauth_server_to_server",
            Kind::Jwt => "jwt",
        }
    }
}

/// A credential of the project of a kind that the User Management API accepts.
struct Offered<'v> {
    kind: Kind,
    place: String,
    value: &'v Value,
}

impl Offered<'_> {
    fn id(&self) -> Option<&str> {
        self.value.get("client_id")?.as_str()
    }

    fn has_id(&self, id: &str) -> bool {
        self.id() == Some(id)
    }
}

/// The usable credentials of a project, in the order of the file.
fn offered(credentials: &[Value]) -> Vec<Offered<'_>> {
    let numbered = credentials.iter().enumerate();
    let of_kinds = numbered.flat_map(|(number, one)| {
        [Kind::OAuth, Kind::Jwt]
            .into_iter()
            .filter_map(move |kind| {
                Some(Offered {
                    kind,
                    place: format!("{CREDENTIALS}[{number}].{}", kind.name()),
                    value: one.get(kind.name()).filter(|value| !value.is_null())?,
                })
            })
    });
    of_kinds.collect()
}

/// The client ids of credentials, for messages. A client id is no secret; one of a wrong form is not quoted.
fn ids_of<'o, 'v: 'o>(found: impl IntoIterator<Item = &'o Offered<'v>>) -> String {
    let ids = found.into_iter().map(|one| match one.id() {
        Some(id) if check_id("", id).is_ok() => format!("{id} ({})", one.kind.name()),
        _ => format!("none ({})", one.kind.name()),
    });
    ids.collect::<Vec<_>>().join(", ")
}

struct Reader<'a> {
    path: &'a Path,
    values: Vec<RawValue>,
}

impl Reader<'_> {
    fn name(&self, place: &str) -> String {
        let file = self.path.display();
        match place {
            "" => file.to_string(),
            place => format!("{file}: {place}"),
        }
    }

    fn wrong(&self, place: &str, problem: &str) -> Error {
        Error::invalid_argument(&self.name(place), problem)
    }

    fn source(&self) -> ValueSource {
        ValueSource::File(self.path.to_owned())
    }

    fn has(&self, key: &str) -> bool {
        self.text_of(key).is_some()
    }

    /// Adds the value for a key, unless the key has one already: our own keys are read first and win over the project.
    fn add(&mut self, key: &'static str, place: &str, text: &str) {
        if !self.has(key) {
            self.values.push(RawValue {
                key,
                name: self.name(place),
                source: self.source(),
                value: Secret::new(text),
            });
        }
    }

    fn own_keys(&mut self, members: &[(String, Value)]) -> Result<()> {
        for (position, (name, value)) in members.iter().enumerate() {
            if members[..position].iter().any(|(before, _)| before == name) {
                return Err(self.wrong(
                    &shown(name),
                    "stands there twice; leave the one that is right",
                ));
            }
            if name == "project" {
                continue;
            }
            let key = options::configuration_keys().find(|known| known == name);
            let key = key.ok_or_else(|| self.unknown(name))?;
            let form = options::find(key).map_or(ValueForm::Text, OptionSpec::form);
            let text = text_in_form(form, value).map_err(|problem| self.wrong(key, problem))?;
            self.add(key, key, &text);
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Error {
        self.wrong(
            "",
            &keys::unknown(name, options::configuration_keys(), " and project"),
        )
    }

    fn text<'v>(&self, place: &str, value: &'v Value) -> Result<&'v str> {
        value
            .as_str()
            .ok_or_else(|| self.wrong(place, "must be a string"))
    }

    /// Reads the project. Adobe may add members to its files at any time, so unknown ones are ignored here.
    fn project(&mut self, project: &Value) -> Result<Kind> {
        if !self.has(ORG_ID) {
            let place = "project.org.ims_org_id";
            let org_id = project.pointer("/org/ims_org_id");
            let org_id = org_id.ok_or_else(|| self.wrong(place, "is missing"))?;
            self.add(ORG_ID, place, self.text(place, org_id)?);
        }
        let credentials = project.pointer("/workspace/details/credentials");
        let credentials = credentials.ok_or_else(|| self.wrong(CREDENTIALS, "is missing"))?;
        let credentials = credentials
            .as_array()
            .ok_or_else(|| self.wrong(CREDENTIALS, "must be an array"))?;
        let found = offered(credentials);
        let chosen = self.choose(&found)?;
        match chosen.kind {
            Kind::OAuth => self.oauth(&chosen.place, chosen.value)?,
            Kind::Jwt => self.jwt(&chosen.place, chosen.value)?,
        }
        Ok(chosen.kind)
    }

    /// Chooses one of the credentials. A project in transition has one of each kind, and both work: then it is OAuth, unless
    /// a key beside the project selects JWT.
    fn choose<'o, 'v>(&self, found: &'o [Offered<'v>]) -> Result<&'o Offered<'v>> {
        if found.is_empty() {
            return Err(self.wrong(CREDENTIALS, "holds neither oauth_server_to_server nor jwt"));
        }
        let named: Vec<_> = match self.text_of(CLIENT_ID) {
            // With a single credential, a client id beside the project replaces the id of that credential.
            Some(id) if found.len() > 1 => found.iter().filter(|one| one.has_id(id)).collect(),
            _ => found.iter().collect(),
        };
        if named.is_empty() {
            let problem = format!(
                "is of none of the credentials in {CREDENTIALS}; they have {}",
                ids_of(found)
            );
            return Err(self.wrong("client_id", &problem));
        }
        let wanted = match self.has(PRIVATE_KEY_PATH) {
            true => Kind::Jwt,
            false => Kind::OAuth,
        };
        let of_kind = |kind| named.iter().copied().filter(move |one| one.kind == kind);
        let of_wanted: Vec<_> = of_kind(wanted).collect();
        match (&of_wanted[..], wanted) {
            ([one], _) => Ok(one),
            ([], Kind::Jwt) => {
                let problem =
                    "is for jwt, and the project has oauth_server_to_server; take one of them out";
                Err(self.wrong("private_key_path", problem))
            }
            ([], Kind::OAuth) if named.len() == 1 => Ok(named[0]),
            ([], Kind::OAuth) => Err(self.too_many(&named)),
            _ => Err(self.too_many(&of_wanted)),
        }
    }

    fn too_many(&self, found: &[&Offered]) -> Error {
        let kind = found[0].kind.name();
        let mut problem = format!("holds more than one {kind}");
        match self.has(CLIENT_ID) {
            true => problem.push_str(" of this client_id; leave the one to be used"),
            false => {
                let ids = ids_of(found.iter().copied());
                problem.push_str(&format!(
                    "; name the one to be used by client_id beside project: {ids}"
                ));
            }
        }
        self.wrong(CREDENTIALS, &problem)
    }

    fn text_of(&self, key: &str) -> Option<&str> {
        let value = self.values.iter().find(|value| value.key == key);
        value.map(RawValue::text)
    }

    fn oauth(&mut self, place: &str, oauth: &Value) -> Result<()> {
        self.member(CLIENT_ID, place, oauth, "client_id")?;
        self.member(TECH_ACCT_ID, place, oauth, "technical_account_id")?;
        // A project has two secrets while one is being replaced by the other; both are valid then.
        if let Some(secret) = oauth.pointer("/client_secrets/0") {
            let place = format!("{place}.client_secrets[0]");
            self.add(CLIENT_SECRET, &place, self.text(&place, secret)?);
        }
        Ok(())
    }

    fn jwt(&mut self, place: &str, jwt: &Value) -> Result<()> {
        self.member(CLIENT_ID, place, jwt, "client_id")?;
        self.member(CLIENT_SECRET, place, jwt, "client_secret")?;
        self.member(TECH_ACCT_ID, place, jwt, "technical_account_id")
    }

    /// Adds a member of a credential. A missing one may be among our own keys.
    fn member(&mut self, key: &'static str, place: &str, of: &Value, name: &str) -> Result<()> {
        if let Some(value) = of.get(name) {
            let place = format!("{place}.{name}");
            self.add(key, &place, self.text(&place, value)?);
        }
        Ok(())
    }

    /// Adds from the environment what should not stand in a file, and the private key, which no project file holds.
    fn add_from_environment(&mut self, project: Option<Kind>, lookup: EnvLookup) -> Result<()> {
        let from_there = |key: &'static str, reader: &mut Self| -> Result<()> {
            if !reader.has(key) {
                reader.values.extend(environment::value(key, lookup)?);
            }
            Ok(())
        };
        from_there(CLIENT_SECRET, self)?;
        if project == Some(Kind::Jwt) {
            from_there(PRIVATE_KEY_PATH, self)?;
            if !self.has(PRIVATE_KEY_PATH) {
                let problem = "is missing: the project has a jwt credential, whose private key the Developer \
                    Console does not hold; add the key, or set UMAPI_PRIVATE_KEY_PATH";
                return Err(self.wrong("private_key_path", problem));
            }
        }
        if self.has(PRIVATE_KEY_PATH) {
            from_there(PRIVATE_KEY_PASSPHRASE, self)?;
        }
        if self.has("proxy_user") {
            from_there("proxy_password", self)?;
        }
        Ok(())
    }
}
