//! Acting: build -> split -> batch -> send -> outcome.

mod batch;
pub mod execute;
pub(crate) mod interpret;
pub mod outcome;
pub mod queue;
mod repeat;
pub mod split;
