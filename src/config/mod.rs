//! A configuration that an operator wrote, in a file or in the environment: the organisation, the credentials and the
//! client options.

mod environment;
mod file;

use crate::auth::credentials::{Credentials, check_auth_path, check_id, parse_auth_host};
use crate::error::{Error, Result};
use crate::input_file::name_of;
use crate::keys::private_key::{Names, RsaPrivateKey};
use crate::options::keys::{
    AUTH_HOST, AUTH_PATH, CLIENT_ID, CLIENT_SECRET, ORG_ID, PRIVATE_KEY_PASSPHRASE,
    PRIVATE_KEY_PATH, TECH_ACCT_ID, variable,
};
use crate::options::raw_value::{RawValue, ValueSource};
use crate::options::{ClientOptions, OptionSpec};
use crate::secret::Secret;
use std::ffi::OsString;
use std::path::Path;

/// A checked configuration. The client options are checked when they are applied.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub org_id: String,
    pub credentials: Credentials,
    settings: Vec<(&'static OptionSpec, RawValue)>,
}

/// Looks up a variable of the environment.
type EnvLookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Configuration {
    /// Reads a JSON file with our own keys or a project file of the Developer Console. Secrets may be in the environment.
    pub(crate) fn from_file(path: &Path) -> Result<Self> {
        file::read(path, &|name| std::env::var_os(name))?.checked()
    }

    pub(crate) fn from_environment() -> Result<Self> {
        environment::read(&|name| std::env::var_os(name))?.checked()
    }

    /// Puts the client options of the configuration over those that the program set. Files that they name are read now.
    pub(crate) fn apply_settings(&self, options: &mut ClientOptions) -> Result<()> {
        let mut settings = self.settings.iter();
        settings.try_for_each(|(spec, value)| spec.set(options, value))
    }
}

/// The values of a configuration as they were given.
#[derive(Debug)]
struct RawConfiguration {
    /// Where a value that is missing should be given.
    source: ValueSource,
    values: Vec<RawValue>,
}

impl RawConfiguration {
    fn find(&self, key: &str) -> Option<&RawValue> {
        self.values.iter().find(|value| value.key == key)
    }

    fn required(&self, key: &'static str) -> Result<&RawValue> {
        self.find(key).ok_or_else(|| self.missing(key))
    }

    fn missing(&self, key: &str) -> Error {
        let name = self.source.name_of(key);
        match &self.source {
            ValueSource::File(_) if key == CLIENT_SECRET => Error::invalid_argument(
                &name,
                format_args!("is missing; add it, or set {}", variable(key)),
            ),
            _ => Error::invalid_argument(&name, "is missing"),
        }
    }

    fn checked(self) -> Result<Configuration> {
        Ok(Configuration {
            org_id: checked_id(self.required(ORG_ID)?)?.to_owned(),
            credentials: self.credentials()?,
            settings: self.settings()?,
        })
    }

    fn credentials(&self) -> Result<Credentials> {
        let client_id = checked_id(self.required(CLIENT_ID)?)?;
        let client_secret = self.required(CLIENT_SECRET)?;
        checked_id(client_secret)?;
        let client_secret = client_secret.value.clone();
        let mut credentials = match self.find(PRIVATE_KEY_PATH) {
            Some(key) => self.jwt(client_id, client_secret, key)?,
            None => match self.find(PRIVATE_KEY_PASSPHRASE) {
                None => Credentials::oauth(client_id, client_secret)?,
                Some(_) => return Err(self.missing(PRIVATE_KEY_PATH)),
            },
        };
        if let Some(host) = self.find(AUTH_HOST) {
            credentials.auth_root = parse_auth_host(&host.name, host.text())?;
        }
        if let Some(path) = self.find(AUTH_PATH) {
            check_auth_path(&path.name, path.text())?;
            credentials.auth_path = Some(path.text().to_owned());
        }
        Ok(credentials)
    }

    fn jwt(&self, client_id: &str, client_secret: Secret, key: &RawValue) -> Result<Credentials> {
        let tech_acct_id = checked_id(self.required(TECH_ACCT_ID)?)?;
        let path = key.path()?;
        let passphrase = self.find(PRIVATE_KEY_PASSPHRASE);
        let name = name_of(&key.name, &path)?;
        let passphrase_name = match passphrase {
            Some(passphrase) => passphrase.name.clone(),
            None => key.source.name_of(PRIVATE_KEY_PASSPHRASE),
        };
        let names = Names {
            key: &name,
            passphrase: &passphrase_name,
        };
        let read = || RsaPrivateKey::from_file(names, &path, passphrase.map(RawValue::text));
        Credentials::jwt_with(client_id, client_secret, tech_acct_id, &name, read)
    }

    /// The values of client options, each after those that it needs.
    fn settings(&self) -> Result<Vec<(&'static OptionSpec, RawValue)>> {
        let mut settings = Vec::new();
        for spec in ClientOptions::table() {
            let Some(value) = self.find(spec.key()) else {
                continue;
            };
            for needed in spec.needs() {
                self.required(needed)?;
            }
            settings.push((spec, value.clone()));
        }
        Ok(settings)
    }
}

fn checked_id(value: &RawValue) -> Result<&str> {
    check_id(&value.name, value.text())?;
    Ok(value.text())
}

/// Reads a document for the fuzzer, which has no file around it.
#[cfg(any(fuzzing, test))]
pub(crate) fn read_document(json: &[u8]) -> Result<Configuration> {
    let raw = file::parse(Path::new("configuration.json"), json, &|_| None)?;
    let configuration = raw.checked()?;
    configuration.apply_settings(&mut ClientOptions::default())?;
    Ok(configuration)
}
