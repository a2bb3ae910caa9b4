//! The service's nouns as data: users, groups, commands and what the service answers. No I/O.

pub(crate) mod answer;
pub(crate) mod body;
pub mod command;
pub(crate) mod error_body;
pub mod group;
pub mod page;
pub mod token;
pub mod user;
