//! Acting: build -> split -> batch -> send -> outcome.

mod batch;
pub(crate) mod execute;
mod in_flight;
pub(crate) mod interpret;
mod open_requests;
pub(crate) mod outcome;
mod pending;
pub(crate) mod queue;
mod reach;
mod repeat;
pub(crate) mod sender;
pub(crate) mod split;

#[cfg(test)]
mod tests;
