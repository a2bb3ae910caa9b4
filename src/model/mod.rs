//! The service's nouns as data: users, groups, commands and what the service answers. No I/O.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod command;
pub(crate) mod error_body;
pub(crate) mod group;
pub(crate) mod page;
pub(crate) mod token;
pub(crate) mod user;
