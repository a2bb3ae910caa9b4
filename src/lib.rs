//! Adobe's User Management API for every language: a Rust core with a C ABI.
//!
//! A [`Client`] reads the users and groups of one organisation page by page, and sends actions on them, each of which
//! ends with one truthful [`Outcome`]. A [`Cancel`] or a deadline ends every wait, and a progress callback reports it.
//! C programs use the same functions through `include/umapi.h`, which is generated from [`ffi`].
//!
//! # Modules
//!
//! A module imports only modules further down in this list:
//!
//! ```text
//! ffi                the C API: one file for each handle, no logic of its own
//! client             the Rust API; makes a client of the modules below
//! config             a file or the environment -> credentials and options
//! options            the options of a client in one table, and how a text sets each of them
//! check              the self-check: every step from the configuration to an answer, each with a remedy
//! action             actions -> entries -> requests -> outcomes
//! query              pages and items of users and groups, one user, the service's status
//! service            the service's endpoint: a request with a token, a rate limit and retries
//! auth               credentials -> an access token
//! keys               reading private keys, generating key pairs, saving them
//! http               one logical request: transport, retry, classification of answers; limit: rate limits
//! call               the caller's limits for one call: deadline, cancel, request id, progress
//! model              users, groups, commands and answers of the service as data; no I/O
//! json               reading large answers without copying
//! the rest           error, secret, redaction, log, counters, pem, input_file, number_map, shortage, lock, process
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
pub use model::action::{Action, NewUser, UserUpdate};
pub use model::command::{Command, OnConflict};
pub use model::group::{Group, GroupPage};
pub use model::page::{Page, PageStats};
pub use model::target::Target;
pub use model::user::{IdentityType, User, UserPage};
pub use options::{ClientOptions, OptionSpec};
pub use process::Process;
pub use query::items::{Groups, Item, Items, Users};
pub use query::listing::{MemberStatus, UsersQuery};
pub use query::pager::{GroupPages, Pager, UserPages};
pub use query::single::ServiceStatus;
pub use secret::Secret;
pub use service::signal::SyncSignal;
