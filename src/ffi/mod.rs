//! The C API: one file for each handle, without logic of its own. The comments of the exports become `include/umapi.h`,
//! the reference manual, and are written for C programmers. They state what a function may be given, so there are no `#
//! Safety` sections.
#![allow(
    non_camel_case_types,
    missing_debug_implementations,
    clippy::missing_safety_doc
)]

pub mod action;
pub mod call;
pub mod cancel;
pub mod check;
pub mod client;
pub mod client_options;
pub mod credentials;
pub mod error;
pub mod group;
pub mod key_pair;
pub mod library;
pub mod progress;
pub mod queue;
pub mod results;
pub mod service;
pub mod status;
pub mod user;
pub mod user_query;

mod call_lock;
mod callback;
mod driver;
mod engine;
mod fallible;
mod guard;
mod handle;
mod input;
mod listing;
mod mailbox;
mod number;
mod output;
mod process;
mod signals;
