//! One logical call, told truthfully: transport, retry, throttle, deadline and cancel.

mod body;
pub mod call;
pub mod endpoint;
mod failure;
pub(crate) mod perform;
pub mod retry;
pub(crate) mod retry_after;
pub mod throttle;
pub mod transport;
pub(crate) mod url;
