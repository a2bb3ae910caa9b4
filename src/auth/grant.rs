//! The exchange of credentials for a token, one way for each kind.

use super::credentials::{Credentials, Grant, TokenCallback};
use super::jwt::Assertion;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::http::call::Call;
use crate::http::endpoint::EndpointClass;
use crate::http::perform::{Http, Replay, Trace};
use crate::http::transport::{Answer, Request};
use crate::model::token::{self, AccessToken, LifetimeUnit};
use crate::secret::Secret;
use reqwest::Method;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::form_urlencoded;
use zeroize::Zeroize;

const SCOPE: &str = "openid,AdobeID,user_management_sdk";

impl Credentials {
    pub(crate) async fn fetch_token(
        &self,
        http: &Http,
        call: &Call,
        org_id: &str,
    ) -> Result<AccessToken> {
        let fetched = match &self.grant {
            Grant::Callback(callback) => ask_the_program(callback).await,
            Grant::OAuth { client_secret } => {
                let form = [
                    ("client_id", self.client_id.as_str()),
                    ("client_secret", client_secret.reveal()),
                    ("grant_type", "client_credentials"),
                    ("scope", SCOPE),
                ];
                self.exchange(http, call, "/ims/token/v2", &form, LifetimeUnit::Seconds)
                    .await
            }
            Grant::Jwt {
                client_secret,
                tech_acct_id,
                key,
            } => {
                let assertion = key.assertion(&Assertion {
                    org_id,
                    tech_acct_id,
                    client_id: &self.client_id,
                    auth_host: self.auth_host(),
                })?;
                let form = [
                    ("client_id", self.client_id.as_str()),
                    ("client_secret", client_secret.reveal()),
                    ("jwt_token", assertion.reveal()),
                ];
                self.exchange(
                    http,
                    call,
                    "/ims/exchange/jwt/",
                    &form,
                    LifetimeUnit::Milliseconds,
                )
                .await
            }
        };
        // Whatever the token call came to, the request that wanted the token was not sent.
        fetched.map_err(|e| {
            e.context("no access token")
                .with_delivery(Delivery::NotSent)
        })
    }

    /// `host[:port]`.
    fn auth_host(&self) -> &str {
        &self.auth_root[url::Position::BeforeHost..url::Position::AfterPort]
    }

    async fn exchange(
        &self,
        http: &Http,
        call: &Call,
        default_path: &str,
        form: &[(&str, &str)],
        unit: LifetimeUnit,
    ) -> Result<AccessToken> {
        let mut url = self.auth_root.clone();
        url.set_path(self.auth_path.as_deref().unwrap_or(default_path));
        // Encoding takes three bytes for one at most, so that the text never moves and leaves a copy behind.
        let longest = form.iter().map(|(k, v)| (k.len() + v.len()) * 3 + 2).sum();
        let body = form_urlencoded::Serializer::new(String::with_capacity(longest))
            .extend_pairs(form)
            .finish();
        let request = Request {
            method: Method::POST,
            url,
            headers: HeaderMap::from_iter([
                (
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                ),
                (ACCEPT, HeaderValue::from_static("application/json")),
                (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            ]),
            body: Some(Secret::new(body).bytes()),
            shelf: None,
        };
        let class = EndpointClass::Token;
        let read = |mut answer: Answer| {
            let token = token::parse(&answer.body, unit);
            answer.body.zeroize();
            token
        };
        http.perform(
            call,
            class,
            &request,
            Replay::Reads,
            &Trace::default(),
            read,
        )
        .await
        .map_err(refused_credentials)
    }
}

/// What the token endpoint refuses is about the token, whatever the call that wanted one was about.
fn refused_credentials(error: Error) -> Error {
    use ErrorKind::*;
    let words = match error.kind() {
        NotFound => "there is no token endpoint (check the authentication host and path)",
        Auth | Forbidden | Rejected => {
            "the credentials were refused (check client id, client secret and key)"
        }
        _ => return error,
    };
    error.with_kind(Auth).context(words)
}

async fn ask_the_program(callback: &TokenCallback) -> Result<AccessToken> {
    let callback = callback.clone();
    let asked = tokio::task::spawn_blocking(move || callback.fetch()).await;
    match asked {
        Ok(Ok(token)) if token.secret.reveal().bytes().all(|b| b.is_ascii_graphic()) => Ok(token),
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
