//! One logical request over HTTP: connections, proxies, TLS, retries, rate limits and the classification of answers.

pub(crate) mod ask_proxy;
pub(crate) mod authorisation;
pub(crate) mod body;
pub(crate) mod certificates;
mod classify;
pub(crate) mod failure;
pub(crate) mod headers;
pub(crate) mod limit;
pub(crate) mod perform;
pub(crate) mod proxy;
pub(crate) mod resolve;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod route;
pub(crate) mod transport;
pub(crate) mod trust;
pub(crate) mod url;
