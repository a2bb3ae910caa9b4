use super::action::umapi_action;
use super::call::umapi_call;
use super::check::umapi_check;
use super::client_options::umapi_client_options;
use super::credentials::umapi_credentials;
use super::engine::Engine;
use super::error::umapi_error;
use super::fallible::fallible;
use super::group::umapi_groups;
use super::guard::Result;
use super::handle::{Handle, Owned, copied, free, handle, is_null, out, read, shared};
use super::input::{array, optional_text, path, text};
use super::listing::Listing;
use super::queue::umapi_queue;
use super::results::umapi_results;
use super::service::umapi_service;
use super::status::umapi_status;
use super::user::{umapi_user, umapi_users};
use super::user_query::umapi_user_query;
use crate::Action;
use crate::Client;
use crate::SyncSignal;
use std::ffi::c_char;

/// A client of one organisation at the service. Except for its credentials (umapi_client_set_credentials) it does not
/// change after it is made, and any number of threads may use it at the same time. In a child process after a fork
/// every call answers `UMAPI_STATUS_FORK`.
///
/// @since 0.1.0
pub struct umapi_client(Engine);

handle!(umapi_client as "client": Engine);
impl Owned for umapi_client {}

/// Makes a client. Nothing is sent before its first call.
///
/// @param org_id       the organisation's id, such as "12345ABCDE@AdobeOrg".
/// @param credentials  the credentials of the program; copied.
/// @param options      the options of the client; copied; NULL for the defaults.
/// @param client       receives the client; free with umapi_client_free.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_new(
    org_id: *const c_char,
    credentials: *const umapi_credentials,
    options: *const umapi_client_options,
    client: *mut *mut umapi_client,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let client = out(client)?;
            let org_id = text("org_id", org_id)?;
            let credentials = shared(credentials)?;
            let made = Client::new(org_id, credentials.clone(), copied(options))?;
            client.give(Engine::new(made));
            Ok(())
        })
    }
}

/// Makes a client from a configuration in a JSON file. Nothing is sent before its first call.
///
/// The file is an object with any of these keys:
///
/// - `org_id`, `client_id`, `client_secret`: the identity of the program and its organisation. Required.
/// - `private_key_path`, `private_key_passphrase`, `tech_acct_id`: with the first, the credentials are of the kind Service
///   Account (JWT, legacy), and `tech_acct_id` is required; without it they are OAuth Server-to-Server.
/// - `auth_host`, `auth_path`: as by umapi_credentials_set_auth_host and umapi_credentials_set_auth_path.
/// - the key of any client option; umapi_client_options_set lists them. Times and counts are numbers, flags are `true` or
///   `false`, all other values are texts. `proxy_user` and `proxy_password` stand beside `proxy`.
///
/// Or it is the project file that the Adobe Developer Console lets one download, which has all of it under `project`:
/// `org.ims_org_id`, and one of `workspace.details.credentials` with `oauth_server_to_server` or with `jwt`. The keys above
/// may stand beside `project`, and win over it. A private key is in no project file: for `jwt`, add `private_key_path`, or
/// set the variable. If the project has both kinds, it is OAuth, unless `private_key_path` stands beside `project` or
/// `client_id` is that of `jwt` alone; of several of one kind `client_id` names the one to be used.
///
/// Paths are relative to the file. What should not be in a file may be in the environment: `UMAPI_CLIENT_SECRET`,
/// `UMAPI_PRIVATE_KEY_PASSPHRASE` and `UMAPI_PROXY_PASSWORD` are looked at when the file has no such key, and
/// `UMAPI_PRIVATE_KEY_PATH` for a project with `jwt`.
///
/// @param path     the file; at most 1 MiB. Read now, as are the files that it names, and not again.
/// @param options  how the client behaves; copied; NULL for the defaults. What the file names wins over them.
/// @param client   receives the client; free with umapi_client_free.
/// @param error    receives the error; may be NULL. Its message begins with the file, or the variable, and the key: one
///                 that is unknown, missing, there twice or of no use, a path that cannot be read.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_new_from_file(
    path: *const c_char,
    options: *const umapi_client_options,
    client: *mut *mut umapi_client,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let client = out(client)?;
            let path = self::path("path", path)?;
            let made = Client::from_file(path, copied(options))?;
            client.give(Engine::new(made));
            Ok(())
        })
    }
}

/// Makes a client from a configuration in the environment. Nothing is sent before its first call.
///
/// Each key of umapi_client_new_from_file is a variable, in capital letters after `UMAPI_`, such as `UMAPI_ORG_ID`,
/// `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and `UMAPI_CONNECT_TIMEOUT_MS`. All values are texts, as for
/// umapi_client_options_set. A variable that is empty counts as not set. Paths are relative to the
/// working directory. No other thread may change the environment meanwhile.
///
/// @param options  how the client behaves; copied; NULL for the defaults. What the environment names wins over them.
/// @param client   receives the client; free with umapi_client_free.
/// @param error    receives the error; may be NULL. Its message begins with the variable.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_new_from_environment(
    options: *const umapi_client_options,
    client: *mut *mut umapi_client,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let client = out(client)?;
            let made = Client::from_environment(copied(options))?;
            client.give(Engine::new(made));
            Ok(())
        })
    }
}

/// Replaces the credentials of a client, for a secret or a key that changes while a job runs. May be called on any
/// thread, also while other threads use the client.
///
/// Every attempt that begins after this uses the new credentials, so the next one first requests a token. An attempt in
/// progress finishes with the token that it has; if it has to be repeated, the repeat uses the new credentials. A token
/// that arrives late for the old credentials is not used by any other attempt. Listings, queues and calls of several
/// requests use the new credentials from their next request on.
///
/// The client id may change too. Then `x-api-key` changes, and requests are counted against the rate limits of the new
/// client id (umapi_client_options_set_rate_limit). The organisation, the options and the counters stay the same.
///
/// @param client       the client.
/// @param credentials  the new credentials; copied. They are not verified here: the next request fails with
///                     `UMAPI_STATUS_AUTH` if they are wrong.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_set_credentials(
    client: *const umapi_client,
    credentials: *const umapi_credentials,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let client = shared(client)?.client()?;
            let credentials = shared(credentials)?;
            client.set_credentials(credentials.clone());
            Ok(())
        })
    }
}

/// Frees a client; never waits for the network. Calls in progress on other threads, listings and queues keep what they
/// need and continue; only no new call may be made with the pointer. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_free(client: *mut umapi_client) {
    unsafe { free(client) }
}

/// Looks up one user. If the service says that it does not know this user, the result is `UMAPI_OK` and `*user` is
/// NULL. A 404 that concerns the organisation, or that comes from a gateway or proxy, is an error.
///
/// @param client       the client.
/// @param call         the options of this call; may be NULL.
/// @param user_string  the user's email, or a username; compared without regard to letter case.
/// @param domain       for a username without `@`, the domain that it belongs to. With an email it may be NULL; it selects
///                     among accounts with the same email: "AdobeID" asks for the Adobe ID, and a domain, which may differ
///                     from the email's, for the Federated ID or Enterprise ID in it. Adobe recommends it for all users.
/// @param user         receives the user, or NULL; free with umapi_user_free.
/// @param error        receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_find_user(
    client: *const umapi_client,
    call: *const umapi_call,
    user_string: *const c_char,
    domain: *const c_char,
    user: *mut *mut umapi_user,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let user = out(user)?;
            let engine = shared(client)?.clone();
            let user_string = text("user_string", user_string)?.to_owned();
            let domain = optional_text("domain", domain)?.map(str::to_owned);
            let found = engine.run(copied(call), |client, options| async move {
                let domain = domain.as_deref();
                client.find_user(&user_string, domain, &options).await
            })??;
            if let Some(found) = found {
                user.give(found);
            }
            Ok(())
        })
    }
}

/// Begins a listing of users. Nothing is sent before the first user or page is read.
///
/// @param client  the client; the listing keeps what it needs of it.
/// @param query   which users to list; NULL for all.
/// @param users   receives the listing; free with umapi_users_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_users(
    client: *const umapi_client,
    query: *const umapi_user_query,
    users: *mut *mut umapi_users,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let users = out(users)?;
            let engine = shared(client)?.clone();
            let items = engine.client()?.users(copied(query)).into_items();
            users.give(Listing::new(engine, items));
            Ok(())
        })
    }
}

/// Begins a listing of all groups of every type: user groups, product profiles and admin groups. Nothing is sent before
/// the first group or page is read.
///
/// @param client  the client; the listing keeps what it needs of it.
/// @param groups  receives the listing; free with umapi_groups_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_groups(
    client: *const umapi_client,
    groups: *mut *mut umapi_groups,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let groups = out(groups)?;
            let engine = shared(client)?.clone();
            let items = engine.client()?.groups().into_items();
            groups.give(Listing::new(engine, items));
            Ok(())
        })
    }
}

/// Begins a listing of user groups from the service's deprecated endpoint, the only one that says whether a group is
/// read-only. Nothing is sent before the first group or page is read.
///
/// @param client  the client; the listing keeps what it needs of it.
/// @param groups  receives the listing; free with umapi_groups_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_user_groups(
    client: *const umapi_client,
    groups: *mut *mut umapi_groups,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let groups = out(groups)?;
            let engine = shared(client)?.clone();
            let items = engine.client()?.user_groups().into_items();
            groups.give(Listing::new(engine, items));
            Ok(())
        })
    }
}

/// Sends actions now, and returns the outcome of each. They are sent in as few requests as the service's limits allow.
/// Two actions on the same target, or on a group and a group that depends on it, keep their order. A request that fails
/// affects only its own actions; if two requests in a row cannot reach the host at all, the rest is not sent.
///
/// `UMAPI_OK` means that every action has its outcome in `*results`, also if some or all actions failed or the call was
/// cancelled while it ran: look at umapi_results_count. Any other status means that nothing was sent.
///
/// @param client   the client.
/// @param call     the options of this call; may be NULL.
/// @param actions  the actions; they are not changed, and can be executed again.
/// @param count    the number of actions.
/// @param results  receives the outcomes, in the order of the actions; free with umapi_results_free.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_execute(
    client: *const umapi_client,
    call: *const umapi_call,
    actions: *const *const umapi_action,
    count: usize,
    results: *mut *mut umapi_results,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let results = out(results)?;
            let engine = shared(client)?.clone();
            let actions = collect(actions, count)?;
            let outcomes = engine.run(copied(call), |client, options| async move {
                client.execute(&actions, &options).await
            })??;
            results.give(umapi_results::new(outcomes));
            Ok(())
        })
    }
}

/// Copies the actions. The copies share their content with the originals.
unsafe fn collect(actions: *const *const umapi_action, count: usize) -> Result<Vec<Action>> {
    // SAFETY: the header requires actions that have not been freed; NULL is refused.
    let copy = |(position, action): (usize, &*const umapi_action)| match unsafe { action.as_ref() }
    {
        Some(action) => Ok(action.core().clone()),
        None => Err(is_null(&format!("actions[{position}]")).into()),
    };
    let actions = unsafe { array("actions", actions, count) }?;
    actions.iter().enumerate().map(copy).collect()
}

/// Makes a queue, which sends its actions whenever there are enough for a full request.
///
/// @param client  the client; the queue keeps what it needs of it.
/// @param queue   receives the queue; free with umapi_queue_free.
/// @param error   receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_queue(
    client: *const umapi_client,
    queue: *mut *mut umapi_queue,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let queue = out(queue)?;
            let engine = shared(client)?.clone();
            let made = engine.client()?.queue();
            queue.give(umapi_queue::new(engine, made));
            Ok(())
        })
    }
}

/// Asks the service for its status.
///
/// @param client   the client.
/// @param call     the options of this call; may be NULL.
/// @param service  receives the answer; free with umapi_service_free.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_service(
    client: *const umapi_client,
    call: *const umapi_call,
    service: *mut *mut umapi_service,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let service = out(service)?;
            let engine = shared(client)?.clone();
            let status = engine.run(copied(call), |client, options| async move {
                client.service_status(&options).await
            })??;
            service.give(umapi_service::new(&status));
            Ok(())
        })
    }
}

/// Checks every step between the program and the service, and reports for each step how it went, how long it took and,
/// if it failed, what to do. Each step is tried once, and none changes anything. The steps are the configuration; then,
/// for the token host and for the service's host, the name, a connection, the proxy and TLS, as calls of this client
/// use them; a new token; and a call of the API that asks for a user who does not exist. It is meant for support staff;
/// the example program `umapi-check` shows its use.
///
/// `UMAPI_OK` means that there is a check, also if steps in it failed: call umapi_check_passed. If the time of the call
/// runs out, the step in progress fails with `UMAPI_STATUS_DEADLINE` and the steps that depend on it are skipped.
/// Without a time limit of the call, the time limits of the client's options apply to each step.
///
/// @param client  the client.
/// @param call    the options of this call; may be NULL.
/// @param check   receives the check; free with umapi_check_free.
/// @param error   receives the error, such as `UMAPI_STATUS_CANCELLED`; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_check(
    client: *const umapi_client,
    call: *const umapi_call,
    check: *mut *mut umapi_check,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let check = out(check)?;
            let engine = shared(client)?.clone();
            let report = engine.run(copied(call), |client, options| async move {
                client.check(&options).await
            })??;
            check.give(umapi_check::new(&report));
            Ok(())
        })
    }
}

fn signal(engine: &Engine, signal: SyncSignal) {
    if let Ok(client) = engine.client() {
        client.signal(signal);
    }
}

/// Tells the service, with the next request for users, groups or actions, that a sync begins (`Pragma:
/// umapi-sync-start`). A call that sends nothing does not use it up, nor does umapi_client_service. According to Adobe
/// it helps the service's load management. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_sync_start(client: *const umapi_client) {
    unsafe { read(client, (), |c| signal(c, SyncSignal::Start)) }
}

/// Tells the service, with the next such request, that a sync ends (`Pragma: umapi-sync-end`). If a start has not been
/// sent yet, the start goes with the next request and the end with the one after it. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_sync_end(client: *const umapi_client) {
    unsafe { read(client, (), |c| signal(c, SyncSignal::End)) }
}

/// The number of pages of listings that this client has requested.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_listing_queries(client: *const umapi_client) -> u64 {
    unsafe { read(client, 0, |c| c.counters().listing_queries()) }
}

/// The number of single users that this client has looked up.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_single_queries(client: *const umapi_client) -> u64 {
    unsafe { read(client, 0, |c| c.counters().single_queries()) }
}

/// The number of actions that this client has sent, in whole or in part.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_actions_sent(client: *const umapi_client) -> u64 {
    unsafe { read(client, 0, |c| c.counters().actions_sent()) }
}

/// The number of actions of this client that have succeeded.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_actions_completed(client: *const umapi_client) -> u64 {
    unsafe { read(client, 0, |c| c.counters().actions_completed()) }
}

/// The number of actions that wait in the queues of this client.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_actions_queued(client: *const umapi_client) -> u64 {
    unsafe { read(client, 0, |c| c.counters().actions_queued()) }
}
