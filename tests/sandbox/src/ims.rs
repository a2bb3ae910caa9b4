//! The token endpoints: OAuth Server-to-Server and the JWT exchange.

use crate::reply::Reply;
use crate::sandbox::{ORG_ID, TECH_ACCT_ID};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use x509_parser::pem::parse_x509_pem;

/// The tokens that were issued. The number of each identifies it in the list of requests.
#[derive(Debug, Default)]
pub struct Tokens {
    live: BTreeMap<String, Token>,
    issued: u64,
}

#[derive(Debug)]
struct Token {
    number: u64,
    expires: Instant,
}

impl Tokens {
    pub fn issue(&mut self, life: Duration) -> String {
        self.issued += 1;
        let token = format!("sandbox.{:032x}.{}", fastrand::u128(..), self.issued);
        let expires = Instant::now() + life;
        self.live.insert(
            token.clone(),
            Token {
                number: self.issued,
                expires,
            },
        );
        token
    }

    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// The number of the token, if it is valid now.
    pub fn check(&self, token: &str) -> Option<u64> {
        let token = self.live.get(token)?;
        (token.expires > Instant::now()).then_some(token.number)
    }

    pub fn revoke_all(&mut self) {
        self.live.clear();
    }
}

/// A token request.
pub struct TokenRequest<'a> {
    pub jwt: bool,
    pub content_type: Option<&'a str>,
    pub has_query: bool,
    pub body: &'a [u8],
    pub host: &'a str,
}

/// The client that is accepted, with the key that its assertions are verified with.
pub struct Client<'a> {
    pub ids: Vec<&'a str>,
    pub secret: &'a str,
    pub key: Option<&'a JwtKey>,
}

fn refuse(status: u16, error: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"error": error, "error_description": message}),
    )
}

pub fn answer(
    request: &TokenRequest,
    tokens: &mut Tokens,
    life: Duration,
    client: &Client,
) -> Reply {
    match check_request(request, client) {
        Err(refusal) => refusal,
        Ok(()) => {
            let seconds = life.as_secs();
            let expires_in = if request.jwt { seconds * 1000 } else { seconds };
            let token = tokens.issue(life);
            Reply::json(
                200,
                json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in}),
            )
        }
    }
}

fn check_request(request: &TokenRequest, client: &Client) -> Result<(), Reply> {
    let is_form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
    if !request.content_type.is_some_and(is_form) || request.has_query {
        return Err(refuse(
            400,
            "invalid_request",
            "the parameters belong in a form body",
        ));
    }
    let form: HashMap<_, _> = url::form_urlencoded::parse(request.body)
        .into_owned()
        .collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if !client.ids.contains(&field("client_id")) {
        return Err(refuse(400, "invalid_client", "invalid client_id parameter"));
    }
    if field("client_secret") != client.secret {
        return Err(refuse(
            401,
            "invalid_client",
            "invalid client_secret parameter",
        ));
    }
    if request.jwt {
        return check_assertion(field("jwt_token"), request.host, field("client_id"), client);
    }
    if field("grant_type") != "client_credentials" {
        return Err(refuse(
            400,
            "unsupported_grant_type",
            "unsupported grant_type",
        ));
    }
    let has_scope = field("scope")
        .split(',')
        .any(|scope| scope.trim() == "user_management_sdk");
    match has_scope {
        true => Ok(()),
        false => Err(refuse(
            400,
            "invalid_scope",
            "the scope lacks user_management_sdk",
        )),
    }
}

fn check_assertion(
    assertion: &str,
    host: &str,
    client_id: &str,
    client: &Client,
) -> Result<(), Reply> {
    let Some(JwtKey(key)) = client.key else {
        return Err(refuse(
            400,
            "invalid_token",
            "no certificate is bound to this client",
        ));
    };
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[format!("https://{host}/c/{client_id}")]);
    rules.set_issuer(&[ORG_ID]);
    rules.sub = Some(TECH_ACCT_ID.to_owned());
    rules.leeway = 0;
    let claims = jsonwebtoken::decode::<Map<String, Value>>(assertion, key, &rules)
        .map_err(|error| {
            refuse(
                400,
                "invalid_token",
                &format!("the assertion is refused: {error}"),
            )
        })?
        .claims;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let day_and_slack = 24 * 60 * 60 + 60;
    if claims
        .get("exp")
        .and_then(Value::as_u64)
        .is_none_or(|exp| exp > now + day_and_slack)
    {
        return Err(refuse(
            400,
            "invalid_token",
            "the assertion lives for more than 24 hours",
        ));
    }
    let scope = format!("https://{host}/s/ent_user_sdk");
    match claims.get(&scope) == Some(&Value::Bool(true)) {
        true => Ok(()),
        false => Err(refuse(
            400,
            "invalid_scope",
            "the assertion lacks the ent_user_sdk claim",
        )),
    }
}

/// The key that the signatures of JWT assertions are verified with.
pub struct JwtKey(DecodingKey);

impl JwtKey {
    /// Reads the key of a PEM certificate, or a PEM public key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let key = match DecodingKey::from_rsa_pem(pem) {
            Ok(key) => key,
            Err(_) => JwtKey::from_certificate(pem)?,
        };
        Ok(JwtKey(key))
    }

    fn from_certificate(pem: &[u8]) -> Result<DecodingKey, String> {
        let invalid = |what: &dyn std::fmt::Display| {
            format!("neither an RSA public key nor a certificate: {what}")
        };
        let (_, pem) = parse_x509_pem(pem).map_err(|error| invalid(&error))?;
        let certificate = pem.parse_x509().map_err(|error| invalid(&error))?;
        let key = &certificate.public_key().subject_public_key;
        Ok(DecodingKey::from_rsa_der(&key.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{CLIENT_ID, CLIENT_SECRET};
    use jsonwebtoken::{EncodingKey, Header};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

    const HOST: &str = "127.0.0.1:1";

    fn claims() -> Value {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        json!({
            "iss": ORG_ID, "sub": TECH_ACCT_ID, "exp": now + 86_400, "aud": format!("https://{HOST}/c/{CLIENT_ID}"),
            (format!("https://{HOST}/s/ent_user_sdk")): true,
        })
    }

    fn status(claims: &Value, pem: &str, key: &JwtKey) -> u16 {
        let signer = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        let assertion =
            jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &signer).unwrap();
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", CLIENT_ID)
            .append_pair("client_secret", CLIENT_SECRET)
            .append_pair("jwt_token", &assertion)
            .finish();
        let request = TokenRequest {
            jwt: true,
            content_type: Some("application/x-www-form-urlencoded"),
            has_query: false,
            body: body.as_bytes(),
            host: HOST,
        };
        let client = Client {
            ids: vec![CLIENT_ID],
            secret: CLIENT_SECRET,
            key: Some(key),
        };
        let life = Duration::from_secs(60);
        answer(&request, &mut Tokens::default(), life, &client).status
    }

    #[test]
    fn the_signature_and_each_claim_of_an_assertion_are_checked() {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(["umapi".to_owned()])
            .unwrap()
            .self_signed(&pair)
            .unwrap();
        let key = JwtKey::from_pem(certificate.pem().as_bytes()).unwrap();
        let pem = pair.serialize_pem();
        assert_eq!(status(&claims(), &pem, &key), 200);
        for (claim, wrong) in [
            ("iss", json!("OTHER@AdobeOrg")),
            ("sub", json!("someone")),
            ("aud", json!("https://elsewhere/c/x")),
            ("exp", json!(1)),
            ("exp", json!(u32::MAX)),
            (&format!("https://{HOST}/s/ent_user_sdk"), json!(false)),
        ] {
            let mut claims = claims();
            claims[claim] = wrong;
            assert_eq!(status(&claims, &pem, &key), 400, "{claim}");
        }
        let other = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        assert_eq!(status(&claims(), &other.serialize_pem(), &key), 400);
        assert!(JwtKey::from_pem(b"neither").is_err());
    }
}
