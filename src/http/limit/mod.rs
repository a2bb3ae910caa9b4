//! The service's rate limits, kept by the client, and the gate that a 429 closes.

mod endpoint_limiter;
pub(crate) mod permit_queue;
pub(crate) mod rate_limit;
mod rate_window;
pub(crate) mod throttle;
