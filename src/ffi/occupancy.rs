//! Handles for one thread at a time, so guarded that a second call is refused and a free during a call waits for its end.

use super::guard::{Result, infallible};
use crate::Error;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};

const FREE: u8 = 0;
const OCCUPIED: u8 = 1;
/// A call is in it, and will free the handle.
const TO_BE_FREED: u8 = 2;

/// A value that one call at a time may use.
pub(super) struct Occupancy<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
}

/// A handle whose calls exclude one another.
pub(super) trait Occupied {
    type Value;

    fn occupancy(&self) -> &Occupancy<Self::Value>;
}

impl<T> Occupancy<T> {
    pub(super) fn new(value: T) -> Self {
        Occupancy {
            state: AtomicU8::new(FREE),
            value: UnsafeCell::new(value),
        }
    }

    /// Whether a call is in it now.
    pub(super) fn is_occupied(&self) -> bool {
        self.state.load(Ordering::Relaxed) != FREE
    }
}

/// The use of a handle by one call.
pub(super) struct Occupant<H: Occupied>(*mut H);

/// Takes the handle for a call, unless another call is in it.
pub(super) unsafe fn occupy<H: Occupied>(argument: &str, handle: *mut H) -> Result<Occupant<H>> {
    // SAFETY: the header asks for NULL or a handle that lives.
    let Some(entered) = (unsafe { handle.as_ref() }) else {
        return Err(Error::invalid_argument(argument, "is NULL").into());
    };
    let state = &entered.occupancy().state;
    match state.compare_exchange(FREE, OCCUPIED, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => Ok(Occupant(handle)),
        Err(_) => Err(Error::invalid_argument(
            argument,
            "is in use by another call, on another thread or around this callback; use it by one call at a time",
        )
        .into()),
    }
}

impl<H: Occupied> Deref for Occupant<H> {
    type Target = H::Value;

    fn deref(&self) -> &H::Value {
        // SAFETY: the state keeps all others out while this occupant lives.
        unsafe { &*(*self.0).occupancy().value.get() }
    }
}

impl<H: Occupied> DerefMut for Occupant<H> {
    fn deref_mut(&mut self) -> &mut H::Value {
        // SAFETY: the same.
        unsafe { &mut *(*self.0).occupancy().value.get() }
    }
}

impl<H: Occupied> Drop for Occupant<H> {
    fn drop(&mut self) {
        // SAFETY: the handle lives until its occupant has left.
        let state = unsafe { &(*self.0).occupancy().state };
        let left = state.compare_exchange(OCCUPIED, FREE, Ordering::Release, Ordering::Acquire);
        if left.is_err() {
            // SAFETY: it was freed meanwhile, so nothing else uses it.
            drop(unsafe { Box::from_raw(self.0) });
        }
    }
}

/// Frees a handle: now, or at the end of the call that is in it. NULL is fine.
pub(super) unsafe fn free<H: Occupied>(handle: *mut H) {
    infallible((), || {
        // SAFETY: the header asks for NULL or a handle that lives.
        let Some(freed) = (unsafe { handle.as_ref() }) else {
            return;
        };
        let before = freed.occupancy().state.swap(TO_BE_FREED, Ordering::AcqRel);
        if before == FREE {
            // SAFETY: no call is in it, and none may begin.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}
