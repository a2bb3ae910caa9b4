//! How texts and figures of the core read from C.

use crate::Text;
use std::ffi::c_char;
use std::ptr::null;

pub(super) fn pointer(text: Option<Text<'_>>) -> *const c_char {
    text.map_or(null(), |text| text.as_bytes_with_nul().as_ptr().cast())
}

pub(super) fn figure(value: Option<u64>) -> i64 {
    value.map_or(-1, |value| i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn tristate(value: Option<bool>) -> i32 {
    value.map_or(-1, i32::from)
}
