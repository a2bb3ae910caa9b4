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

/// A queue that collects actions until a request is full. Only one call at a time may use it: during a call, another
/// call with the same queue answers `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call.
/// However, other threads may take results and ask for the number of pending actions at any time.
///
/// @since 0.1.0
pub struct umapi_queue {
    sending: CallLock<Sending>,
    outcomes: OfProcess<Outcomes>,
}

/// The state of a queue that a call uses. The queue is declared before the engine, so that it is dropped before it.
pub struct Sending {
    /// `None` while a call runs on the driver, and after a call that has panicked.
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

    /// Moves the queue to the driver for `work`, and back.
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

/// Adds an action, and sends the requests that are full now, so that this call can wait. Only umapi_queue_take_results
/// returns the outcomes of actions: `UMAPI_OK` here means that the queue contains the action, and any other status that
/// it does not.
///
/// After two requests in a row that could not reach the host at all, nothing is sent for 30 seconds: actions that would
/// be sent in this time end as not sent, with the error of the second request.
///
/// @param queue   the queue.
/// @param call    the options of this call; may be NULL.
/// @param action  the action; copied. A tag (umapi_action_set_tag) identifies its outcome.
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
            // The action is added after all that can fail, since a call that fails must have no effect.
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

/// Sends all actions that wait in the queue. Afterwards every action that was added has its outcome.
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

/// Takes the outcomes since the last time, in the order in which they became known; there may be none. Taking them
/// regularly keeps the memory of a long run constant. During a call with the queue another thread may take them, but a
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

/// The number of actions that have no outcome yet.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_pending(queue: *const umapi_queue) -> usize {
    unsafe { read(queue, 0, |q| q.outcomes.pending()) }
}

/// Frees a queue without sending anything. Actions that were not flushed are dropped unsent. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_free(queue: *mut umapi_queue) {
    unsafe { free(queue) }
}
