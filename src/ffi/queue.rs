use super::action::umapi_action;
use super::call::umapi_call;
use super::call_lock::{CallLock, OneCallAtATime, lock_for_call};
use super::callback::is_in_callback;
use super::engine::{Engine, Ready};
use super::error::umapi_error;
use super::fallible::fallible;
use super::guard::{Failure, Result};
use super::handle::{Owned, copied, free, handle, out, read, shared};
use super::process::OfProcess;
use super::results::umapi_results;
use super::status::umapi_status;
use crate::{CallOptions, Error, ErrorKind, Outcomes, Queue};
use std::future::Future;

/// Actions that gather until a request is full. One call at a time: during a call, another one with the same queue answers
/// `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads as in a callback of the call. But other threads may take results and
/// ask for what is pending at any time.
///
/// @since 0.1.0
pub struct umapi_queue {
    sending: CallLock<Sending>,
    outcomes: OfProcess<Outcomes>,
}

/// The queue stands before the engine, and ends before it.
pub struct Sending {
    /// With the driver during a call; lost if the call panics.
    queue: Option<OfProcess<Queue>>,
    engine: Engine,
}

handle!(umapi_queue as "queue");

impl Owned for umapi_queue {
    fn release(&self) -> bool {
        self.sending.release()
    }
}

impl OneCallAtATime for umapi_queue {
    type Value = Sending;

    fn call_lock(&self) -> &CallLock<Sending> {
        &self.sending
    }
}

impl umapi_queue {
    pub(super) fn new(engine: Engine, queue: Queue) -> Self {
        umapi_queue {
            outcomes: OfProcess::new(queue.outcomes()),
            sending: CallLock::new(Sending {
                queue: Some(OfProcess::new(queue)),
                engine,
            }),
        }
    }
}

impl Sending {
    fn queue(&mut self) -> Result<&mut Queue> {
        match &mut self.queue {
            Some(queue) => Ok(queue),
            None => Err(lost().into()),
        }
    }

    /// Lends the queue to the driver for `work`.
    fn run<F>(
        &mut self,
        ready: Ready,
        options: CallOptions,
        work: impl FnOnce(OfProcess<Queue>, CallOptions) -> F,
    ) -> Result<()>
    where
        F: Future<Output = OfProcess<Queue>> + Send + 'static,
    {
        let queue = self.queue.take().ok_or_else(lost)?;
        let queue = ready.run(options, |_, options| work(queue, options))?;
        self.queue = Some(queue);
        Ok(())
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the queue cannot be used any more, since a call with it ended as UMAPI_STATUS_PANIC",
    )
}

/// Adds an action, and sends what is full by that: so this call can wait. What becomes of actions is told by
/// umapi_queue_take_results alone; `UMAPI_OK` here means only that the queue has the action, and any other status that it
/// does not.
///
/// A host that two requests in a row could not reach at all is left alone for 30 seconds: what would go out meanwhile ends
/// as not sent, with the error of the second request.
///
/// @param queue   the queue.
/// @param call    the options of this call; may be NULL.
/// @param action  the action; copied. Give it a tag (umapi_action_set_tag) to know its outcome by.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_add(
    queue: *mut umapi_queue,
    call: *const umapi_call,
    action: *const umapi_action,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let mut sending = lock_for_call(queue)?;
            let action = shared(action)?;
            // What can fail comes before the action is taken: a call that fails has done nothing.
            let ready = sending.engine.ready()?;
            sending.queue()?.put(action)?;
            if sending.queue()?.is_due() {
                sending.run(ready, copied(call), |mut queue, options| async move {
                    queue.send_due(&options).await;
                    queue
                })?;
            }
            Ok(())
        })
    }
}

/// Sends everything that waits. Afterwards every action that was added has its outcome.
///
/// @param queue  the queue.
/// @param call   the options of this call; may be NULL.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_flush(
    queue: *mut umapi_queue,
    call: *const umapi_call,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let mut sending = lock_for_call(queue)?;
            let ready = sending.engine.ready()?;
            sending.run(ready, copied(call), |mut queue, options| async move {
                queue.flush(&options).await;
                queue
            })
        })
    }
}

/// Takes the outcomes since the last time, in the order in which they came about; there may be none. Taking them now
/// and then keeps the memory of a long run flat. While a call with the queue is under way, another thread may take them; a
/// callback of that call may not. Never waits.
///
/// @param queue    the queue.
/// @param results  receives the outcomes; free with umapi_results_free.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_take_results(
    queue: *mut umapi_queue,
    results: *mut *mut umapi_results,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let results = out(results)?;
            let queue = shared(queue.cast_const())?;
            if !queue.outcomes.is_usable() {
                return Err(Failure::Fork);
            }
            if is_in_callback() && queue.sending.is_locked() {
                return Err(Error::invalid_argument(
                    "queue",
                    "is in use by the call around this callback; take the results after it, or on another thread",
                )
                .into());
            }
            results.give(umapi_results::new(queue.outcomes.take()));
            Ok(())
        })
    }
}

/// How many actions have no outcome yet.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_pending(queue: *const umapi_queue) -> usize {
    unsafe { read(queue, 0, |q| q.outcomes.pending()) }
}

/// Frees a queue; never sends. Actions that were not flushed are dropped, unsent. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_free(queue: *mut umapi_queue) {
    unsafe { free(queue) }
}
