//! Reading large JSON answers without copying them, and the texts that they are made of.

pub(crate) mod buffer_pool;
pub(crate) mod duplicate_keys;
pub(crate) mod reader;
pub(crate) mod table;
pub mod text;
