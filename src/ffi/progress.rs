use super::handle::{handle, read};
use super::number::{Number, numbers};
use super::output::{figure, milliseconds, small};
use crate::EndpointClass;
use crate::{Progress, WaitReason};

/// A report on the progress of a call. A progress callback borrows it while it runs.
///
/// @since 0.1.0
pub struct umapi_progress(pub(super) Progress);

handle!(umapi_progress as "progress": Progress);

/// A request is about to be sent: see umapi_progress_attempt and umapi_progress_endpoint.
pub const UMAPI_PROGRESS_ATTEMPT: i32 = 1;
/// A wait begins: see umapi_progress_wait_reason, umapi_progress_wait_ms and umapi_progress_endpoint.
pub const UMAPI_PROGRESS_WAIT: i32 = 2;
/// A page was read: see umapi_progress_done (items so far) and umapi_progress_total.
pub const UMAPI_PROGRESS_PAGE: i32 = 3;
/// Actions have their outcome: see umapi_progress_done and umapi_progress_total.
pub const UMAPI_PROGRESS_ACTIONS: i32 = 4;

/// The delay before another attempt, after a failure that may be temporary.
pub const UMAPI_WAIT_BACK_OFF: i32 = 1;
/// The service asked for a pause.
pub const UMAPI_WAIT_THROTTLED: i32 = 2;
/// The documented rate limit has been reached.
pub const UMAPI_WAIT_PACE: i32 = 3;
/// Another call of this client is requesting the token.
pub const UMAPI_WAIT_TOKEN: i32 = 4;

numbers!(WaitReason {
    BackOff = UMAPI_WAIT_BACK_OFF,
    Throttled = UMAPI_WAIT_THROTTLED,
    Pace = UMAPI_WAIT_PACE,
    Token = UMAPI_WAIT_TOKEN,
});

/// Listings of users. The service applies its rate limits to such classes of endpoints.
pub const UMAPI_ENDPOINT_USERS: i32 = 1;
/// One user.
pub const UMAPI_ENDPOINT_USER: i32 = 2;
/// Listings of groups.
pub const UMAPI_ENDPOINT_GROUPS: i32 = 3;
/// The deprecated listing of user groups.
pub const UMAPI_ENDPOINT_USER_GROUPS: i32 = 4;
/// Actions.
pub const UMAPI_ENDPOINT_ACTION: i32 = 5;
/// The token endpoint.
pub const UMAPI_ENDPOINT_TOKEN: i32 = 6;
/// The service's status page.
pub const UMAPI_ENDPOINT_STATUS: i32 = 7;

numbers!(EndpointClass {
    Users = UMAPI_ENDPOINT_USERS,
    User = UMAPI_ENDPOINT_USER,
    Groups = UMAPI_ENDPOINT_GROUPS,
    UserGroups = UMAPI_ENDPOINT_USER_GROUPS,
    Action = UMAPI_ENDPOINT_ACTION,
    Token = UMAPI_ENDPOINT_TOKEN,
    Status = UMAPI_ENDPOINT_STATUS,
});

/// The kind of the report: one of `UMAPI_PROGRESS_*`; 0 for NULL. Later versions may add kinds: ignore those that you
/// do not know.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_kind(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match *p {
            Progress::Attempt { .. } => UMAPI_PROGRESS_ATTEMPT,
            Progress::Wait { .. } => UMAPI_PROGRESS_WAIT,
            Progress::Page { .. } => UMAPI_PROGRESS_PAGE,
            Progress::Actions { .. } => UMAPI_PROGRESS_ACTIONS,
            #[cfg(outside_the_core)]
            _ => 0,
        })
    }
}

/// The endpoint of the request that is sent or waited for: one of `UMAPI_ENDPOINT_*`; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_endpoint(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match *p {
            Progress::Attempt { endpoint, .. } | Progress::Wait { endpoint, .. } => {
                endpoint.number()
            }
            _ => 0,
        })
    }
}

/// The number of the attempt, from 1; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_attempt(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match *p {
            Progress::Attempt { attempt, .. } => small(attempt),
            _ => 0,
        })
    }
}

/// Why the call waits: one of `UMAPI_WAIT_*`; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_wait_reason(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match *p {
            Progress::Wait { reason, .. } => reason.number(),
            _ => 0,
        })
    }
}

/// The length of the wait in milliseconds; -1 if it is not known, because the wait ends when another call does.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_wait_ms(progress: *const umapi_progress) -> i64 {
    unsafe {
        read(progress, -1, |p| match *p {
            Progress::Wait {
                duration: Some(duration),
                ..
            } => milliseconds(duration),
            _ => -1,
        })
    }
}

/// The number of items that were read, or of actions that have their outcome; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_done(progress: *const umapi_progress) -> u64 {
    unsafe {
        read(progress, 0, |p| match *p {
            Progress::Page { items, .. } => items,
            Progress::Actions { done, .. } => done,
            _ => 0,
        })
    }
}

/// The number of all items or actions, if it is known; otherwise -1. The service's count of users includes technical
/// accounts that its listing leaves out.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_total(progress: *const umapi_progress) -> i64 {
    unsafe {
        read(progress, -1, |p| match *p {
            Progress::Page { total, .. } => figure(total),
            Progress::Actions { total, .. } => figure(Some(total)),
            _ => -1,
        })
    }
}
