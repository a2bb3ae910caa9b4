//! One logical call, told truthfully: transport, retry, throttle, deadline and cancel.

pub(crate) mod ask_proxy;
pub(crate) mod authorisation;
pub(crate) mod body;
mod budget;
pub mod call;
pub(crate) mod certificates;
mod classify;
pub mod endpoint;
pub(crate) mod failure;
mod lane;
mod pacer;
pub(crate) mod perform;
pub(crate) mod proxy;
pub mod rate_limit;
pub(crate) mod resolve;
pub mod retry;
pub(crate) mod retry_after;
pub(crate) mod throttle;
pub mod transport;
pub(crate) mod trust;
pub(crate) mod url;
pub(crate) mod way;
