//! A configuration in a JSON file: our own keys, or the project file of the Adobe Developer Console, or both.

use super::environment;
use super::{Entry, Given, KEYS, Key, Lookup};
use crate::error::{Error, Result};
use crate::secret::{Secret, read_file};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use zeroize::Zeroize;

/// Where the Developer Console puts the credentials of a project.
const CREDENTIALS: &str = "project.workspace.details.credentials";
const OAUTH: &str = "oauth_server_to_server";
const JWT: &str = "jwt";

pub(super) fn read(path: &Path, lookup: Lookup) -> Result<Given> {
    let json = read_file(&path.display().to_string(), path)?;
    parse(path, &json, lookup)
}

pub(super) fn parse(path: &Path, json: &[u8], lookup: Lookup) -> Result<Given> {
    let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
    let document = Document(serde_json::from_slice(json).map_err(|error| {
        Error::invalid_argument(
            &path.display().to_string(),
            format_args!("is no JSON: {error}"),
        )
    })?);
    let mut reader = Reader {
        path,
        entries: Vec::new(),
    };
    let Some(object) = document.0.as_object() else {
        return Err(reader.wrong("", "must be an object in JSON"));
    };
    reader.own_keys(object)?;
    let project = object.get("project");
    let kind = project.map(|project| reader.project(project)).transpose()?;
    reader.add_from_environment(kind, lookup)?;
    Ok(Given {
        file: Some(path.to_owned()),
        entries: reader.entries,
    })
}

/// JSON whose texts are zeroed when dropped.
struct Document(Value);

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.0);
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    OAuth,
    Jwt,
}

struct Reader<'a> {
    path: &'a Path,
    entries: Vec<Entry>,
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

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    fn has(&self, key: Key) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// What stands first is what counts.
    fn add(&mut self, key: Key, place: &str, text: &str) {
        if !self.has(key) {
            self.entries.push(Entry {
                key,
                name: self.name(place),
                value: Secret::new(text),
                folder: self.folder(),
            });
        }
    }

    fn own_keys(&mut self, object: &Map<String, Value>) -> Result<()> {
        for (name, value) in object {
            let known = KEYS.iter().find(|(_, known)| known == name);
            match (known, value) {
                (None, _) if name == "project" => {}
                (None, _) => return Err(self.unknown(name)),
                (Some((key, _)), Value::Number(number)) if key.is_time() => {
                    self.add(*key, name, &number.to_string());
                }
                (Some((key, _)), _) if key.is_time() => {
                    return Err(self.wrong(name, "must be a number of milliseconds"));
                }
                (Some((key, _)), value) => self.add(*key, name, self.text(name, value)?),
            }
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<_> = KEYS.iter().map(|(_, name)| *name).collect();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        self.wrong(
            "",
            &format!(
                "unknown key {shown:?}; known are {} and project",
                known.join(", ")
            ),
        )
    }

    fn text<'v>(&self, place: &str, value: &'v Value) -> Result<&'v str> {
        value
            .as_str()
            .ok_or_else(|| self.wrong(place, "must be a string"))
    }

    /// Adobe adds to its files what it likes, so that here only what is wanted is looked at.
    fn project(&mut self, project: &Value) -> Result<Kind> {
        if !self.has(Key::OrgId) {
            let place = "project.org.ims_org_id";
            let org_id = project.pointer("/org/ims_org_id");
            let org_id = org_id.ok_or_else(|| self.wrong(place, "is missing"))?;
            self.add(Key::OrgId, place, self.text(place, org_id)?);
        }
        let credentials = project.pointer("/workspace/details/credentials");
        let credentials = credentials.ok_or_else(|| self.wrong(CREDENTIALS, "is missing"))?;
        let credentials = credentials
            .as_array()
            .ok_or_else(|| self.wrong(CREDENTIALS, "must be an array"))?;
        let of_kind = |kind: &'static str| {
            let numbered = credentials.iter().enumerate();
            numbered.filter_map(move |(number, one)| {
                let place = format!("{CREDENTIALS}[{number}].{kind}");
                one.get(kind).map(|found| (place, found))
            })
        };
        let (oauth, jwt): (Vec<_>, Vec<_>) = (of_kind(OAUTH).collect(), of_kind(JWT).collect());
        match (oauth.as_slice(), jwt.as_slice()) {
            ([], []) => {
                Err(self.wrong(CREDENTIALS, "holds neither oauth_server_to_server nor jwt"))
            }
            ([(place, oauth)], []) => self.oauth(place, oauth),
            ([], [(place, jwt)]) => self.jwt(place, jwt),
            ([_, ..], [_, ..]) => Err(self.wrong(
                CREDENTIALS,
                "holds both oauth_server_to_server and jwt; take one of them out",
            )),
            _ => Err(self.wrong(
                CREDENTIALS,
                "holds more than one of a kind; leave the one to be used",
            )),
        }
    }

    fn oauth(&mut self, place: &str, oauth: &Value) -> Result<Kind> {
        if self.has(Key::PrivateKeyPath) {
            let problem =
                "is for jwt, and the project has oauth_server_to_server; take one of them out";
            return Err(self.wrong("private_key_path", problem));
        }
        self.member(Key::ClientId, place, oauth, "client_id")?;
        self.member(Key::TechAcctId, place, oauth, "technical_account_id")?;
        // There are two while one takes the other's place; both are good then.
        if let Some(secret) = oauth.pointer("/client_secrets/0") {
            let place = format!("{place}.client_secrets[0]");
            self.add(Key::ClientSecret, &place, self.text(&place, secret)?);
        }
        Ok(Kind::OAuth)
    }

    fn jwt(&mut self, place: &str, jwt: &Value) -> Result<Kind> {
        self.member(Key::ClientId, place, jwt, "client_id")?;
        self.member(Key::ClientSecret, place, jwt, "client_secret")?;
        self.member(Key::TechAcctId, place, jwt, "technical_account_id")?;
        Ok(Kind::Jwt)
    }

    /// One that is not there may be among our own keys.
    fn member(&mut self, key: Key, place: &str, of: &Value, name: &str) -> Result<()> {
        if let Some(value) = of.get(name) {
            let place = format!("{place}.{name}");
            self.add(key, &place, self.text(&place, value)?);
        }
        Ok(())
    }

    /// What is better not in a file, or what a project file never holds.
    fn add_from_environment(&mut self, project: Option<Kind>, lookup: Lookup) -> Result<()> {
        let from_there = |key: Key, reader: &mut Self| -> Result<()> {
            if !reader.has(key) {
                reader.entries.extend(environment::entry(key, lookup)?);
            }
            Ok(())
        };
        from_there(Key::ClientSecret, self)?;
        if project == Some(Kind::Jwt) {
            from_there(Key::PrivateKeyPath, self)?;
            if !self.has(Key::PrivateKeyPath) {
                let problem = "is missing: the project has a jwt credential, whose private key the Developer \
                    Console does not hold; add the key, or set UMAPI_PRIVATE_KEY_PATH";
                return Err(self.wrong("private_key_path", problem));
            }
        }
        if self.has(Key::PrivateKeyPath) {
            from_there(Key::PrivateKeyPassphrase, self)?;
        }
        if self.has(Key::ProxyUser) {
            from_there(Key::ProxyPassword, self)?;
        }
        Ok(())
    }
}
