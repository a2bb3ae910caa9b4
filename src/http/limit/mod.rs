//! The rate limits of the service, kept on this side, and the gate that a 429 closes.

mod endpoint_limiter;
pub(crate) mod permit_queue;
pub mod rate_limit;
mod rate_window;
pub(crate) mod throttle;
