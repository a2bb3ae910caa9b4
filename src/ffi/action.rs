use super::error::umapi_error;
use super::fallible::fallible;
use super::guard::infallible;
use super::handle::{Owned, change, free, handle, out, read};
use super::input::{flag, one_of, optional_text, sized_text, text, texts};
use super::number::numbers;
use super::output::pointer;
use super::status::umapi_status;
use crate::{Action, Command, NewUser, OnConflict, UserUpdate};
use std::ffi::c_char;
use std::ptr::null;

/// What to do to one user or one user group: a target and its commands, in order. Built once, executed any number of
/// times. One thread at a time while it is built; read by any number of threads after that. A command that is refused
/// leaves the action as it was.
///
/// @since 0.1.0
pub struct umapi_action(Action);

handle!(umapi_action as "action": Action);
impl Owned for umapi_action {}

/// Leave an existing user or group as it is, and go on.
pub const UMAPI_ON_CONFLICT_IGNORE: i32 = 1;
/// Overwrite what may be overwritten of an existing user or group, and go on.
pub const UMAPI_ON_CONFLICT_UPDATE: i32 = 2;
/// Fail if the user or group exists. Such a create is never sent twice: if its answer is lost it ends as unknown.
pub const UMAPI_ON_CONFLICT_ERROR: i32 = 3;

numbers!(OnConflict {
    Ignore = UMAPI_ON_CONFLICT_IGNORE,
    Update = UMAPI_ON_CONFLICT_UPDATE,
    Error = UMAPI_ON_CONFLICT_ERROR,
});

/// Begins an action on a user.
///
/// @param user    the user's email or username. To create a user whose username differs from the email, give the
///                username here and the email to umapi_action_create_user.
/// @param domain  the domain, for a username without `@`, which needs it; otherwise NULL.
/// @param action  receives the action; free with umapi_action_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_new_user(
    user: *const c_char,
    domain: *const c_char,
    action: *mut *mut umapi_action,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let action = out(action)?;
            let user = text("user", user)?;
            let domain = optional_text("domain", domain)?;
            action.give(Action::on_user(user, domain)?);
            Ok(())
        })
    }
}

/// Begins an action on a user group.
///
/// @param name    the group's name.
/// @param action  receives the action; free with umapi_action_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_new_group(
    name: *const c_char,
    action: *mut *mut umapi_action,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let action = out(action)?;
            let name = text("name", name)?;
            action.give(Action::on_group(name)?);
            Ok(())
        })
    }
}

/// Frees an action. Queues and calls that were given it keep what they need. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_free(action: *mut umapi_action) {
    unsafe { free(action) }
}

/// Sets a number that the action's outcome will bear, to know it by.
///
/// @param action  the action; NULL is fine.
/// @param tag     any number; a pointer cast to it works.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_set_tag(action: *mut umapi_action, tag: u64) {
    infallible((), || {
        if let Some(action) = unsafe { action.as_mut() } {
            action.0.set_tag(tag);
        }
    })
}

/// Sets the `requestID` that the service repeats in its errors about the action.
///
/// @param action      the action.
/// @param request_id  1 to 255 characters; copied.
/// @param error       receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_set_request_id(
    action: *mut umapi_action,
    request_id: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.set_request_id(text("request_id", request_id)?)?;
            Ok(())
        })
    }
}

/// Means the Adobe ID, where an Adobe ID and another account share one email. Creating an Adobe ID sets it.
///
/// @param action  an action on a user.
/// @param value   1 or 0; the default is 0.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_set_use_adobe_id(
    action: *mut umapi_action,
    value: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.set_use_adobe_id(flag("value", value)?)?;
            Ok(())
        })
    }
}

/// Creates the user. The command goes before those that are there already, since the service wants it first; an action
/// can have one.
///
/// @param action       an action on a user.
/// @param identity     which kind of account: `UMAPI_IDENTITY_ADOBE`, `_ENTERPRISE` or `_FEDERATED`.
/// @param email        the email.
/// @param firstname    the first name, up to 250 characters; NULL to leave it out.
/// @param lastname     the last name, up to 250 characters; NULL to leave it out.
/// @param country      ISO 3166-1 alpha-2; needed for a federated account, and can never be changed; otherwise NULL to
///                     leave it out.
/// @param on_conflict  what to do if the user exists: one of `UMAPI_ON_CONFLICT_*`.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_create_user(
    action: *mut umapi_action,
    identity: i32,
    email: *const c_char,
    firstname: *const c_char,
    lastname: *const c_char,
    country: *const c_char,
    on_conflict: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.create(NewUser {
                identity: one_of("identity", identity)?,
                email: text("email", email)?,
                first_name: optional_text("firstname", firstname)?,
                last_name: optional_text("lastname", lastname)?,
                country: optional_text("country", country)?,
                on_conflict: one_of("on_conflict", on_conflict)?,
            })?;
            Ok(())
        })
    }
}

/// Changes attributes of the user. Not for Adobe IDs, whose attributes belong to their owner; the service cannot change
/// only the letter case of an email. A change of email or username is never sent twice: if its answer is lost it ends
/// as unknown.
///
/// @param action     an action on a user.
/// @param email      the new email; NULL leaves it.
/// @param username   the new username; NULL leaves it.
/// @param firstname  the new first name; NULL leaves it.
/// @param lastname   the new last name; NULL leaves it.
/// @param error      receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_update_user(
    action: *mut umapi_action,
    email: *const c_char,
    username: *const c_char,
    firstname: *const c_char,
    lastname: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.update(UserUpdate {
                email: optional_text("email", email)?,
                username: optional_text("username", username)?,
                first_name: optional_text("firstname", firstname)?,
                last_name: optional_text("lastname", lastname)?,
            })?;
            Ok(())
        })
    }
}

/// Adds the user to groups: user groups, product profiles and admin groups, by name. Any number; the library keeps the
/// service's limit on a list.
///
/// @param action  an action on a user.
/// @param groups  the names; copied.
/// @param count   how many; at least 1.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_add_to_groups(
    action: *mut umapi_action,
    groups: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.add_to_groups(&texts("groups", groups, count)?)?;
            Ok(())
        })
    }
}

/// Takes the user out of groups, by name. Any number.
///
/// @param action  an action on a user.
/// @param groups  the names; copied.
/// @param count   how many; at least 1.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_remove_from_groups(
    action: *mut umapi_action,
    groups: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.remove_from_groups(&texts("groups", groups, count)?)?;
            Ok(())
        })
    }
}

/// Takes the user out of every group.
///
/// @param action  an action on a user.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_remove_from_all_groups(
    action: *mut umapi_action,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.remove_from_all_groups()?;
            Ok(())
        })
    }
}

/// Takes the user out of the organisation. Nothing can follow it.
///
/// @param action          an action on a user.
/// @param delete_account  1 to end the account as well, which only an organisation that owns the account's domain can
///                        do; otherwise 0.
/// @param error           receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_remove_from_org(
    action: *mut umapi_action,
    delete_account: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.remove_from_org(flag("delete_account", delete_account)?)?;
            Ok(())
        })
    }
}

/// Creates the user group. The command goes before those that are there already; an action can have one. The name must
/// not begin with `_`, as those of the service's own groups do.
///
/// @param action       an action on a user group.
/// @param description  a description; NULL to leave it out.
/// @param on_conflict  what to do if the group exists: one of `UMAPI_ON_CONFLICT_*`.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_create_group(
    action: *mut umapi_action,
    description: *const c_char,
    on_conflict: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            let description = optional_text("description", description)?;
            a.create_group(description, one_of("on_conflict", on_conflict)?)?;
            Ok(())
        })
    }
}

/// Renames the user group or gives it another description.
///
/// @param action       an action on a user group.
/// @param new_name     the new name; NULL leaves it. A rename is never sent twice: if its answer is lost it ends as
///                     unknown.
/// @param description  the new description; NULL leaves it.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_update_group(
    action: *mut umapi_action,
    new_name: *const c_char,
    description: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            let new_name = optional_text("new_name", new_name)?;
            a.update_group(new_name, optional_text("description", description)?)?;
            Ok(())
        })
    }
}

/// Deletes the user group. Nothing can follow it, and it is never sent twice: if its answer is lost it ends as unknown.
///
/// @param action  an action on a user group.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_delete_group(
    action: *mut umapi_action,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.delete_group()?;
            Ok(())
        })
    }
}

/// Adds users to the user group: ten times as many memberships in one request as from the users' side. Only for user
/// groups that are not read-only.
///
/// @param action  an action on a user group.
/// @param emails  the users' emails; copied.
/// @param count   how many; at least 1.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_add_users(
    action: *mut umapi_action,
    emails: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.add_users(&texts("emails", emails, count)?)?;
            Ok(())
        })
    }
}

/// Takes users out of the user group.
///
/// @param action  an action on a user group.
/// @param emails  the users' emails; copied.
/// @param count   how many; at least 1.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_remove_users(
    action: *mut umapi_action,
    emails: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.remove_users(&texts("emails", emails, count)?)?;
            Ok(())
        })
    }
}

/// Gives the members of the user group product profiles.
///
/// @param action    an action on a user group.
/// @param profiles  the profiles' names; copied.
/// @param count     how many; at least 1.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_add_products(
    action: *mut umapi_action,
    profiles: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.add_products(&texts("profiles", profiles, count)?)?;
            Ok(())
        })
    }
}

/// Takes product profiles from the members of the user group.
///
/// @param action    an action on a user group.
/// @param profiles  the profiles' names; copied.
/// @param count     how many; at least 1.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_remove_products(
    action: *mut umapi_action,
    profiles: *const *const c_char,
    count: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.remove_products(&texts("profiles", profiles, count)?)?;
            Ok(())
        })
    }
}

/// Appends a command as JSON, for what the service has learnt since this version: an object with one key, the command's
/// name. A command that holds a name, field or word that this version does not know is never sent twice. A create goes
/// first and there is one at most, removeFromOrg and deleteUserGroup go last, and no key stands twice in one object.
///
/// @param action  the action.
/// @param json    the command, such as `{"add": {"group": ["Design"]}}`; copied.
/// @param length  its length in bytes.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_append_json(
    action: *mut umapi_action,
    json: *const c_char,
    length: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.append_json(sized_text("json", json, length)?)?;
            Ok(())
        })
    }
}

/// Puts a command as JSON before the one at `index`, by the same rules as umapi_action_append_json.
///
/// @param action  the action.
/// @param index   from 0 to the number of commands.
/// @param json    the command; copied.
/// @param length  its length in bytes.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_insert_json(
    action: *mut umapi_action,
    index: usize,
    json: *const c_char,
    length: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(action, error, |a| {
            a.insert_json(index, sized_text("json", json, length)?)?;
            Ok(())
        })
    }
}

/// How many commands the action has.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_command_count(action: *const umapi_action) -> usize {
    unsafe { read(action, 0, |a| a.commands().len()) }
}

/// A command as JSON, as the service will get it (a long list goes out in parts). Borrowed until the action is changed
/// or freed; NULL beyond the end.
///
/// @param action  the action.
/// @param index   from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_action_command_json(
    action: *const umapi_action,
    index: usize,
) -> *const c_char {
    unsafe {
        read(action, null(), |a| {
            pointer(a.commands().get(index).map(Command::json))
        })
    }
}
