//! Values of the core as C programs read them.

use crate::Text;
use std::ffi::{CString, c_char};
use std::ptr::{from_ref, null};
use std::time::Duration;

/// The bytes of a text of the core, which end with a NUL; NULL if absent.
pub(super) fn pointer(text: Option<Text<'_>>) -> *const c_char {
    text.map_or(null(), |text| text.as_bytes_with_nul().as_ptr().cast())
}

/// A copy of a text for C. A NUL inside is replaced, since it would hide what follows it.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

pub(super) fn optional_pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

/// The item at an index; NULL beyond the end.
pub(super) fn item<T>(items: &[T], index: usize) -> *const T {
    items.get(index).map_or(null(), from_ref)
}

/// A number that the core may not know; -1 if it is absent.
pub(super) fn figure(value: Option<u64>) -> i64 {
    value.map_or(-1, |value| i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A number that fits in all but absurd cases, which read as the greatest.
pub(super) fn small(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

/// 1 or 0; -1 if absent.
pub(super) fn tristate(value: Option<bool>) -> i32 {
    value.map_or(-1, i32::from)
}
