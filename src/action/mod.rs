//! Acting: build -> split -> batch -> send -> outcome.

mod batch;
pub mod execute;
mod in_flight;
pub(crate) mod interpret;
mod open_requests;
pub mod outcome;
mod pending;
pub mod queue;
mod reach;
mod repeat;
pub(crate) mod sender;
pub mod split;

#[cfg(test)]
mod tests;
