//! A configuration in the variables of the environment.

use super::{EnvLookup, RawConfiguration};
use crate::error::{Error, Result};
use crate::options::raw_value::{RawValue, ValueSource};
use crate::options::{self, keys};

pub(super) fn read(lookup: EnvLookup) -> Result<RawConfiguration> {
    let mut values = Vec::new();
    for key in options::configuration_keys() {
        values.extend(value(key, lookup)?);
    }
    Ok(RawConfiguration {
        source: ValueSource::Environment,
        values,
    })
}

/// The value of one variable. An empty variable counts as not set.
pub(super) fn value(key: &'static str, lookup: EnvLookup) -> Result<Option<RawValue>> {
    let name = keys::variable(key);
    let Some(value) = lookup(&name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value
        .into_string()
        .map_err(|_| Error::invalid_argument(&name, "is not UTF-8"))?;
    Ok(Some(RawValue::new(key, ValueSource::Environment, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ClientOptions;
    use std::ffi::OsString;

    fn error(variables: &[(&str, &str)]) -> String {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let applied = read(&lookup)
            .and_then(|raw| raw.checked())
            .and_then(|read| read.apply_settings(&mut ClientOptions::default()));
        match applied {
            Ok(()) => "fine".into(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn each_mistake_names_its_variable() {
        let mut variables = vec![("UMAPI_CLIENT_ID", "c"), ("UMAPI_CLIENT_SECRET", "s")];
        assert_eq!(error(&variables), "UMAPI_ORG_ID: is missing");
        variables.push(("UMAPI_ORG_ID", "o"));
        assert_eq!(error(&variables), "fine");
        variables.push(("UMAPI_TECH_ACCT_ID", "t"));
        assert_eq!(error(&variables), "fine", "OAuth has such an id, too");
        for (name, value, words) in [
            (
                "UMAPI_PRIVATE_KEY_PATH",
                "/nowhere.pem",
                ": /nowhere.pem: cannot be read: No such",
            ),
            ("UMAPI_ENDPOINT", "ftp://x", ": "),
            ("UMAPI_AUTH_HOST", "a b", ": "),
            ("UMAPI_AUTH_PATH", "no-slash", ": is not an absolute path"),
            (
                "UMAPI_CA_FILE",
                "/nowhere.pem",
                ": /nowhere.pem: cannot be read: No such",
            ),
            (
                "UMAPI_PROXY",
                "gopher://h",
                ": has a scheme that is not supported",
            ),
            (
                "UMAPI_PROXY",
                "http://u:p@h:1",
                ": must not hold a user name",
            ),
            (
                "UMAPI_CONNECT_TIMEOUT_MS",
                "soon",
                ": must be a whole number",
            ),
            ("UMAPI_ATTEMPT_TIMEOUT_MS", "0", ": must be a whole number"),
        ] {
            variables.push((name, value));
            let said = error(&variables);
            assert!(said.starts_with(&format!("{name}{words}")), "{said}");
            variables.pop();
        }
        let no_key = [&variables[..], &[("UMAPI_PRIVATE_KEY_PASSPHRASE", "p")]].concat();
        assert_eq!(error(&no_key), "UMAPI_PRIVATE_KEY_PATH: is missing");
    }

    #[test]
    fn a_login_belongs_to_a_proxy_and_a_password_to_a_user() {
        let mut variables = vec![
            ("UMAPI_ORG_ID", "o"),
            ("UMAPI_CLIENT_ID", "c"),
            ("UMAPI_CLIENT_SECRET", "s"),
            ("UMAPI_PROXY_PASSWORD", "p"),
        ];
        assert_eq!(error(&variables), "UMAPI_PROXY: is missing");
        variables.push(("UMAPI_PROXY", "http://proxy.example:3128"));
        assert_eq!(error(&variables), "UMAPI_PROXY_USER: is missing");
        variables.push(("UMAPI_PROXY_USER", "a:b"));
        assert_eq!(
            error(&variables),
            "UMAPI_PROXY_USER: must not hold a colon, which would end it"
        );
        variables.pop();
        variables.push(("UMAPI_PROXY_USER", "u"));
        assert_eq!(error(&variables), "fine");
    }

    #[test]
    fn an_empty_variable_is_none() {
        assert_eq!(
            error(&[("UMAPI_ORG_ID", ""), ("UMAPI_CLIENT_ID", "c")]),
            "UMAPI_ORG_ID: is missing"
        );
    }

    #[test]
    fn every_client_option_has_a_variable() {
        for option in ClientOptions::table() {
            let variable = option.variable();
            let mut variables = vec![
                ("UMAPI_ORG_ID", "o"),
                ("UMAPI_CLIENT_ID", "c"),
                ("UMAPI_CLIENT_SECRET", "s"),
                // No option takes a control character.
                (&variable, "\u{7}"),
            ];
            for needed in [("UMAPI_PROXY", "http://h:1"), ("UMAPI_PROXY_USER", "u")] {
                if needed.0 != variable {
                    variables.push(needed);
                }
            }
            let said = error(&variables);
            assert!(said.starts_with(&format!("{variable}: ")), "{said}");
        }
    }
}
