//! Credentials become an access token, and calls that carry one.

pub mod credentials;
mod grant;
mod jwt;
pub(crate) mod key;
mod refusal;
mod renewal;
pub(crate) mod session;
pub mod signal;
mod token;
mod token_cache;
