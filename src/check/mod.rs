//! The self-check: every step from the configuration to an answer of the service, tried in order, each with its time,
//! its result and what to do if it fails.

mod configuration;
mod host;
pub mod kind;
mod remedy;
pub mod report;
mod run;
pub mod step;

pub(crate) use run::check;
