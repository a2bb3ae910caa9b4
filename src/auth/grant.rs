//! The request that exchanges credentials for a token, for each kind of credentials.

use super::credentials::{Credentials, Grant, TokenCallback};
use super::jwt::Assertion;
use super::refusal::{CredentialsKind, explain_refusal};
use super::renewal::Renewal;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::authorisation::{AttemptHeaders, FixedHeaders};
use crate::http::headers::secret_bytes;
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

/// Obtains a token: from the token host, or from the callback. While the future runs it holds no objects of the
/// program; those of a token callback are held on the callback's own thread. So the future can be dropped on any
/// thread.
pub(crate) fn fetch_token(
    credentials: Arc<Credentials>,
    http: Http,
    org_id: String,
    renewal: Renewal,
) -> BoxFuture<'static, Result<AccessToken>> {
    if let Grant::Callback(callback) = &credentials.grant {
        let token = run_token_callback(callback.clone());
        return Box::pin(async { token.await.map_err(without_token) });
    }
    Box::pin(async move {
        let exchange = credentials.exchange(&org_id).map_err(without_token)?;
        drop(credentials);
        exchange.perform(&http, &renewal).await
    })
}

/// Marks the request that needs the token as not sent, whatever became of the token request.
fn without_token(error: Error) -> Error {
    error
        .context("no access token")
        .with_delivery(Delivery::NotSent)
}

/// A token request and how to read its answer.
struct Exchange {
    kind: CredentialsKind,
    url: Url,
    form: Secret,
    secrets: Secrets,
    unit: LifetimeUnit,
}

impl Credentials {
    /// Makes the token request. `org_id` is a claim of a JWT.
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
            Grant::Callback(_) => unreachable!("a token callback makes no token request"),
        }
    }

    /// The token host as `host[:port]`, as a JWT's claims name it.
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
    // Encoding writes at most three bytes for one, so the buffer never grows, which would leave a copy of a secret
    // behind.
    let max_length = fields
        .iter()
        .map(|(k, v)| (k.len() + v.len()) * 3 + 2)
        .sum();
    let body = form_urlencoded::Serializer::new(String::with_capacity(max_length))
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
        let explain = |error: Error| without_token(explain_refusal(error, kind));
        let mut authorisation = FixedHeaders {
            throttle: http.throttle.clone(),
            attempt_headers: AttemptHeaders {
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
            on_failure: &mut |failure: &Error| renewal.reporter.failed(&explain(failure.clone())),
        };
        let request =
            Request::new(EndpointClass::Token, Method::POST, url).with_body(secret_bytes(form));
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
        token.await.map_err(explain)
    }
}

/// Calls the token callback on a thread of its own. It starts at once; the future waits for the result.
fn run_token_callback(
    callback: TokenCallback,
) -> impl Future<Output = Result<AccessToken>> + Send + 'static {
    let running = tokio::task::spawn_blocking(move || callback.fetch());
    async {
        match running.await {
            Ok(Ok(token)) if token.secret.reveal().bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(token)
            }
            Ok(Ok(_)) => Err(Error::new(
                ErrorKind::Auth,
                "the token callback returned a token that cannot be sent in a header: it contains a space or another \
                 character that is not visible ASCII",
            )),
            Ok(Err(reason)) => Err(Error::new(
                ErrorKind::Auth,
                format!("the token callback failed: {reason}"),
            )),
            Err(_) => Err(Error::new(
                ErrorKind::Internal,
                "the token callback panicked",
            )),
        }
    }
}
