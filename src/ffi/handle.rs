//! How handles go out and come back.

use super::guard::{Result, infallible};
use crate::Error;

fn is_null(argument: &str) -> Error {
    Error::invalid_argument(argument, "is NULL")
}

/// Where a function puts what it made. NULL stands there until it is given something.
pub(super) struct Out<T>(*mut T);

impl<T> Out<*mut T> {
    /// Hands a new handle to the caller, who frees it.
    pub(super) fn give(self, value: T) {
        unsafe { *self.0 = Box::into_raw(Box::new(value)) };
    }
}

impl<T> Out<*const T> {
    /// Lends what stays with its owner.
    pub(super) fn lend(self, value: &T) {
        unsafe { *self.0 = value };
    }
}

/// Takes the place for an owned handle and clears it.
pub(super) unsafe fn out<T>(argument: &str, place: *mut *mut T) -> Result<Out<*mut T>> {
    if place.is_null() {
        return Err(is_null(argument).into());
    }
    unsafe { *place = std::ptr::null_mut() };
    Ok(Out(place))
}

/// Takes the place for a borrowed handle and clears it.
pub(super) unsafe fn out_borrowed<T>(
    argument: &str,
    place: *mut *const T,
) -> Result<Out<*const T>> {
    if place.is_null() {
        return Err(is_null(argument).into());
    }
    unsafe { *place = std::ptr::null() };
    Ok(Out(place))
}

pub(super) unsafe fn shared<'a, T>(argument: &str, handle: *const T) -> Result<&'a T> {
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(argument).into())
}

pub(super) unsafe fn exclusive<'a, T>(argument: &str, handle: *mut T) -> Result<&'a mut T> {
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(argument).into())
}

/// Reads from a handle that may be NULL, which reads as `otherwise`.
#[inline(always)]
pub(super) unsafe fn read<T, V>(handle: *const T, otherwise: V, get: impl FnOnce(&T) -> V) -> V
where
    V: Copy,
{
    infallible(otherwise, || match unsafe { handle.as_ref() } {
        Some(handle) => get(handle),
        None => otherwise,
    })
}

pub(super) fn boxed<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

pub(super) unsafe fn free<T>(handle: *mut T) {
    infallible((), || {
        if !handle.is_null() {
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}
