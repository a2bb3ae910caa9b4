//! Credentials, and what belongs to them alone: their token and the rate limits of their client id.

use crate::auth::credentials::Credentials;
use crate::auth::grant;
use crate::auth::renewal::Renewal;
use crate::auth::token::Token;
use crate::auth::token_cache::TokenCache;
use crate::call::Call;
use crate::error::Result;
use crate::http::perform::Http;
use crate::model::token::AccessToken;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// One set of credentials and its token. A token that was asked for with other credentials cannot get in here.
#[derive(Debug)]
pub(crate) struct Identity {
    pub credentials: Arc<Credentials>,
    /// Its throttle is the one of the client id.
    pub http: Http,
    tokens: TokenCache,
}

impl Identity {
    pub(super) fn new(credentials: Credentials, http: Http) -> Arc<Self> {
        Arc::new(Identity {
            credentials: Arc::new(credentials),
            tokens: TokenCache::default(),
            http,
        })
    }

    /// A living token.
    pub(super) async fn token(&self, call: &Call, org_id: &str) -> Result<Arc<Token>> {
        let fetch = |renewal| self.fetch_token(org_id, renewal);
        self.tokens.get(call, &self.http.logger, fetch).await
    }

    /// A new token, whether or not there is one.
    pub(super) async fn renew_token(&self, call: &Call, org_id: &str) -> Result<Arc<Token>> {
        let fetch = |renewal| self.fetch_token(org_id, renewal);
        self.tokens.renew(call, &self.http.logger, fetch).await
    }

    /// Forgets a token that the service refused.
    pub(super) fn discard(&self, refused: &Arc<Token>) {
        self.tokens.discard(refused);
    }

    fn fetch_token(
        &self,
        org_id: &str,
        renewal: Renewal,
    ) -> BoxFuture<'static, Result<AccessToken>> {
        let credentials = self.credentials.clone();
        grant::fetch_token(credentials, self.http.clone(), org_id.to_owned(), renewal)
    }
}
