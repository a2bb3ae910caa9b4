//! The signed assertion (JWT) of Service Account credentials.

use crate::error::{Error, ErrorKind, Result};
use crate::keys::private_key::RsaPrivateKey;
use crate::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An RSA private key, ready to sign.
#[derive(Clone)]
pub(crate) struct SigningKey(EncodingKey);

/// Long enough for a clock that is some hours wrong; the token host accepts at most 24 h.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// The contents of the assertion's claims.
pub(crate) struct Assertion<'a> {
    pub org_id: &'a str,
    pub tech_acct_id: &'a str,
    pub client_id: &'a str,
    /// The token host as `host[:port]`, as the claims for audience and scope contain it.
    pub auth_host: &'a str,
}

impl SigningKey {
    /// Signs once to test the key, so that a bad key is an error here and not in the middle of a run. `argument` names
    /// the key in the error.
    pub(crate) fn new(argument: &str, key: &RsaPrivateKey) -> Result<Self> {
        let key = SigningKey(EncodingKey::from_rsa_der(key.as_pkcs1()));
        key.sign(&Map::new()).map_err(|_| {
            Error::invalid_argument(
                argument,
                "is damaged: its numbers do not form a valid RSA key",
            )
        })?;
        Ok(key)
    }

    fn sign(&self, claims: &Map<String, Value>) -> jsonwebtoken::errors::Result<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &self.0)
    }

    /// The signed assertion, in the format that Adobe documents for `/ims/exchange/jwt/`.
    pub(crate) fn assertion(&self, assertion: &Assertion) -> Result<Secret> {
        let expires = SystemTime::now() + ASSERTION_LIFETIME;
        let expires = expires
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let Assertion {
            org_id,
            tech_acct_id,
            client_id,
            auth_host,
        } = assertion;
        let claims = Map::from_iter([
            ("exp".to_owned(), expires.into()),
            ("iss".to_owned(), (*org_id).into()),
            ("sub".to_owned(), (*tech_acct_id).into()),
            (
                "aud".to_owned(),
                format!("https://{auth_host}/c/{client_id}").into(),
            ),
            (
                format!("https://{auth_host}/s/ent_user_sdk"),
                Value::Bool(true),
            ),
        ]);
        self.sign(&claims).map(Secret::new).map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("the JWT could not be signed: {e}"),
            )
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}
