//! Adobe's User Management API for every language: a Rust core behind a C ABI.
//!
//! A [`Client`] reads the users and groups of one organisation page by page, and sends actions on them, each of which
//! ends with one truthful [`Outcome`]. Every wait can be ended by a [`Cancel`] or a deadline and is told to whoever
//! asks. C programs see the same through `include/umapi.h`, which is generated from [`ffi`].
//!
//! # The map of the house
//!
//! Arrows run one way, from the top to the ground:
//!
//! ```text
//! ffi                the C face: one file for each handle, no logic of its own
//!  └─ client         puts the floors below together; the Rust API
//!      ├─ config     a file or the environment -> credentials and options
//!      ├─ options    the options of a client, in one table; how a text sets each of them
//!      ├─ action     build -> split -> batch -> send -> outcome
//!      ├─ check      every step of the way to the service, each with what to do if it fails
//!      ├─ query      pages and iteration over users and groups, one user, the service's status
//!      └─┬─ auth     credentials -> an access token; calls that carry one
//!        └─ http     one logical call: transport, retry, throttle, deadline and cancel
//!            └─ model   the service's nouns as data: user, group, command, answers. No I/O
//!                └─ error, shortage, input_file, pem, secret, redaction, log, counters, lock, process
//! ```
#![warn(missing_debug_implementations)]
#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]

mod action;
mod auth;
mod call;
mod check;
mod client;
mod config;
mod counters;
mod error;
#[allow(unsafe_code)]
pub mod ffi;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod http;
mod input_file;
mod json;
mod keys;
mod lock;
mod log;
mod model;
mod number_map;
mod options;
mod pem;
mod process;
mod query;
mod redaction;
mod secret;
mod service;
mod shortage;

pub use action::outcome::{Finding, Outcome, OutcomeKind, Outcomes, Severity};
pub use action::queue::Queue;
pub use action::split::BatchLimits;
pub use auth::credentials::Credentials;
pub use call::cancel::Cancel;
pub use call::endpoint_class::EndpointClass;
pub use call::options::CallOptions;
pub use call::progress::{Progress, WaitReason};
pub use check::kind::{StepKind, StepResult};
pub use check::report::Report;
pub use check::step::Step;
pub use client::Client;
pub use counters::Counters;
pub use error::{Delivery, Error, ErrorKind, Result};
pub use http::limit::rate_limit::RateLimit;
pub use http::retry::RetryPolicy;
pub use json::text::{SharedText, Text};
pub use keys::pair::{KeyPair, KeyPairOptions, SubjectPart};
pub use log::{LogLevel, Logger};
pub use model::command::{Action, Command, NewUser, OnConflict, Target, UserUpdate};
pub use model::group::{Group, GroupPage};
pub use model::page::{Page, PageStats};
pub use model::user::{IdentityType, User, UserPage};
pub use options::{ClientOptions, OptionSpec};
pub use query::listing::{MemberStatus, UsersQuery};
pub use query::pager::{GroupPages, Pager, UserPages};
pub use query::single::ServiceStatus;
pub use secret::Secret;
pub use service::signal::SyncSignal;
