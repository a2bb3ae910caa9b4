//! The self-check: every step from the configuration to an answer of the service, each with its time, its result and a remedy
//! if it failed.

mod configuration;
mod host;
pub mod kind;
mod remedy;
pub mod report;
mod run;
pub mod step;

pub(crate) use run::run_check;
