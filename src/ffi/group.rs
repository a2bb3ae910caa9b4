use super::call::umapi_call;
use super::error::umapi_error;
use super::handle::{Owned, copy, free, handle, read};
use super::listing::{self, Listing};
use super::output::{figure, item, pointer, tristate};
use super::status::umapi_status;
use crate::Group;
use std::ffi::c_char;
use std::ptr::null;

/// A group, as the service describes it: a user group, a product profile or an admin group. Every accessor accepts NULL
/// and then answers as for an absent field. It can be read on any thread. A `const umapi_group *` is borrowed; the
/// caller owns a `umapi_group *`, and frees it with umapi_group_free.
///
/// @since 0.1.0
pub struct umapi_group(Group);

handle!(umapi_group as "group": Group);
impl Owned for umapi_group {}

/// The numeric id, which works in queries also for a group whose name has a dot; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_id(group: *const umapi_group) -> i64 {
    unsafe { read(group, -1, |g| g.id().unwrap_or(-1)) }
}

/// The number of members; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_member_count(group: *const umapi_group) -> i64 {
    unsafe { read(group, -1, |g| figure(g.member_count())) }
}

/// Whether the group is managed elsewhere, such as by directory sync: 1 or 0; -1 if absent. Only the listing of
/// umapi_client_user_groups contains this.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_is_read_only(group: *const umapi_group) -> i32 {
    unsafe { read(group, -1, |g| tristate(g.is_read_only())) }
}

/// The name. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_name(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.name())) }
}

/// The type: "USER_GROUP", "PRODUCT_PROFILE", "SYSADMIN_GROUP" and so on; the service may add types. Borrowed from the
/// group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_type(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.kind())) }
}

/// The name of the group whose members administer this group. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_admin_group_name(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.admin_group_name())) }
}

/// The product to which a profile gives access. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_product_name(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.product_name())) }
}

/// The number of licences, or "UNLIMITED", as the service writes it. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_license_quota(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.license_quota())) }
}

/// The user group that an admin group administers. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_user_group_name(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.user_group_name())) }
}

/// The product profile that a developer or admin group belongs to. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_product_profile_name(
    group: *const umapi_group,
) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.product_profile_name())) }
}

/// The profile that an admin group administers. Borrowed from the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_profile_group_name(
    group: *const umapi_group,
) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(h.profile_group_name())) }
}

/// The JSON object as the service sent it, including fields that this version does not know. Borrowed from
/// the group; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_json(group: *const umapi_group) -> *const c_char {
    unsafe { read(group, null(), |h| pointer(Some(h.json()))) }
}

// The fields that umapi_group_text reads.
/// See umapi_group_name.
pub const UMAPI_GROUP_NAME: i32 = 1;
/// See umapi_group_type.
pub const UMAPI_GROUP_TYPE: i32 = 2;
/// See umapi_group_admin_group_name.
pub const UMAPI_GROUP_ADMIN_GROUP_NAME: i32 = 3;
/// See umapi_group_product_name.
pub const UMAPI_GROUP_PRODUCT_NAME: i32 = 4;
/// See umapi_group_license_quota.
pub const UMAPI_GROUP_LICENSE_QUOTA: i32 = 5;
/// See umapi_group_user_group_name.
pub const UMAPI_GROUP_USER_GROUP_NAME: i32 = 6;
/// See umapi_group_product_profile_name.
pub const UMAPI_GROUP_PRODUCT_PROFILE_NAME: i32 = 7;
/// See umapi_group_profile_group_name.
pub const UMAPI_GROUP_PROFILE_GROUP_NAME: i32 = 8;
/// See umapi_group_json.
pub const UMAPI_GROUP_JSON: i32 = 9;

/// A text of the group with its length, for programs that copy it or that have to handle a NUL inside.
///
/// @param group    the group.
/// @param field   one of `UMAPI_GROUP_*`.
/// @param length  receives the length in bytes, without the NUL at the end; 0 if absent; may be NULL.
/// @return the text, borrowed from the group; NULL if absent or for an unknown field.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_text(
    group: *const umapi_group,
    field: i32,
    length: *mut usize,
) -> *const c_char {
    unsafe {
        listing::text(group, length, |h| match field {
            UMAPI_GROUP_NAME => h.name(),
            UMAPI_GROUP_TYPE => h.kind(),
            UMAPI_GROUP_ADMIN_GROUP_NAME => h.admin_group_name(),
            UMAPI_GROUP_PRODUCT_NAME => h.product_name(),
            UMAPI_GROUP_LICENSE_QUOTA => h.license_quota(),
            UMAPI_GROUP_USER_GROUP_NAME => h.user_group_name(),
            UMAPI_GROUP_PRODUCT_PROFILE_NAME => h.product_profile_name(),
            UMAPI_GROUP_PROFILE_GROUP_NAME => h.profile_group_name(),
            UMAPI_GROUP_JSON => Some(h.json()),
            _ => None,
        })
    }
}

/// Makes an owned group from a borrowed one, which stays valid after its page is freed. It copies no text, but keeps
/// the memory of the page. NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_copy(group: *const umapi_group) -> *mut umapi_group {
    unsafe { copy(group) }
}

/// Frees a group that the caller owns (not one borrowed as `const umapi_group *`). NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_free(group: *mut umapi_group) {
    unsafe { free(group) }
}

/// A page of a listing of groups. The caller owns it. It can be read and freed on any thread.
///
/// @since 0.1.0
pub struct umapi_group_page(Vec<umapi_group>);

handle!(umapi_group_page as "page": Vec<umapi_group>);
impl Owned for umapi_group_page {}

/// The number of groups on the page. 0 only for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_page_length(page: *const umapi_group_page) -> usize {
    unsafe { read(page, 0, |groups| groups.len()) }
}

/// The group at an index of the page. Borrowed from the page; NULL beyond its end.
///
/// @param page   the page.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_page_get(
    page: *const umapi_group_page,
    index: usize,
) -> *const umapi_group {
    unsafe { read(page, null(), |groups| item(groups, index)) }
}

/// Frees a page and everything borrowed from it. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_group_page_free(page: *mut umapi_group_page) {
    unsafe { free(page) }
}

/// A listing of groups, read group by group or page by page. The next pages are fetched ahead, in order, also while no
/// call is in progress. Only one call at a time may use it: during a call, another call with the same listing answers
/// `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call. Only its figures can be read at any
/// time.
///
/// @since 0.1.0
pub struct umapi_groups(Listing<umapi_group>);

handle!(umapi_groups as "groups": Listing<umapi_group>);

impl Owned for umapi_groups {
    fn release(&self) -> bool {
        self.0.release()
    }
}

/// The next group: `UMAPI_OK` with `*group` NULL at the end of the listing. After an error the next call asks for the
/// same page again; the groups before it remain valid. A listing that is cut short is an error and never looks like the
/// end. A call whose cancel handle is triggered answers `UMAPI_STATUS_CANCELLED`, even if there are groups left of a
/// page that was read.
///
/// @param groups  the listing.
/// @param call   the options of this call; may be NULL.
/// @param group   receives the group, borrowed until the next call with this listing; umapi_group_copy makes one
///               that stays valid.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_next(
    groups: *mut umapi_groups,
    call: *const umapi_call,
    group: *mut *const umapi_group,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::next(groups, call, group, error) }
}

/// The next page: `UMAPI_OK` with `*page` NULL at the end of the listing. It skips the groups that
/// umapi_groups_next has left of its page.
///
/// @param groups  the listing.
/// @param call   the options of this call; may be NULL.
/// @param page   receives the page; free with umapi_group_page_free.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_next_page(
    groups: *mut umapi_groups,
    call: *const umapi_call,
    page: *mut *mut umapi_group_page,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::next_page(groups, call, page, error) }
}

/// Starts the listing over: the next call reads the first page again, as the service then has it. Never waits.
///
/// @param groups  the listing.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_reload(
    groups: *mut umapi_groups,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::reload(groups, error) }
}

/// The service's count of all groups of the listing, from its newest page; -1 if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_total_count(groups: *const umapi_groups) -> i64 {
    unsafe { read(groups, -1, |l| l.total_count()) }
}

/// The service's count of the pages; -1 if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_page_count(groups: *const umapi_groups) -> i64 {
    unsafe { read(groups, -1, |l| l.page_count()) }
}

/// The number of the newest page, as the service counts; -1 if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_current_page(groups: *const umapi_groups) -> i64 {
    unsafe { read(groups, -1, |l| l.current_page()) }
}

/// The number of items on a full page; -1 if the service sent none. The service chooses it, and may change it.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_page_size(groups: *const umapi_groups) -> i64 {
    unsafe { read(groups, -1, |l| l.page_size()) }
}

/// Frees a listing and everything borrowed from it. During a call with it, on another thread or around the callback
/// that frees it, that call continues, and frees the listing when it ends. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_groups_free(groups: *mut umapi_groups) {
    unsafe { free(groups) }
}
