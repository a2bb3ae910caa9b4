//! Credentials become an access token, and calls that carry one.

pub mod credentials;
pub(crate) mod grant;
mod jwt;
mod refusal;
pub(crate) mod renewal;
pub(crate) mod token;
pub(crate) mod token_cache;
