//! Actions on users and groups, from what the program builds to what became of it: split, batch, send, interpret, outcome.

mod batch;
mod entry_report;
pub(crate) mod execute;
mod in_flight;
pub(crate) mod interpret;
pub(crate) mod journal;
mod open_requests;
pub(crate) mod outcome;
mod pending;
pub(crate) mod queue;
mod reach;
mod repeat;
mod run;
#[cfg(test)]
mod scripted;
pub(crate) mod sender;
pub(crate) mod split;

#[cfg(test)]
mod tests;
