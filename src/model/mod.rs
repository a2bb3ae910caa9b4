//! The service's nouns as data: users, groups, commands and what the service answers. No I/O.

pub mod action;
pub(crate) mod answer;
pub(crate) mod argument;
pub mod command;
pub(crate) mod error_body;
pub mod group;
pub(crate) mod order_key;
pub mod page;
pub(crate) mod reader;
pub(crate) mod shelf;
pub(crate) mod table;
pub mod target;
pub mod text;
pub mod token;
pub(crate) mod unambiguous;
pub mod user;
pub(crate) mod write_json;
