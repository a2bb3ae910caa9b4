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
mod lock;
mod log;
mod model;
mod number_map;
mod pem;
mod process;
mod query;
mod redaction;
mod secret;
mod shortage;

pub use action::outcome::{Finding, Outcome, OutcomeKind, Outcomes, Severity};
pub use action::queue::Queue;
pub use action::split::BatchLimits;
pub use auth::credentials::Credentials;
pub use auth::key::pair::{KeyPair, KeyPairOptions, SubjectPart};
pub use auth::signal::SyncSignal;
pub use check::kind::{StepKind, StepResult};
pub use check::report::Report;
pub use check::step::Step;
pub use client::{Client, ClientOptions};
pub use counters::Counters;
pub use error::{Delivery, Error, ErrorKind, Result};
pub use http::call::{CallOptions, Cancel, Progress, WaitReason};
pub use http::endpoint::EndpointClass;
pub use http::rate_limit::{RateLimit, RateLimits};
pub use http::retry::RetryPolicy;
pub use http::transport::TransportOptions;
pub use log::{LogLevel, Logger};
pub use model::action::{Action, NewUser, UserUpdate};
pub use model::command::{Command, OnConflict};
pub use model::group::{Group, GroupPage};
pub use model::page::{Page, PageStats};
pub use model::target::Target;
pub use model::text::{SharedText, Text};
pub use model::user::{IdentityType, User, UserPage};
pub use query::listing::{MemberStatus, UsersQuery};
pub use query::pager::{GroupPages, Pager, UserPages};
pub use query::single::ServiceStatus;
pub use secret::Secret;
