//! The exchange of credentials for a token, one way for each kind.

use super::credentials::{Credentials, Grant, TokenCallback};
use super::jwt::Assertion;
use super::refusal::{self, CredentialsKind};
use super::renewal::Renewal;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::authorisation::{Shown, Unchanging};
use crate::http::perform::{Http, Trace};
use crate::http::retry::Replay;
use crate::http::transport::{Answer, Request};
use crate::model::token::{self, AccessToken, LifetimeUnit};
use crate::redaction::Secrets;
use crate::secret::Secret;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::sync::Arc;
use url::{Url, form_urlencoded};
use zeroize::Zeroize;

const SCOPE: &str = "openid,AdobeID,user_management_sdk";

/// Begins to get a token. The work holds nothing of the program's own while it is under way but what a token callback
/// holds on its own thread, so that it can be given up on any thread.
pub(crate) fn fetch_token(
    credentials: Arc<Credentials>,
    http: Http,
    org_id: String,
    renewal: Renewal,
) -> BoxFuture<'static, Result<AccessToken>> {
    if let Grant::Callback(callback) = &credentials.grant {
        let asked = ask_the_program(callback.clone());
        return Box::pin(async { asked.await.map_err(without_token) });
    }
    Box::pin(async move {
        let exchange = credentials.exchange(&org_id).map_err(without_token)?;
        drop(credentials);
        exchange.perform(&http, &renewal).await
    })
}

/// Whatever the token call came to, the request that wants the token was not sent.
fn without_token(error: Error) -> Error {
    error
        .context("no access token")
        .with_delivery(Delivery::NotSent)
}

/// A request for a token.
struct Exchange {
    kind: CredentialsKind,
    url: Url,
    form: Secret,
    secrets: Secrets,
    unit: LifetimeUnit,
}

impl Credentials {
    fn exchange(&self, org_id: &str) -> Result<Exchange> {
        let client_id = self.client_id.as_str();
        match &self.grant {
            Grant::OAuth { client_secret } => Ok(Exchange {
                kind: CredentialsKind::OAuth,
                url: self.token_url("/ims/token/v2"),
                form: form(&[
                    ("client_id", client_id),
                    ("client_secret", client_secret.reveal()),
                    ("grant_type", "client_credentials"),
                    ("scope", SCOPE),
                ]),
                secrets: Secrets::new([client_secret.clone()]),
                unit: LifetimeUnit::Seconds,
            }),
            Grant::Jwt {
                client_secret,
                tech_acct_id,
                key,
            } => {
                let assertion = key.assertion(&Assertion {
                    org_id,
                    tech_acct_id,
                    client_id,
                    auth_host: self.auth_host(),
                })?;
                Ok(Exchange {
                    kind: CredentialsKind::Jwt,
                    url: self.token_url("/ims/exchange/jwt/"),
                    form: form(&[
                        ("client_id", client_id),
                        ("client_secret", client_secret.reveal()),
                        ("jwt_token", assertion.reveal()),
                    ]),
                    secrets: Secrets::new([client_secret.clone(), assertion]),
                    unit: LifetimeUnit::Milliseconds,
                })
            }
            Grant::Callback(_) => unreachable!("a callback has no token host"),
        }
    }

    /// `host[:port]`.
    fn auth_host(&self) -> &str {
        &self.auth_root[url::Position::BeforeHost..url::Position::AfterPort]
    }

    fn token_url(&self, default_path: &str) -> Url {
        let mut url = self.auth_root.clone();
        url.set_path(self.auth_path.as_deref().unwrap_or(default_path));
        url
    }
}

fn form(fields: &[(&str, &str)]) -> Secret {
    // Encoding takes three bytes for one at most, so that the text never moves and leaves a copy behind.
    let longest = fields
        .iter()
        .map(|(k, v)| (k.len() + v.len()) * 3 + 2)
        .sum();
    let body = form_urlencoded::Serializer::new(String::with_capacity(longest))
        .extend_pairs(fields)
        .finish();
    Secret::new(body)
}

impl Exchange {
    async fn perform(self, http: &Http, renewal: &Renewal) -> Result<AccessToken> {
        let Exchange {
            kind,
            url,
            form,
            secrets,
            unit,
        } = self;
        let explained = |error: Error| without_token(refusal::explained(error, kind));
        let mut authorisation = Unchanging {
            throttle: http.throttle.clone(),
            shown: Shown {
                headers: HeaderMap::from_iter([
                    (
                        CONTENT_TYPE,
                        HeaderValue::from_static("application/x-www-form-urlencoded"),
                    ),
                    (ACCEPT, HeaderValue::from_static("application/json")),
                    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
                ]),
                secrets,
            },
            on_failure: |failure: &Error| renewal.reporter.failed(&explained(failure.clone())),
        };
        let request = Request {
            class: EndpointClass::Token,
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            body: Some(form.bytes()),
            buffer_pool: None,
            secrets: Secrets::default(),
        };
        let read = |mut answer: Answer| {
            let token = token::parse(&answer.body, unit);
            answer.body.zeroize();
            token
        };
        let trace = Trace::default();
        let token = http.perform(
            &renewal.call,
            request,
            &mut authorisation,
            Replay::Reads,
            &trace,
            read,
        );
        token.await.map_err(explained)
    }
}

/// Begins to ask the program, on a thread of its own, which may take as long as it likes.
fn ask_the_program(
    callback: TokenCallback,
) -> impl Future<Output = Result<AccessToken>> + Send + 'static {
    let asked = tokio::task::spawn_blocking(move || callback.fetch());
    async {
        match asked.await {
            Ok(Ok(token)) if token.secret.reveal().bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(token)
            }
            Ok(Ok(_)) => Err(Error::new(
                ErrorKind::Auth,
                "the token callback gave a token that no header can carry",
            )),
            Ok(Err(words)) => Err(Error::new(
                ErrorKind::Auth,
                format!("the token callback failed: {words}"),
            )),
            Err(_) => Err(Error::new(
                ErrorKind::Internal,
                "the token callback panicked",
            )),
        }
    }
}
