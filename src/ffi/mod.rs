//! The C API: one file for each handle, without logic of its own. The comments of the exports become `include/umapi.h`,
//! the reference manual, and are written for C programmers. They state what a function may be given, so there are no `#
//! Safety` sections.
#![allow(
    non_camel_case_types,
    missing_debug_implementations,
    clippy::missing_safety_doc
)]

/// Actions on users and user groups.
pub mod action;
/// Options of one call.
pub mod call;
/// Cancel handles.
pub mod cancel;
/// The self-check.
pub mod check;
/// Clients.
pub mod client;
/// Client options.
pub mod client_options;
/// Credentials.
pub mod credentials;
/// Error objects.
pub mod error;
/// Groups and listings of groups.
pub mod group;
/// Key pairs.
pub mod key_pair;
/// The version of the library and of its ABI.
pub mod library;
/// The progress callback.
pub mod progress;
/// Queues of actions.
pub mod queue;
/// Outcomes of actions.
pub mod results;
/// The service's status.
pub mod service;
/// Status codes.
pub mod status;
/// Users and listings of users.
pub mod user;
/// Queries for users.
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
