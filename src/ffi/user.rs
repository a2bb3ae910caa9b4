use super::call::umapi_call;
use super::engine::Engine;
use super::error::umapi_error;
use super::fallible::fallible;
use super::guard::infallible;
use super::handle::{boxed, free, out, out_borrowed, read};
use super::listing::{Listing, PageHandle, Reading};
use super::occupancy::{self, Occupancy, Occupied, occupy};
use super::status::umapi_status;
use super::text::{pointer, tristate};
use crate::UserPages;
use crate::model::user::UserRow;
use crate::{IdentityType, User, UserPage};
use std::ffi::c_char;
use std::ptr::{from_ref, null, null_mut};

/// A user as the service tells of one. Every accessor takes NULL and then answers as for an absent field. Read on any
/// thread. A `const umapi_user *` is borrowed; a `umapi_user *` is the caller's, to be freed with umapi_user_free.
///
/// @since 0.1.0
pub struct umapi_user(pub(super) User);

/// An account of which this version does not know the type, or that has none.
pub const UMAPI_IDENTITY_UNKNOWN: i32 = 0;
/// An account that its owner made and owns.
pub const UMAPI_IDENTITY_ADOBE: i32 = 1;
/// An account that the organisation owns and Adobe authenticates.
pub const UMAPI_IDENTITY_ENTERPRISE: i32 = 2;
/// An account that the organisation owns and authenticates.
pub const UMAPI_IDENTITY_FEDERATED: i32 = 3;

pub(super) const IDENTITIES: [(i32, IdentityType); 3] = [
    (UMAPI_IDENTITY_ADOBE, IdentityType::AdobeId),
    (UMAPI_IDENTITY_ENTERPRISE, IdentityType::EnterpriseId),
    (UMAPI_IDENTITY_FEDERATED, IdentityType::FederatedId),
];

/// The type of the user's account: one of `UMAPI_IDENTITY_*`.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_identity(user: *const umapi_user) -> i32 {
    unsafe {
        read(user, UMAPI_IDENTITY_UNKNOWN, |u| {
            let identity = u.0.identity_type();
            IDENTITIES
                .iter()
                .find(|(_, known)| Some(*known) == identity)
                .map_or(UMAPI_IDENTITY_UNKNOWN, |(number, _)| *number)
        })
    }
}

/// The service's own id of the user. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_id(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.id())) }
}

/// The email address. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_email(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.email())) }
}

/// "active", "disabled", "locked", "removed", or what the service adds. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_status(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.status())) }
}

/// The username; often the email. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_username(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.username())) }
}

/// The domain that the user belongs to. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_domain(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.domain())) }
}

/// The first name. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_firstname(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.first_name())) }
}

/// The last name. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_lastname(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.last_name())) }
}

/// The country, ISO 3166-1 alpha-2. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_country(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.country())) }
}

/// The identity type in the service's own spelling; umapi_user_identity reads it. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_type(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(h.0.identity())) }
}

/// The JSON object as the service sent it, with every field that this version does not know. Borrowed from the user; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_json(user: *const umapi_user) -> *const c_char {
    unsafe { read(user, null(), |h| pointer(Some(h.0.json()))) }
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
        let text = infallible(None, || {
            let h = user.as_ref()?;
            match field {
                UMAPI_USER_ID => h.0.id(),
                UMAPI_USER_EMAIL => h.0.email(),
                UMAPI_USER_STATUS => h.0.status(),
                UMAPI_USER_USERNAME => h.0.username(),
                UMAPI_USER_DOMAIN => h.0.domain(),
                UMAPI_USER_FIRSTNAME => h.0.first_name(),
                UMAPI_USER_LASTNAME => h.0.last_name(),
                UMAPI_USER_COUNTRY => h.0.country(),
                UMAPI_USER_TYPE => h.0.identity(),
                UMAPI_USER_JSON => Some(h.0.json()),
                _ => None,
            }
        });
        if let Some(length) = length.as_mut() {
            *length = text.map_or(0, |text| text.as_str().len());
        }
        pointer(text)
    }
}

/// How many `umapi_user_group` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.0.groups().len()) }
}

/// A group that the user is in, by name. Borrowed from the user; NULL beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_group(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.0.groups().nth(index))) }
}

/// How many `umapi_user_tag` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.0.tags().len()) }
}

/// A tag of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL beyond the last.
///
/// @param user   the user.
/// @param index  from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_tag(user: *const umapi_user, index: usize) -> *const c_char {
    unsafe { read(user, null(), |u| pointer(u.0.tags().nth(index))) }
}

/// How many `umapi_user_admin_role` there are.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_admin_role_count(user: *const umapi_user) -> usize {
    unsafe { read(user, 0, |u| u.0.admin_roles().len()) }
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
    unsafe { read(user, null(), |u| pointer(u.0.admin_roles().nth(index))) }
}

/// The service's `orgSpecific`: 1 or 0; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_org_specific(user: *const umapi_user) -> i32 {
    unsafe { read(user, -1, |u| tristate(u.0.org_specific())) }
}

/// The service's `businessAccount`: 1 or 0; -1 if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_business_account(user: *const umapi_user) -> i32 {
    unsafe { read(user, -1, |u| tristate(u.0.business_account())) }
}

/// A user of one's own from a borrowed one, to keep beyond its page. It copies no text, but keeps the memory of the
/// page. NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_copy(user: *const umapi_user) -> *mut umapi_user {
    unsafe { read(user, null_mut(), |u| boxed(umapi_user(u.0.clone()))) }
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
pub struct umapi_user_page {
    users: Vec<umapi_user>,
}

impl PageHandle for umapi_user_page {
    type Row = UserRow;
    type Item = umapi_user;

    fn new(page: UserPage) -> Self {
        umapi_user_page {
            users: page.users().map(umapi_user).collect(),
        }
    }

    fn items(&self) -> &[umapi_user] {
        &self.users
    }
}

/// How many users are on the page. Never 0, save for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_user_page_length(page: *const umapi_user_page) -> usize {
    unsafe { read(page, 0, |p| p.users.len()) }
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
    unsafe {
        read(page, null(), |p| {
            p.users.get(index).map_or(null(), from_ref)
        })
    }
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
pub struct umapi_users(Listing<umapi_user_page>);

impl umapi_users {
    pub(super) fn new(engine: Engine, pages: UserPages) -> Self {
        umapi_users(Listing::new(engine, pages))
    }
}

impl Occupied for umapi_users {
    type Value = Reading<umapi_user_page>;

    fn occupancy(&self) -> &Occupancy<Self::Value> {
        self.0.reading()
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
    unsafe {
        fallible(error, || {
            let user = out_borrowed("user", user)?;
            let mut reading = occupy("users", users)?;
            if let Some(next) = reading.next(call)? {
                user.lend(next);
            }
            Ok(())
        })
    }
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
    unsafe {
        fallible(error, || {
            let page = out("page", page)?;
            let mut reading = occupy("users", users)?;
            if let Some(fetched) = reading.next_page(call)? {
                page.give(fetched);
            }
            Ok(())
        })
    }
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
    unsafe { fallible(error, || occupy("users", users)?.reload()) }
}

/// The service's count of all users of the listing, from its newest page; -1 if it gave none. It includes technical
/// accounts that the listing leaves out.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_total_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.0.total_count()) }
}

/// The service's count of the pages; -1 if it gave none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_count(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.0.page_count()) }
}

/// The service's number of the newest page, as it counts; -1 if it gave none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_current_page(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.0.current_page()) }
}

/// The service's size of a full page; -1 if it gave none. It is the service's choice, and changes.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_page_size(users: *const umapi_users) -> i64 {
    unsafe { read(users, -1, |l| l.0.page_size()) }
}

/// Frees a listing and with it what was borrowed from it. During a call with it, on another thread or around this callback,
/// that call goes on to its end and frees it then. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_users_free(users: *mut umapi_users) {
    unsafe { occupancy::free(users) }
}
