//! Acting: build -> split -> batch -> send -> outcome.

mod batch;
mod board;
pub(crate) mod endpoint;
pub mod execute;
mod in_flight;
pub(crate) mod interpret;
mod open_requests;
pub mod outcome;
pub mod queue;
mod reach;
mod repeat;
pub mod split;

#[cfg(test)]
mod tests;
