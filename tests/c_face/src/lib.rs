//! The C face once more, outside the crate: it compiles only while `src/ffi` uses nothing of the core but its public API.

pub use umapi::*;

#[path = "../../../src/ffi/mod.rs"]
pub mod ffi;
