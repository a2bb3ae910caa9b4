//! Checks and conversions of arguments from C.

use super::guard::Result;
use super::handle::is_null;
use super::number::Number;
use crate::Error;
use smallvec::SmallVec;
use std::ffi::{CStr, c_char};
use std::path::Path;
use std::time::Duration;

/// A NUL-terminated UTF-8 string.
pub(super) unsafe fn text<'a>(argument: &str, text: *const c_char) -> Result<&'a str> {
    match unsafe { optional_text(argument, text) }? {
        Some(text) => Ok(text),
        None => Err(is_null(argument).into()),
    }
}

/// A string that may be NULL.
pub(super) unsafe fn optional_text<'a>(
    argument: &str,
    text: *const c_char,
) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    let text = unsafe { CStr::from_ptr(text) };
    match text.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(e) => Err(Error::invalid_argument(
            argument,
            format_args!("is not UTF-8 (byte {})", e.valid_up_to()),
        )
        .into()),
    }
}

/// A path to a file.
pub(super) unsafe fn path<'a>(argument: &str, path: *const c_char) -> Result<&'a Path> {
    match unsafe { text(argument, path) }? {
        "" => Err(Error::invalid_argument(argument, "must not be empty").into()),
        path => Ok(Path::new(path)),
    }
}

/// Bytes of a given length.
pub(super) unsafe fn bytes<'a>(
    argument: &str,
    start: *const c_char,
    length: usize,
) -> Result<&'a [u8]> {
    if start.is_null() {
        return Err(is_null(argument).into());
    }
    if length > isize::MAX as usize {
        return Err(Error::invalid_argument(argument, "has an impossible length").into());
    }
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), length) })
}

/// UTF-8 of a given length, such as JSON.
pub(super) unsafe fn sized_text<'a>(
    argument: &str,
    start: *const c_char,
    length: usize,
) -> Result<&'a str> {
    let bytes = unsafe { bytes(argument, start, length) }?;
    std::str::from_utf8(bytes).map_err(|e| {
        Error::invalid_argument(
            argument,
            format_args!("is not UTF-8 (byte {})", e.valid_up_to()),
        )
        .into()
    })
}

/// An array of pointers. It may be NULL if it is empty.
pub(super) unsafe fn array<'a, T>(
    argument: &str,
    start: *const *const T,
    count: usize,
) -> Result<&'a [*const T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if start.is_null() {
        return Err(is_null(argument).into());
    }
    if count > isize::MAX as usize / size_of::<*const T>() {
        return Err(Error::invalid_argument(argument, "has an impossible count").into());
    }
    Ok(unsafe { std::slice::from_raw_parts(start, count) })
}

/// An array of strings. Few of them take no allocation.
pub(super) unsafe fn texts<'a>(
    argument: &str,
    start: *const *const c_char,
    count: usize,
) -> Result<SmallVec<[&'a str; 8]>> {
    let array = unsafe { array(argument, start, count) }?;
    let mut texts = SmallVec::new();
    for (position, item) in array.iter().enumerate() {
        texts.push(
            unsafe { text("", *item) }
                .or_else(|_| unsafe { text(&format!("{argument}[{position}]"), *item) })?,
        );
    }
    Ok(texts)
}

/// A flag, 0 or 1. Any other number is refused, since it is more likely a mistake than a 1.
pub(super) fn flag(argument: &str, value: i32) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::invalid_argument(argument, format_args!("is {value}; give 0 or 1")).into()),
    }
}

/// One of the constants of an enumeration.
pub(super) fn one_of<N: Number>(argument: &str, number: i32) -> Result<N> {
    N::from_number(number).ok_or_else(|| {
        let problem = format_args!("{number} is none of its constants");
        Error::invalid_argument(argument, problem).into()
    })
}

/// A time in milliseconds, at least 1.
pub(super) fn milliseconds(argument: &str, value: i64) -> Result<Duration> {
    match u64::try_from(value) {
        Ok(value @ 1..) => Ok(Duration::from_millis(value)),
        _ => Err(
            Error::invalid_argument(argument, format_args!("is {value}; give at least 1 ms"))
                .into(),
        ),
    }
}
