//! umapi
pub mod auth;
pub mod error;
pub mod http;
pub mod log;
pub mod model;
pub mod secret;
