//! Who the program is to Adobe: the kinds of credentials and where they are exchanged for a token.

use super::jwt::SigningKey;
use crate::error::{Error, Result};
use crate::http::url::{check_length, parse_root};
use crate::input_file::name_of;
use crate::keys::private_key::{Names, RsaPrivateKey};
use crate::model::token::AccessToken;
use crate::secret::Secret;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const AUTH_ROOT: &str = "https://ims-na1.adobelogin.com";

/// A client id and the means to get tokens for it.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(crate) client_id: String,
    pub(crate) auth_root: Url,
    pub(crate) auth_path: Option<String>,
    pub(crate) grant: Grant,
}

#[derive(Clone, Debug)]
pub(crate) enum Grant {
    OAuth {
        client_secret: Secret,
    },
    Jwt {
        client_secret: Secret,
        tech_acct_id: String,
        key: SigningKey,
    },
    Callback(TokenCallback),
}

type Fetch = dyn Fn() -> std::result::Result<(Secret, Duration), String> + Send + Sync;

/// A program's own way to a token, such as a vault.
#[derive(Clone)]
pub(crate) struct TokenCallback(Arc<Fetch>);

impl TokenCallback {
    pub(crate) fn fetch(&self) -> std::result::Result<AccessToken, String> {
        let (secret, lifetime) = (self.0)()?;
        Ok(AccessToken {
            secret,
            lifetime: Some(lifetime),
        })
    }
}

impl fmt::Debug for TokenCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCallback")
    }
}

impl Credentials {
    /// OAuth Server-to-Server, the standard since 2023.
    pub fn oauth(client_id: &str, client_secret: impl Into<Secret>) -> Result<Self> {
        let client_secret = client_secret.into();
        check_secret(&client_secret)?;
        Credentials::new(client_id, Grant::OAuth { client_secret })
    }

    /// Service Account (JWT), which is legacy: Adobe turns what is left into OAuth Server-to-Server by 1 March 2026. The key is an RSA private key in PEM, in
    /// any form that OpenSSL writes; the passphrase is for one that is encrypted.
    pub fn jwt(
        client_id: &str,
        client_secret: impl Into<Secret>,
        tech_acct_id: &str,
        private_key_pem: &[u8],
        passphrase: Option<&str>,
    ) -> Result<Self> {
        let names = Names {
            key: "private_key",
            passphrase: "passphrase",
        };
        let key = || RsaPrivateKey::from_pem(names, private_key_pem, passphrase);
        Credentials::jwt_with(
            client_id,
            client_secret.into(),
            tech_acct_id,
            names.key,
            key,
        )
    }

    /// The same, with the key in a file.
    pub fn jwt_from_file(
        client_id: &str,
        client_secret: impl Into<Secret>,
        tech_acct_id: &str,
        private_key_path: &Path,
        passphrase: Option<&str>,
    ) -> Result<Self> {
        let argument = name_of("private_key_path", private_key_path)?;
        let names = Names {
            key: &argument,
            passphrase: "passphrase",
        };
        let key = || RsaPrivateKey::from_file(names, private_key_path, passphrase);
        Credentials::jwt_with(
            client_id,
            client_secret.into(),
            tech_acct_id,
            names.key,
            key,
        )
    }

    /// What is cheap to check is checked before the key is read.
    pub(crate) fn jwt_with(
        client_id: &str,
        client_secret: Secret,
        tech_acct_id: &str,
        key_name: &str,
        key: impl FnOnce() -> Result<RsaPrivateKey>,
    ) -> Result<Self> {
        check_id("client_id", client_id)?;
        check_secret(&client_secret)?;
        check_id("tech_acct_id", tech_acct_id)?;
        let grant = Grant::Jwt {
            client_secret,
            tech_acct_id: tech_acct_id.to_owned(),
            key: SigningKey::new(key_name, &key()?)?,
        };
        Credentials::new(client_id, grant)
    }

    /// Tokens from the program itself: it answers with a token and the time that the token has to live. It is called
    /// on a thread of its own whenever a token is needed, and may block.
    pub fn callback(
        client_id: &str,
        fetch: impl Fn() -> std::result::Result<(Secret, Duration), String> + Send + Sync + 'static,
    ) -> Result<Self> {
        Credentials::new(client_id, Grant::Callback(TokenCallback(Arc::new(fetch))))
    }

    fn new(client_id: &str, grant: Grant) -> Result<Self> {
        check_id("client_id", client_id)?;
        Ok(Credentials {
            client_id: client_id.to_owned(),
            auth_root: Url::parse(AUTH_ROOT).expect("the default is a URL"),
            auth_path: None,
            grant,
        })
    }

    /// For people.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.grant {
            Grant::OAuth { .. } => "OAuth Server-to-Server",
            Grant::Jwt { .. } => "JWT",
            Grant::Callback(_) => "token callback",
        }
    }

    /// The host that tokens are got from, if it is not the program itself.
    pub(crate) fn token_root(&self) -> Option<&Url> {
        match self.grant {
            Grant::OAuth { .. } | Grant::Jwt { .. } => Some(&self.auth_root),
            Grant::Callback(_) => None,
        }
    }

    /// Where tokens come from: `host`, `host:port`, or with `https://` before it (`http://` for loopback only).
    pub fn set_auth_host(&mut self, host: &str) -> Result<()> {
        self.auth_root = parse_auth_host("auth_host", host)?;
        Ok(())
    }

    /// The path of the token endpoint, in place of `/ims/token/v2` or `/ims/exchange/jwt/`.
    pub fn set_auth_path(&mut self, path: &str) -> Result<()> {
        check_auth_path("auth_path", path)?;
        self.auth_path = Some(path.to_owned());
        Ok(())
    }
}

pub(crate) fn parse_auth_host(argument: &str, host: &str) -> Result<Url> {
    let root = match host.contains("://") {
        true => parse_root(argument, host)?,
        false => parse_root(argument, &format!("https://{host}"))?,
    };
    if root.path() != "/" {
        return Err(Error::invalid_argument(
            argument,
            "is a host, not a whole address; the path is set on its own",
        ));
    }
    Ok(root)
}

pub(crate) fn check_auth_path(argument: &str, path: &str) -> Result<()> {
    check_length(argument, path)?;
    let usable = path.starts_with('/')
        && path.bytes().all(|b| b.is_ascii_graphic())
        && !path.contains(['?', '#', '\\'])
        && !path.split('/').any(|segment| segment == "..");
    match usable {
        true => Ok(()),
        false => Err(Error::invalid_argument(
            argument,
            "is no absolute path without query, such as /ims/token/v3",
        )),
    }
}

/// Ids travel in a header, a path or a claim: visible ASCII only.
pub(crate) fn check_id(argument: &str, id: &str) -> Result<()> {
    let problem = if id.is_empty() {
        "must not be empty"
    } else if id.len() > 256 {
        "is longer than 256 characters"
    } else if !id.bytes().all(|b| b.is_ascii_graphic()) {
        "holds a space, a line end or a character beyond ASCII"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(argument, problem))
}

fn check_secret(secret: &Secret) -> Result<()> {
    check_id("client_secret", secret.reveal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_in_every_form() {
        let mut credentials = Credentials::oauth("id", "s3cr3t").unwrap();
        for (given, root) in [
            ("ims.example", "https://ims.example/"),
            ("127.0.0.1:8443", "https://127.0.0.1:8443/"),
            ("https://ims.example:444/", "https://ims.example:444/"),
            ("http://localhost:80", "http://localhost/"),
        ] {
            credentials.set_auth_host(given).unwrap();
            assert_eq!(credentials.auth_root.as_str(), root);
        }
        for bad in ["", "http://ims.example", "ims.example/ims", "a b", "h\r\nx"] {
            assert!(credentials.set_auth_host(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "ims", "/a?b", "/a b", "/../x"] {
            assert!(credentials.set_auth_path(bad).is_err(), "{bad:?}");
        }
        assert!(!format!("{credentials:?}").contains("s3cr3t"));
    }

    #[test]
    fn ids_that_could_carry_a_header_are_refused() {
        for bad in ["", "a\r\nX-Y: z", "a b", "ü"] {
            let error = Credentials::oauth(bad, "s").unwrap_err();
            assert!(error.message().starts_with("client_id: "), "{error}");
            assert!(Credentials::oauth("id", bad).is_err());
        }
    }
}
