use super::call::umapi_call;
use super::error::umapi_error;
use super::handle::{Owned, copy, free, handle, read};
use super::listing::{self, Listing};
use super::number::{Number, numbers};
use super::output::{item, pointer, tristate};
use super::status::umapi_status;
use crate::{IdentityType, User};
use std::ffi::c_char;
use std::ptr::null;

/// A user, as the service describes it. Every accessor accepts NULL and then answers as for an absent field. It can be
/// read on any thread. A `const umapi_user *` is borrowed; the caller owns a `umapi_user *`, and frees it with
/// umapi_user_free.
///
/// @since 0.1.0
pub struct umapi_user(User);

handle!(umapi_user as "user": User);
impl Owned for umapi_user {}

/// An account without a type, or of a type that this version does not know.
pub const UMAPI_IDENTITY_UNKNOWN: i32 = 0;
/// An Adobe ID: an account that the person has made and owns.
pub const UMAPI_IDENTITY_ADOBE: i32 = 1;
/// An Enterprise ID: an account that the organisation owns and Adobe authenticates.
pub const UMAPI_IDENTITY_ENTERPRISE: i32 = 2;
/// A Federated ID: an account that the organisation owns and authenticates.
pub const UMAPI_IDENTITY_FEDERATED: i32 = 3;

numbers!(IdentityType {
    AdobeId = UMAPI_IDENTITY_ADOBE,
    EnterpriseId = UMAPI_IDENTITY_ENTERPRISE,
    FederatedId = UMAPI_IDENTITY_FEDERATED,
});

/// The type of the user's account: one of `UMAPI_IDENTITY_*`.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_identity(user: *const umapi_user) -> i32 {
    unsafe {
        read(user, UMAPI_IDENTITY_UNKNOWN, |u| {
            u.identity_type()
                .map_or(UMAPI_IDENTITY_UNKNOWN, Number::number)
        })
    }
}

/// The service's own id of the user. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_id(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.id())) }
}

/// The email address. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_email(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.email())) }
}

/// The status of the account: "active", "disabled", "locked", "removed", or a value that the service adds later.
/// Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_status(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.status())) }
}

/// The username, which is often the email. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_username(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.username())) }
}

/// The domain that the user belongs to. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_domain(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.domain())) }
}

/// The first name. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_firstname(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.first_name())) }
}

/// The last name. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_lastname(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.last_name())) }
}

/// The country, ISO 3166-1 alpha-2. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_country(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.country())) }
}

/// The identity type in the service's own spelling; see also umapi_user_identity. Borrowed from the user; NULL if
/// absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_type(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.identity())) }
}

/// The JSON object as the service sent it, including fields that this version does not know. Borrowed from
/// the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_json(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(Some(h.json()))) }
}

// The fields that umapi_user_text reads.
/// See umapi_user_id.
pub const UMAPI_USER_ID: i32 = 1;
/// See umapi_user_email.
pub const UMAPI_USER_EMAIL: i32 = 2;
/// See umapi_user_status.
pub const UMAPI_USER_STATUS: i32 = 3;
/// See umapi_user_username.
pub const UMAPI_USER_USERNAME: i32 = 4;
/// See umapi_user_domain.
pub const UMAPI_USER_DOMAIN: i32 = 5;
/// See umapi_user_firstname.
pub const UMAPI_USER_FIRSTNAME: i32 = 6;
/// See umapi_user_lastname.
pub const UMAPI_USER_LASTNAME: i32 = 7;
/// See umapi_user_country.
pub const UMAPI_USER_COUNTRY: i32 = 8;
/// See umapi_user_type.
pub const UMAPI_USER_TYPE: i32 = 9;
/// See umapi_user_json.
pub const UMAPI_USER_JSON: i32 = 10;

/// A text of the user with its length, for programs that copy it or that have to handle a NUL inside.
///
/// @param user    the user.
/// @param field   one of `UMAPI_USER_*`.
/// @param length  receives the length in bytes, without the NUL at the end; 0 if absent; may be NULL.
/// @return the text, borrowed from the user; NULL if absent or for an unknown field.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_text(
    user: *const umapi_user,
    field: i32,
    length: *mut usize,
) -> *const c_char {
    unsafe {
        listing::text(user, length, |h| match field {
            UMAPI_USER_ID => h.id(),
            UMAPI_USER_EMAIL => h.email(),
            UMAPI_USER_STATUS => h.status(),
            UMAPI_USER_USERNAME => h.username(),
            UMAPI_USER_DOMAIN => h.domain(),
            UMAPI_USER_FIRSTNAME => h.first_name(),
            UMAPI_USER_LASTNAME => h.last_name(),
            UMAPI_USER_COUNTRY => h.country(),
            UMAPI_USER_TYPE => h.identity(),
            UMAPI_USER_JSON => Some(h.json()),
            _ => None,
        })
    }
}

/// The number of groups that umapi_user_group reads.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.groups().len()) }
}

/// The name of a group that the user is in. Borrowed from the user; NULL beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.groups().nth(index))) }
}

/// The number of tags that umapi_user_tag reads.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.tags().len()) }
}

/// A tag of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL beyond
/// the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.tags().nth(index))) }
}

/// The number of roles that umapi_user_admin_role reads.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_admin_role_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.admin_roles().len()) }
}

/// An admin role of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL
/// beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_admin_role(
    user: *const umapi_user,
    index: usize,
) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.admin_roles().nth(index))) }
}

/// The service's `orgSpecific`: 1 or 0; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_org_specific(user: *const umapi_user) -> i32 {
    unsafe { read(user, -1, |u| tristate(u.org_specific())) }
}

/// The service's `businessAccount`: 1 or 0; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_business_account(user: *const umapi_user) -> i32 {
    unsafe { read(user, -1, |u| tristate(u.business_account())) }
}

/// Makes an owned user from a borrowed one, which stays valid after its page is freed. It copies no text, but keeps the
/// memory of the page. NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_copy(user: *const umapi_user) -> *mut umapi_user {
    unsafe { copy(user) }
}

/// Frees a user that the caller owns (not one borrowed as `const umapi_user *`). NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_free(user: *mut umapi_user) {
    unsafe { free(user) }
}

/// A page of a listing of users. The caller owns it. It can be read and freed on any thread.
///
/// @since 0.1.0
pub struct umapi_user_page(Vec<umapi_user>);

handle!(umapi_user_page as "page": Vec<umapi_user>);
impl Owned for umapi_user_page {}

/// The number of users on the page. 0 only for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_length(page: *const umapi_user_page) -> usize {
    unsafe { read(page, 0, |users| users.len()) }
}

/// The user at an index of the page. Borrowed from the page; NULL beyond its end.
///
/// @param page   the page.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_get(
    page: *const umapi_user_page,
    index: usize,
) -> *const umapi_user {
    unsafe { read(page, null(), |users| item(users, index)) }
}

/// Frees a page and everything borrowed from it. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_free(page: *mut umapi_user_page) {
    unsafe { free(page) }
}

/// A listing of users, read user by user or page by page. The next pages are fetched ahead, in order, also while no call
/// is in progress. Only one call at a time may use it: during a call, another call with the same listing answers
/// `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call. Only its figures can be read at any
/// time.
///
/// @since 0.1.0
pub struct umapi_users(Listing<umapi_user>);

handle!(umapi_users as "users": Listing<umapi_user>);

impl Owned for umapi_users {
    fn release(&self) -> bool {
        self.0.release()
    }
}

/// The next user: `UMAPI_OK` with `*user` NULL at the end of the listing. After an error the next call asks for the
/// same page again; the users before it remain valid. A listing that is cut short is an error and never looks like the
/// end. A call whose cancel handle is triggered answers `UMAPI_STATUS_CANCELLED`, even if there are users left of a
/// page that was read.
///
/// @param users  the listing.
/// @param call   the options of this call; may be NULL.
/// @param user   receives the user, borrowed until the next call with this listing; umapi_user_copy makes one
///               that stays valid.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_next(
    users: *mut umapi_users,
    call: *const umapi_call,
    user: *mut *const umapi_user,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::next(users, call, user, error) }
}

/// The next page: `UMAPI_OK` with `*page` NULL at the end of the listing. It skips the users that
/// umapi_users_next has left of its page.
///
/// @param users  the listing.
/// @param call   the options of this call; may be NULL.
/// @param page   receives the page; free with umapi_user_page_free.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_next_page(
    users: *mut umapi_users,
    call: *const umapi_call,
    page: *mut *mut umapi_user_page,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::next_page(users, call, page, error) }
}

/// Starts the listing over: the next call reads the first page again, as the service then has it. Never waits.
///
/// @param users  the listing.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_reload(
    users: *mut umapi_users,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe { listing::reload(users, error) }
}

/// The service's count of all users of the listing, from its newest page; -1 if it sent none. It includes technical
/// accounts, which the listing leaves out.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_total_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.total_count()) }
}

/// The service's count of the pages; -1 if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.page_count()) }
}

/// The number of the newest page, as the service counts; -1 if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_current_page(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.current_page()) }
}

/// The number of items on a full page; -1 if the service sent none. The service chooses it, and may change it.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_size(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.page_size()) }
}

/// Frees a listing and everything borrowed from it. During a call with it, on another thread or around the callback
/// that frees it, that call continues, and frees the listing when it ends. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_free(users: *mut umapi_users) {
    unsafe { free(users) }
}
