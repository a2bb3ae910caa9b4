use super::action::umapi_action;
use super::call::{options, umapi_call};
use super::error::umapi_error;
use super::fallible::fallible;
use super::handle::{exclusive, free, out, read, shared};
use super::results::umapi_results;
use super::runtime::Engine;
use super::status::umapi_status;
use crate::Queue;

/// Actions that gather until a request is full. One thread at a time.
///
/// @since 0.1.0
pub struct umapi_queue {
    engine: Engine,
    queue: Queue,
}

impl umapi_queue {
    pub(super) fn new(engine: Engine, queue: Queue) -> Self {
        umapi_queue { engine, queue }
    }
}

/// Adds an action, and sends what is full by that: so this call can wait. What becomes of actions is told by
/// umapi_queue_take_results alone; `UMAPI_OK` here means only that the queue has the action.
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
            let umapi_queue { engine, queue } = exclusive("queue", queue)?;
            let action = &shared("action", action)?.0;
            engine.check()?;
            queue.put(action)?;
            if queue.is_due() {
                engine.run(queue.send_due(&options(call)))?;
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
            let umapi_queue { engine, queue } = exclusive("queue", queue)?;
            engine.run(queue.flush(&options(call)))
        })
    }
}

/// Takes the outcomes since the last time, in the order in which they came about; there may be none. Taking them now
/// and then keeps the memory of a long run flat.
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
            let results = out("results", results)?;
            let queue = exclusive("queue", queue)?;
            results.give(umapi_results::new(queue.queue.take_outcomes()));
            Ok(())
        })
    }
}

/// How many actions have no outcome yet.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_pending(queue: *const umapi_queue) -> usize {
    unsafe { read(queue, 0, |q| q.queue.pending()) }
}

/// Frees a queue; never sends. Actions that were not flushed are dropped, unsent. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_queue_free(queue: *mut umapi_queue) {
    unsafe { free(queue) }
}
