use super::handle::read;
use crate::EndpointClass;
use crate::{Progress, WaitReason};

/// How a call goes on. PooledBuf to a progress callback, for the time that it runs.
///
/// @since 0.1.0
pub struct umapi_progress(pub(super) Progress);

/// A request is about to be sent: see umapi_progress_attempt and umapi_progress_endpoint.
pub const UMAPI_PROGRESS_ATTEMPT: i32 = 1;
/// A wait begins: see umapi_progress_wait_reason, umapi_progress_wait_ms and umapi_progress_endpoint.
pub const UMAPI_PROGRESS_WAIT: i32 = 2;
/// A page was read: see umapi_progress_done (items so far) and umapi_progress_total.
pub const UMAPI_PROGRESS_PAGE: i32 = 3;
/// Actions have their outcome: see umapi_progress_done and umapi_progress_total.
pub const UMAPI_PROGRESS_ACTIONS: i32 = 4;

/// Another try after a failure that may pass.
pub const UMAPI_WAIT_BACK_OFF: i32 = 1;
/// The service asked for a pause.
pub const UMAPI_WAIT_THROTTLED: i32 = 2;
/// The documented limit on requests is used up for now.
pub const UMAPI_WAIT_PACE: i32 = 3;
/// Another call of this client is getting the token.
pub const UMAPI_WAIT_TOKEN: i32 = 4;

/// Listings of users. The service counts requests by such classes.
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

pub(super) const ENDPOINTS: [(i32, EndpointClass); 7] = [
    (UMAPI_ENDPOINT_USERS, EndpointClass::Users),
    (UMAPI_ENDPOINT_USER, EndpointClass::User),
    (UMAPI_ENDPOINT_GROUPS, EndpointClass::Groups),
    (UMAPI_ENDPOINT_USER_GROUPS, EndpointClass::UserGroups),
    (UMAPI_ENDPOINT_ACTION, EndpointClass::Action),
    (UMAPI_ENDPOINT_TOKEN, EndpointClass::Token),
    (UMAPI_ENDPOINT_STATUS, EndpointClass::Status),
];

/// What is told: one of `UMAPI_PROGRESS_*`; 0 for NULL. A later version may tell of more: ignore what you do not know.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_kind(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match p.0 {
            Progress::Attempt { .. } => UMAPI_PROGRESS_ATTEMPT,
            Progress::Wait { .. } => UMAPI_PROGRESS_WAIT,
            Progress::Page { .. } => UMAPI_PROGRESS_PAGE,
            Progress::Actions { .. } => UMAPI_PROGRESS_ACTIONS,
        })
    }
}

/// Which kind of request is sent or waited for: one of `UMAPI_ENDPOINT_*`; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_endpoint(progress: *const umapi_progress) -> i32 {
    unsafe {
        read(progress, 0, |p| match p.0 {
            Progress::Attempt { endpoint, .. } | Progress::Wait { endpoint, .. } => ENDPOINTS
                .iter()
                .find(|(_, class)| *class == endpoint)
                .map_or(0, |(number, _)| *number),
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
        read(progress, 0, |p| match p.0 {
            Progress::Attempt { attempt, .. } => i32::try_from(attempt).unwrap_or(i32::MAX),
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
        read(progress, 0, |p| match p.0 {
            Progress::Wait { reason, .. } => match reason {
                WaitReason::BackOff => UMAPI_WAIT_BACK_OFF,
                WaitReason::Throttled => UMAPI_WAIT_THROTTLED,
                WaitReason::Pace => UMAPI_WAIT_PACE,
                WaitReason::Token => UMAPI_WAIT_TOKEN,
            },
            _ => 0,
        })
    }
}

/// How long the wait will be, in milliseconds; -1 where it is not known, because it ends when another call does.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_wait_ms(progress: *const umapi_progress) -> i64 {
    unsafe {
        read(progress, -1, |p| match p.0 {
            Progress::Wait {
                duration: Some(duration),
                ..
            } => i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
            _ => -1,
        })
    }
}

/// How many items were read, or how many actions have their outcome; 0 where it does not apply.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_done(progress: *const umapi_progress) -> u64 {
    unsafe {
        read(progress, 0, |p| match p.0 {
            Progress::Page { items, .. } => items,
            Progress::Actions { done, .. } => done,
            _ => 0,
        })
    }
}

/// How many there are in all, as far as that is known; -1 where it is not. The service's count of users includes
/// technical accounts that its listing leaves out.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_progress_total(progress: *const umapi_progress) -> i64 {
    unsafe {
        read(progress, -1, |p| match p.0 {
            Progress::Page {
                total: Some(total), ..
            }
            | Progress::Actions { total, .. } => i64::try_from(total).unwrap_or(i64::MAX),
            _ => -1,
        })
    }
}
