//! The sandbox as any language sees it: over its sockets.

mod actions;
mod client;
mod faults;
mod open_questions;
mod reading;
mod start;
