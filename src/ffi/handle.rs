//! Handles: values behind opaque pointers, as the exports receive, return and free them.

use super::error::umapi_error;
use super::fallible::fallible;
use super::guard::{Result, infallible};
use super::status::umapi_status;
use crate::Error;
use std::ptr::{null, null_mut};

/// A type that C programs use through an opaque pointer.
pub(super) trait Handle: Sized {
    /// What the exports read and change behind the pointer: the value of the core that the handle wraps, or the handle
    /// itself where it is more than that.
    type Core;

    /// The name of the parameters that take or receive such a handle, for messages.
    const PARAMETER: &'static str;

    fn wrap(core: Self::Core) -> Self;
    fn core(&self) -> &Self::Core;
    fn core_mut(&mut self) -> &mut Self::Core;
}

/// A handle that the caller owns and frees. A type without this trait is only ever borrowed.
pub(super) trait Owned: Handle {
    /// Whether the handle can be dropped now. A handle that a call uses answers false, and the call drops it at its end.
    fn release(&self) -> bool {
        true
    }
}

/// Implements [`Handle`] for a struct around one value of the core, or for a struct whose exports read it directly.
macro_rules! handle {
    ($handle:ty as $parameter:literal: $core:ty) => {
        impl $crate::ffi::handle::Handle for $handle {
            type Core = $core;
            const PARAMETER: &'static str = $parameter;

            fn wrap(core: $core) -> Self {
                Self(core)
            }

            #[inline(always)]
            fn core(&self) -> &$core {
                &self.0
            }

            fn core_mut(&mut self) -> &mut $core {
                &mut self.0
            }
        }
    };
    ($handle:ty as $parameter:literal) => {
        impl $crate::ffi::handle::Handle for $handle {
            type Core = Self;
            const PARAMETER: &'static str = $parameter;

            fn wrap(core: Self) -> Self {
                core
            }

            #[inline(always)]
            fn core(&self) -> &Self {
                self
            }

            fn core_mut(&mut self) -> &mut Self {
                self
            }
        }
    };
}

pub(super) use handle;

/// The error for a pointer that must not be NULL.
pub(super) fn is_null(parameter: &str) -> Error {
    Error::invalid_argument(parameter, "is NULL")
}

/// Reads from a handle that must not be NULL.
pub(super) unsafe fn shared<'a, H: Handle + 'a>(handle: *const H) -> Result<&'a H::Core> {
    match unsafe { handle.as_ref() } {
        Some(handle) => Ok(handle.core()),
        None => Err(is_null(H::PARAMETER).into()),
    }
}

/// Reads from a handle that may be NULL, which reads as `otherwise`.
#[inline(always)]
pub(super) unsafe fn read<H, V>(
    handle: *const H,
    otherwise: V,
    get: impl FnOnce(&H::Core) -> V,
) -> V
where
    H: Handle,
    V: Copy,
{
    infallible(otherwise, || match unsafe { handle.as_ref() } {
        Some(handle) => get(handle.core()),
        None => otherwise,
    })
}

/// The value of a handle that may be NULL, which stands for the default.
pub(super) unsafe fn copied<H: Handle<Core: Clone + Default>>(handle: *const H) -> H::Core {
    unsafe { handle.as_ref() }.map_or_else(Default::default, |handle| handle.core().clone())
}

/// The body of an export that changes a handle: a setter, or a step in building it.
pub(super) unsafe fn change<H: Handle>(
    handle: *mut H,
    error: *mut *mut umapi_error,
    to: impl FnOnce(&mut H::Core) -> Result<()>,
) -> umapi_status {
    let changed = || match unsafe { handle.as_mut() } {
        Some(handle) => to(handle.core_mut()),
        None => Err(is_null(H::PARAMETER).into()),
    };
    unsafe { fallible(error, changed) }
}

/// Moves a handle to the heap, where the caller owns it until it is passed to [`free`].
pub(super) fn into_raw<H: Owned>(handle: H) -> *mut H {
    Box::into_raw(Box::new(handle))
}

/// The body of an export that makes a handle with a default value.
pub(super) fn new<H: Owned>(core: impl FnOnce() -> H::Core) -> *mut H {
    infallible(null_mut(), || into_raw(H::wrap(core())))
}

/// The body of an export that makes an owned handle from a borrowed one.
pub(super) unsafe fn copy<H: Owned<Core: Clone>>(handle: *const H) -> *mut H {
    unsafe { read(handle, null_mut(), |core| into_raw(H::wrap(core.clone()))) }
}

/// The body of an export that frees a handle. NULL is allowed.
pub(super) unsafe fn free<H: Owned>(handle: *mut H) {
    infallible((), || {
        if unsafe { handle.as_ref() }.is_some_and(H::release) {
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

/// Where a function writes the handle that it returns. NULL stands there until it does.
pub(super) struct Out<P>(*mut P);

impl<H: Owned> Out<*mut H> {
    /// Gives a new handle to the caller, which frees it.
    pub(super) fn give(self, core: H::Core) {
        unsafe { *self.0 = into_raw(H::wrap(core)) };
    }
}

impl<H: Handle> Out<*const H> {
    /// Lends a handle that stays with its owner.
    pub(super) fn lend(self, handle: &H) {
        unsafe { *self.0 = handle };
    }
}

/// Takes the place for an owned handle and clears it.
pub(super) unsafe fn out<H: Owned>(place: *mut *mut H) -> Result<Out<*mut H>> {
    unsafe { cleared(H::PARAMETER, place, null_mut()) }
}

/// Takes the place for a borrowed handle and clears it.
pub(super) unsafe fn out_borrowed<H: Handle>(place: *mut *const H) -> Result<Out<*const H>> {
    unsafe { cleared(H::PARAMETER, place, null()) }
}

unsafe fn cleared<P>(parameter: &str, place: *mut P, nothing: P) -> Result<Out<P>> {
    if place.is_null() {
        return Err(is_null(parameter).into());
    }
    unsafe { *place = nothing };
    Ok(Out(place))
}
