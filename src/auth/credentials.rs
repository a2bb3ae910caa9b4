//! The kinds of credentials, and the token host that exchanges them for a token.

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

/// A client id, and what an access token for it is obtained with: a client secret, a private key, or a callback.
///
/// Secrets are zeroed when dropped, and `Debug` does not print them. Nothing is sent before the first call of a client
/// that uses the credentials.
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

type FetchToken = dyn Fn() -> std::result::Result<(Secret, Duration), String> + Send + Sync;

/// A function of the program that obtains tokens, for example from a vault.
#[derive(Clone)]
pub(crate) struct TokenCallback(Arc<FetchToken>);

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
    /// Credentials of the kind OAuth Server-to-Server, the standard since 2023, from the Adobe Developer Console.
    ///
    /// The client id and the secret must be 1 to 256 visible ASCII characters; anything else is an
    /// [`crate::ErrorKind::InvalidArgument`].
    pub fn oauth(client_id: &str, client_secret: impl Into<Secret>) -> Result<Self> {
        let client_secret = client_secret.into();
        check_secret(&client_secret)?;
        Credentials::new(client_id, Grant::OAuth { client_secret })
    }

    /// Credentials of the kind Service Account (JWT). They are legacy: Adobe converts the remaining ones to OAuth
    /// Server-to-Server by 1 March 2026.
    ///
    /// `private_key_pem` is an RSA private key of 2048 to 8192 bits as PEM, in any format that OpenSSL writes;
    /// `passphrase` is for an encrypted key, and ignored for any other. `tech_acct_id` is the technical account id,
    /// such as `12345@techacct.adobe.com`. An id or a secret that is not 1 to 256 visible ASCII characters, a key that
    /// cannot be used or a wrong passphrase is an [`crate::ErrorKind::InvalidArgument`]. The arguments are copied.
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

    /// Does the same as [`Credentials::jwt`], with the key in a file of at most 1 MiB. The file is read once, by this
    /// call; one that cannot be read is an [`crate::ErrorKind::InvalidArgument`].
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

    /// Checks the ids and the secret before it reads the key with `key`, which takes longer.
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

    /// Credentials whose tokens come from the program itself, for example from a vault.
    ///
    /// `fetch` returns an access token and its remaining lifetime, or the reason why there is none, which becomes part
    /// of an [`crate::ErrorKind::Auth`]. It is called whenever a token is needed, on a thread of its own, and may
    /// block. A client id that is not 1 to 256 visible ASCII characters is an [`crate::ErrorKind::InvalidArgument`].
    pub fn callback(
        client_id: &str,
        fetch: impl Fn() -> std::result::Result<(Secret, Duration), String> + Send + Sync + 'static,
    ) -> Result<Self> {
        Credentials::new(client_id, Grant::Callback(TokenCallback(Arc::new(fetch))))
    }

    /// The check of the client id that every constructor makes, for a program that acts between this check and the
    /// constructor. An error for what is not 1 to 256 visible ASCII characters.
    pub fn check_client_id(client_id: &str) -> Result<()> {
        check_id("client_id", client_id)
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

    /// The name of the kind in messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.grant {
            Grant::OAuth { .. } => "OAuth Server-to-Server",
            Grant::Jwt { .. } => "JWT",
            Grant::Callback(_) => "token callback",
        }
    }

    /// The root URL of the token host; `None` if a callback provides the tokens.
    pub(crate) fn token_root(&self) -> Option<&Url> {
        match self.grant {
            Grant::OAuth { .. } | Grant::Jwt { .. } => Some(&self.auth_root),
            Grant::Callback(_) => None,
        }
    }

    /// Sets the token host, `ims-na1.adobelogin.com` by default: `host` or `host:port`, optionally preceded by
    /// `https://` (`http://` for loopback only). Anything else is an [`crate::ErrorKind::InvalidArgument`]. A JWT names
    /// the host in its audience.
    pub fn set_auth_host(&mut self, host: &str) -> Result<()> {
        self.auth_root = parse_auth_host("auth_host", host)?;
        Ok(())
    }

    /// Sets the path of the token endpoint, by default `/ims/token/v2` for OAuth and `/ims/exchange/jwt/` for JWT. A
    /// path that is not absolute, or has a query, is an [`crate::ErrorKind::InvalidArgument`].
    pub fn set_auth_path(&mut self, path: &str) -> Result<()> {
        check_auth_path("auth_path", path)?;
        self.auth_path = Some(path.to_owned());
        Ok(())
    }
}

/// Parses a token host, with or without a scheme. Errors name `argument`.
pub(crate) fn parse_auth_host(argument: &str, host: &str) -> Result<Url> {
    let root = match host.contains("://") {
        true => parse_root(argument, host)?,
        false => parse_root(argument, &format!("https://{host}"))?,
    };
    if root.path() != "/" {
        return Err(Error::invalid_argument(
            argument,
            "must be a host without a path; set the path with auth_path",
        ));
    }
    Ok(root)
}

/// Checks that `path` is an absolute path without query, fragment and `..`. Errors name `argument`.
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
            "is not an absolute path without query, such as /ims/token/v3",
        )),
    }
}

/// Checks that `id` is 1 to 256 visible ASCII characters, since ids are sent in headers, paths and JWT claims. Errors
/// name `argument`.
pub(crate) fn check_id(argument: &str, id: &str) -> Result<()> {
    let problem = if id.is_empty() {
        "must not be empty"
    } else if id.len() > 256 {
        "is longer than 256 characters"
    } else if !id.bytes().all(|b| b.is_ascii_graphic()) {
        "contains a space, a line end or a character beyond ASCII"
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
    fn token_hosts_are_read_in_every_format() {
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
    fn ids_that_could_inject_a_header_are_refused() {
        for bad in ["", "a\r\nX-Y: z", "a b", "ü"] {
            let error = Credentials::oauth(bad, "s").unwrap_err();
            assert!(error.message().starts_with("client_id: "), "{error}");
            assert!(Credentials::oauth("id", bad).is_err());
        }
    }
}
