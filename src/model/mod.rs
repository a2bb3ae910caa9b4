//! The service's nouns as data: users, groups, commands and what the service answers. No I/O.

pub mod action;
pub(crate) mod answer;
pub(crate) mod argument;
pub mod command;
pub(crate) mod error_body;
pub mod group;
pub(crate) mod order_key;
pub mod page;
pub mod target;
pub mod token;
pub mod user;
pub(crate) mod write_json;
