//! The C functions compiled outside the crate, which works only while `src/ffi` uses the public API of the core alone.

pub use umapi::*;

#[path = "../../../src/ffi/mod.rs"]
pub mod ffi;
