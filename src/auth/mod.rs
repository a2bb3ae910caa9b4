//! The exchange of credentials for an access token, and the cache that renews it.

pub(crate) mod credentials;
pub(crate) mod grant;
mod jwt;
mod refusal;
pub(crate) mod renewal;
pub(crate) mod token;
pub(crate) mod token_cache;
