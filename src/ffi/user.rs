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

/// A user as the service tells of one. Every accessor takes NULL and then answers as for an absent field. Read on any
/// thread. A `const umapi_user *` is borrowed; a `umapi_user *` is the caller's, to be freed with umapi_user_free.
///
/// @since 0.1.0
pub struct umapi_user(User);

handle!(umapi_user as "user": User);
impl Owned for umapi_user {}

/// An account of which this version does not know the type, or that has none.
pub const UMAPI_IDENTITY_UNKNOWN: i32 = 0;
/// An account that its owner made and owns.
pub const UMAPI_IDENTITY_ADOBE: i32 = 1;
/// An account that the organisation owns and Adobe authenticates.
pub const UMAPI_IDENTITY_ENTERPRISE: i32 = 2;
/// An account that the organisation owns and authenticates.
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

/// "active", "disabled", "locked", "removed", or what the service adds. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_status(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.status())) }
}

/// The username; often the email. Borrowed from the user; NULL if absent.
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

/// The identity type in the service's own spelling; umapi_user_identity reads it. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_type(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.identity())) }
}

/// The JSON object as the service sent it, with every field that this version does not know. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_json(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(Some(h.json()))) }
}

// What to read with umapi_user_text.
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

/// A text of the user with its length, for programs that copy or that must see a NUL inside.
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

/// How many `umapi_user_group` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.groups().len()) }
}

/// A group that the user is in, by name. Borrowed from the user; NULL beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.groups().nth(index))) }
}

/// How many `umapi_user_tag` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.tags().len()) }
}

/// A tag of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.tags().nth(index))) }
}

/// How many `umapi_user_admin_role` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_admin_role_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.admin_roles().len()) }
}

/// An admin role of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL beyond the last.
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

/// A user of one's own from a borrowed one, to keep beyond its page. It copies no text, but keeps the memory of the
/// page. NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_copy(user: *const umapi_user) -> *mut umapi_user {
    unsafe { copy(user) }
}

/// Frees a user that the caller owns (not one borrowed as `const umapi_user *`). NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_free(user: *mut umapi_user) {
    unsafe { free(user) }
}

/// A page of a listing of users. Owned by the caller; read on any thread, freed on any.
///
/// @since 0.1.0
pub struct umapi_user_page(Vec<umapi_user>);

handle!(umapi_user_page as "page": Vec<umapi_user>);
impl Owned for umapi_user_page {}

/// How many users are on the page. Never 0, save for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_length(page: *const umapi_user_page) -> usize {
    unsafe { read(page, 0, |users| users.len()) }
}

/// A user of the page. Borrowed from the page; NULL beyond its end.
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

/// Frees a page and with it everything borrowed from it. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_free(page: *mut umapi_user_page) {
    unsafe { free(page) }
}

/// A listing of users, read user by user or page by page. The next pages are fetched ahead, in order, also while no
/// call is under way. One call at a time: during a call, another one with the same listing answers
/// `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads as in a callback of the call. Only its figures can be read at any time.
///
/// @since 0.1.0
pub struct umapi_users(Listing<umapi_user>);

handle!(umapi_users as "users": Listing<umapi_user>);

impl Owned for umapi_users {
    fn release(&self) -> bool {
        self.0.release()
    }
}

/// The next user: `UMAPI_OK` with `*user` NULL at the end of the listing. After an error the same page is asked for
/// again; the users before it stand. A listing that is cut short is an error, never an end. A call whose cancel handle is
/// triggered answers `UMAPI_STATUS_CANCELLED`, also while users of a page that was read are left.
///
/// @param users  the listing.
/// @param call   the options of this call; may be NULL.
/// @param user   receives the user, borrowed until the next call with this listing; keep it longer with
///               umapi_user_copy.
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

/// The next page: `UMAPI_OK` with `*page` NULL at the end of the listing. Not to be mixed with umapi_users_next: what
/// that has left of its page is passed over.
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

/// Starts the listing over: the next user is the first again, as the service then has it. Never waits.
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

/// The service's count of all users of the listing, from its newest page; -1 if it gave none. It includes technical
/// accounts that the listing leaves out.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_total_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.total_count()) }
}

/// The service's count of the pages; -1 if it gave none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.page_count()) }
}

/// The service's number of the newest page, as it counts; -1 if it gave none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_current_page(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.current_page()) }
}

/// The service's size of a full page; -1 if it gave none. It is the service's choice, and changes.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_size(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.page_size()) }
}

/// Frees a listing and with it what was borrowed from it. During a call with it, on another thread or around this callback,
/// that call goes on to its end and frees it then. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_free(users: *mut umapi_users) {
    unsafe { free(users) }
}
