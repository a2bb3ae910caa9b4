//! Credentials become an access token, and calls that carry one.

pub mod credentials;
mod grant;
mod jwt;
pub(crate) mod key;
pub(crate) mod session;
mod token_cache;
