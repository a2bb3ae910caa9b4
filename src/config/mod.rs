//! What an operator wrote down, in a file or in the environment, becomes what a client is made of.

mod environment;
mod file;

use crate::auth::credentials::{Credentials, check_auth_path, check_id, parse_auth_host};
use crate::error::{Error, Result};
use crate::http::proxy::{Login, Proxy, SettingNames};
use crate::http::url::parse_root;
use crate::input_file::{name_of, read_file};
use crate::keys::private_key::{Names, RsaPrivateKey};
use crate::secret::Secret;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// Who the program is, in which organisation, and what else was told.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub org_id: String,
    pub credentials: Credentials,
    pub settings: Settings,
}

/// What may be told besides, each for an option of the client. `None` leaves the option as it is.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub endpoint: Option<Url>,
    /// What is in the file, and how it is called in messages.
    pub ca_pem: Option<(String, Zeroizing<Vec<u8>>)>,
    pub proxy: Option<Proxy>,
    pub connect_timeout: Option<Duration>,
    pub attempt_timeout: Option<Duration>,
}

/// Looks a variable of the environment up.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Configuration {
    /// From a JSON file with our own keys or a project file of the Developer Console. Secrets may be in the environment.
    pub(crate) fn from_file(path: &Path) -> Result<Self> {
        file::read(path, &|name| std::env::var_os(name))?.configuration()
    }

    pub(crate) fn from_environment() -> Result<Self> {
        environment::read(&|name| std::env::var_os(name))?.configuration()
    }
}

/// The keys of a file. In the environment each is a variable, in capital letters after `UMAPI_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    OrgId,
    ClientId,
    ClientSecret,
    TechAcctId,
    PrivateKeyPath,
    PrivateKeyPassphrase,
    Endpoint,
    AuthHost,
    AuthPath,
    CaFile,
    Proxy,
    ProxyUser,
    ProxyPassword,
    ConnectTimeoutMs,
    AttemptTimeoutMs,
}

const KEYS: [(Key, &str); 15] = [
    (Key::OrgId, "org_id"),
    (Key::ClientId, "client_id"),
    (Key::ClientSecret, "client_secret"),
    (Key::TechAcctId, "tech_acct_id"),
    (Key::PrivateKeyPath, "private_key_path"),
    (Key::PrivateKeyPassphrase, "private_key_passphrase"),
    (Key::Endpoint, "endpoint"),
    (Key::AuthHost, "auth_host"),
    (Key::AuthPath, "auth_path"),
    (Key::CaFile, "ca_file"),
    (Key::Proxy, "proxy"),
    (Key::ProxyUser, "proxy_user"),
    (Key::ProxyPassword, "proxy_password"),
    (Key::ConnectTimeoutMs, "connect_timeout_ms"),
    (Key::AttemptTimeoutMs, "attempt_timeout_ms"),
];

impl Key {
    fn is_time(self) -> bool {
        matches!(self, Key::ConnectTimeoutMs | Key::AttemptTimeoutMs)
    }

    fn variable(self) -> String {
        format!("UMAPI_{self}").to_uppercase()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KEYS[*self as usize].1)
    }
}

/// What was given for a key, and where, as messages name it.
#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    name: String,
    value: Secret,
    /// Where a path begins that is not absolute.
    folder: PathBuf,
}

impl Entry {
    fn text(&self) -> &str {
        self.value.reveal()
    }

    fn wrong(&self, problem: impl fmt::Display) -> Error {
        Error::invalid_argument(&self.name, problem)
    }

    fn id(&self) -> Result<&str> {
        check_id(&self.name, self.text())?;
        Ok(self.text())
    }

    fn path(&self) -> Result<PathBuf> {
        match self.text() {
            "" => Err(self.wrong("must not be empty")),
            text => Ok(self.folder.join(text)),
        }
    }

    fn time(&self) -> Result<Duration> {
        match self.text().parse() {
            Ok(milliseconds @ 1..) => Ok(Duration::from_millis(milliseconds)),
            _ => Err(self.wrong("must be a whole number of milliseconds, at least 1")),
        }
    }
}

/// Everything that was given.
#[derive(Debug)]
struct Given {
    /// The path of the file; `None` for the environment.
    file: Option<PathBuf>,
    entries: Vec<Entry>,
}

impl Given {
    fn find(&self, key: Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn wanted(&self, key: Key) -> Result<&Entry> {
        self.find(key).ok_or_else(|| match &self.file {
            Some(path) if key == Key::ClientSecret => Error::invalid_argument(
                &format!("{}: {key}", path.display()),
                format_args!("is missing; add it, or set {}", key.variable()),
            ),
            Some(path) => {
                Error::invalid_argument(&format!("{}: {key}", path.display()), "is missing")
            }
            None => Error::invalid_argument(&key.variable(), "is missing"),
        })
    }

    fn configuration(&self) -> Result<Configuration> {
        Ok(Configuration {
            org_id: self.wanted(Key::OrgId)?.id()?.to_owned(),
            credentials: self.credentials()?,
            settings: self.settings()?,
        })
    }

    fn credentials(&self) -> Result<Credentials> {
        let client_id = self.wanted(Key::ClientId)?.id()?;
        let client_secret = self.wanted(Key::ClientSecret)?;
        client_secret.id()?;
        let client_secret = client_secret.value.clone();
        let mut credentials = match self.find(Key::PrivateKeyPath) {
            Some(key) => self.jwt(client_id, client_secret, key)?,
            None => match self.find(Key::PrivateKeyPassphrase) {
                None => Credentials::oauth(client_id, client_secret)?,
                Some(_) => return Err(self.wanted(Key::PrivateKeyPath).unwrap_err()),
            },
        };
        if let Some(host) = self.find(Key::AuthHost) {
            credentials.auth_root = parse_auth_host(&host.name, host.text())?;
        }
        if let Some(path) = self.find(Key::AuthPath) {
            check_auth_path(&path.name, path.text())?;
            credentials.auth_path = Some(path.text().to_owned());
        }
        Ok(credentials)
    }

    fn jwt(&self, client_id: &str, client_secret: Secret, key: &Entry) -> Result<Credentials> {
        let tech_acct_id = self.wanted(Key::TechAcctId)?.id()?;
        let path = key.path()?;
        let passphrase = self.find(Key::PrivateKeyPassphrase);
        let name = name_of(&key.name, &path)?;
        let passphrase_name = match passphrase {
            Some(entry) => entry.name.clone(),
            None => name_beside(key, Key::PrivateKeyPassphrase),
        };
        let names = Names {
            key: &name,
            passphrase: &passphrase_name,
        };
        let read = || RsaPrivateKey::from_file(names, &path, passphrase.map(Entry::text));
        Credentials::jwt_with(client_id, client_secret, tech_acct_id, &name, read)
    }

    fn settings(&self) -> Result<Settings> {
        let endpoint = self
            .find(Key::Endpoint)
            .map(|entry| parse_root(&entry.name, entry.text()));
        let ca_pem = self.find(Key::CaFile).map(|entry| {
            let path = entry.path()?;
            let name = name_of(&entry.name, &path)?;
            let pem = read_file(&name, &path)?;
            Ok((name, pem))
        });
        let time = |key| self.find(key).map(Entry::time).transpose();
        Ok(Settings {
            endpoint: endpoint.transpose()?,
            ca_pem: ca_pem.transpose()?,
            proxy: self.proxy()?,
            connect_timeout: time(Key::ConnectTimeoutMs)?,
            attempt_timeout: time(Key::AttemptTimeoutMs)?,
        })
    }

    fn proxy(&self) -> Result<Option<Proxy>> {
        let (user, password) = (self.find(Key::ProxyUser), self.find(Key::ProxyPassword));
        if user.or(password).is_some() {
            self.wanted(Key::Proxy)?;
        }
        let Some(address) = self.find(Key::Proxy) else {
            return Ok(None);
        };
        if password.is_some() {
            self.wanted(Key::ProxyUser)?;
        }
        let login = user.map(|user| Login {
            user: user.text().to_owned(),
            password: password.map_or_else(|| Secret::new(""), |entry| entry.value.clone()),
        });
        let names = [&*address.name, user.map_or("", |user| &user.name)];
        let name_of = |given: Option<&Entry>, key| match given {
            Some(entry) => place(&entry.name),
            None => place(&name_beside(address, key)),
        };
        let settings = SettingNames {
            address: place(&address.name),
            login: format!(
                "{} and {}",
                name_of(user, Key::ProxyUser),
                name_of(password, Key::ProxyPassword)
            ),
        };
        Proxy::from_configuration(settings, names, address.text(), login).map(Some)
    }
}

/// The name of an entry, for the middle of a sentence.
fn place(name: &str) -> String {
    match name.rsplit_once(": ") {
        Some((file, key)) => format!("{key} in {file}"),
        None => format!("{name} in the environment"),
    }
}

/// How a key would be named that stood where another one stands.
fn name_beside(there: &Entry, key: Key) -> String {
    match there.name.strip_suffix(&there.key.to_string()) {
        Some(before) => format!("{before}{key}"),
        None => key.variable(),
    }
}

/// A document for the fuzzer, which has no file around it.
#[cfg(any(fuzzing, test))]
pub(crate) fn read_document(json: &[u8]) -> Result<Configuration> {
    file::parse(Path::new("configuration.json"), json, &|_| None)?.configuration()
}
