//! A lock for handles that one call at a time uses: a second call is refused, and a free during a call takes effect at
//! the call's end.

use super::guard::Result;
use super::handle::{Handle, is_null};
use crate::Error;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};

const UNLOCKED: u8 = 0;
const LOCKED: u8 = 1;
/// A call holds the lock, and drops the handle when it ends.
const FREED: u8 = 2;

/// A value that one call at a time may use.
pub(super) struct CallLock<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
}

/// The content of a handle that one call at a time may use.
pub(super) trait OneCallAtATime {
    type Value;

    fn call_lock(&self) -> &CallLock<Self::Value>;
}

impl<T> CallLock<T> {
    pub(super) fn new(value: T) -> Self {
        CallLock {
            state: AtomicU8::new(UNLOCKED),
            value: UnsafeCell::new(value),
        }
    }

    /// Whether a call uses the value now.
    pub(super) fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) != UNLOCKED
    }

    /// Refuses all further calls. True if no call uses the value; otherwise the one that does drops the handle.
    pub(super) fn release(&self) -> bool {
        self.state.swap(FREED, Ordering::AcqRel) == UNLOCKED
    }
}

/// The use of a handle's value by one call.
pub(super) struct InCall<H: Handle<Core: OneCallAtATime>>(*mut H);

/// Locks the handle for a call, unless another call uses it.
pub(super) unsafe fn lock_for_call<H>(handle: *mut H) -> Result<InCall<H>>
where
    H: Handle<Core: OneCallAtATime>,
{
    // SAFETY: the header asks for NULL or a handle that lives.
    let Some(locked) = (unsafe { handle.as_ref() }) else {
        return Err(is_null(H::PARAMETER).into());
    };
    let state = &locked.core().call_lock().state;
    match state.compare_exchange(UNLOCKED, LOCKED, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => Ok(InCall(handle)),
        Err(_) => Err(Error::invalid_argument(
            H::PARAMETER,
            "is in use by another call, on another thread or around this callback; use it by one call at a time",
        )
        .into()),
    }
}

impl<H: Handle<Core: OneCallAtATime>> InCall<H> {
    fn lock(&self) -> &CallLock<<H::Core as OneCallAtATime>::Value> {
        // SAFETY: the handle lives at least as long as the call that has locked it.
        unsafe { &*self.0 }.core().call_lock()
    }
}

impl<H: Handle<Core: OneCallAtATime>> Deref for InCall<H> {
    type Target = <H::Core as OneCallAtATime>::Value;

    fn deref(&self) -> &Self::Target {
        // SAFETY: the state keeps all other calls out while this one lasts.
        unsafe { &*self.lock().value.get() }
    }
}

impl<H: Handle<Core: OneCallAtATime>> DerefMut for InCall<H> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        // SAFETY: the same.
        unsafe { &mut *self.lock().value.get() }
    }
}

impl<H: Handle<Core: OneCallAtATime>> Drop for InCall<H> {
    fn drop(&mut self) {
        let state = &self.lock().state;
        let unlocked =
            state.compare_exchange(LOCKED, UNLOCKED, Ordering::Release, Ordering::Acquire);
        if unlocked.is_err() {
            // SAFETY: the handle was freed during the call, so nothing else uses it.
            drop(unsafe { Box::from_raw(self.0) });
        }
    }
}
