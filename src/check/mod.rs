//! The self-check: every step from the configuration to an answer of the service, each with its time, its result and a
//! remedy if it failed.

mod configuration;
mod host;
pub(crate) mod kind;
mod remedy;
pub(crate) mod report;
mod run;
pub(crate) mod step;

pub(crate) use run::run_check;
