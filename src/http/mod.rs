//! One logical call, told truthfully: transport, retry, throttle, deadline and cancel.

mod body;
mod budget;
pub mod call;
pub mod endpoint;
mod failure;
mod lane;
mod pacer;
pub(crate) mod perform;
pub mod rate_limit;
pub mod retry;
pub(crate) mod retry_after;
pub(crate) mod throttle;
pub mod transport;
pub(crate) mod url;
