//! Reading of large JSON answers in place, without copying their texts.

pub(crate) mod buffer_pool;
pub(crate) mod duplicate_keys;
pub(crate) mod reader;
pub(crate) mod table;
pub(crate) mod text;
