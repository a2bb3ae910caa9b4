use super::error::umapi_error;
use super::handle::{Owned, change, free, handle, new};
use super::input::{flag, one_of, text};
use super::number::numbers;
use super::status::umapi_status;
use crate::{MemberStatus, UsersQuery};
use std::ffi::c_char;

/// A query that selects the users of a listing. Each listing has a copy of it. Only one thread at a time may use it.
///
/// @since 0.1.0
pub struct umapi_user_query(UsersQuery);

handle!(umapi_user_query as "query": UsersQuery);
impl Owned for umapi_user_query {}

/// Makes a query for all users; free with umapi_user_query_free. NULL only if there is no memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_user_query_new() -> *mut umapi_user_query {
    new(UsersQuery::new)
}

/// Lists only members of a group, product profile or admin group. Every name works, also with slashes and in any
/// script, except a name with a dot, which the service cuts there; for such names see umapi_user_query_set_group_id. If
/// the service answers for a group with another name, apart from letter case, the listing ends with
/// `UMAPI_STATUS_NOT_FOUND`.
///
/// @param query  the query.
/// @param name   the group's name; copied.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_group(
    query: *mut umapi_user_query,
    name: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { change(query, error, |q| Ok(q.set_group(text("name", name)?)?)) }
}

/// Lists only members of the group with this numeric id (umapi_group_id).
///
/// @param query     the query.
/// @param group_id  the id.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_group_id(
    query: *mut umapi_user_query,
    group_id: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { change(query, error, |q| Ok(q.set_group_id(group_id)?)) }
}

/// Lists only users of a domain.
///
/// @param query   the query.
/// @param domain  the domain; copied.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_domain(
    query: *mut umapi_user_query,
    domain: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { change(query, error, |q| Ok(q.set_domain(text("domain", domain)?)?)) }
}

/// Sets whether to leave out users that are members only through another group. The service's default is 1.
///
/// @param query  the query.
/// @param value  1 or 0.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_direct_only(
    query: *mut umapi_user_query,
    value: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(query, error, |q| {
            q.set_direct_only(flag("value", value)?);
            Ok(())
        })
    }
}

/// Members of a product profile whose access is active.
pub const UMAPI_MEMBER_ACTIVE: i32 = 1;
/// Members of a product profile whose access is not active.
pub const UMAPI_MEMBER_INACTIVE: i32 = 2;

numbers!(MemberStatus {
    Active = UMAPI_MEMBER_ACTIVE,
    Inactive = UMAPI_MEMBER_INACTIVE,
});

/// Lists, of a product profile, only members whose access is active, or only members whose access is not.
///
/// @param query   the query.
/// @param status  one of `UMAPI_MEMBER_*`.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_status(
    query: *mut umapi_user_query,
    status: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(query, error, |q| {
            q.set_status(one_of("status", status)?);
            Ok(())
        })
    }
}

/// Sets whether to leave each user's groups out of the answer, which makes it smaller.
///
/// @param query  the query.
/// @param value  1 or 0; the service's default is 0.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_set_exclude_groups(
    query: *mut umapi_user_query,
    value: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(query, error, |q| {
            q.set_exclude_groups(flag("value", value)?);
            Ok(())
        })
    }
}

/// Frees a query. Listings that were begun with it are not affected. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_query_free(query: *mut umapi_user_query) {
    unsafe { free(query) }
}
