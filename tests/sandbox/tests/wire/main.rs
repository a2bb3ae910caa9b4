//! Tests of the sandbox over its sockets, as a program in any language uses it.

mod actions;
mod client;
mod faults;
mod open_questions;
mod reading;
mod start;
