//! Acting: build -> split -> batch -> send -> outcome.

mod batch;
pub mod execute;
pub(crate) mod interpret;
mod open_requests;
pub mod outcome;
pub mod queue;
pub mod split;
