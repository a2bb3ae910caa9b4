//! The library through its C functions, as a C program uses it, for schedules that run through either API.
//!
//! The types free what they own. Nothing here depends on the library's internals.

#![allow(unsafe_code, reason = "these are the C functions")]

use super::Sandbox;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;
use umapi::ffi::action::*;
use umapi::ffi::call::*;
use umapi::ffi::cancel::*;
use umapi::ffi::client::*;
use umapi::ffi::client_options::*;
use umapi::ffi::credentials::*;
use umapi::ffi::error::*;
use umapi::ffi::group::*;
use umapi::ffi::progress::*;
use umapi::ffi::queue::*;
use umapi::ffi::results::*;
use umapi::ffi::status::*;
use umapi::ffi::user::*;
use umapi::ffi::user_query::*;
use umapi::{Action, BatchLimits, Target};

/// A failed call.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: umapi_status,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Failure>;

fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL in it")
}

unsafe fn owned(text: *const c_char) -> Option<String> {
    let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })?;
    Some(text.to_string_lossy().into_owned())
}

/// Calls a function, and converts its status and error.
fn call(function: impl FnOnce(*mut *mut umapi_error) -> umapi_status) -> Result<()> {
    let mut error = null_mut();
    let status = function(&mut error);
    if status == UMAPI_OK {
        return Ok(());
    }
    let message = unsafe { owned(umapi_error_message(error)) }.unwrap_or_default();
    unsafe { umapi_error_free(error) };
    Err(Failure { status, message })
}

/// Calls a function that cannot fail with these arguments.
fn must(function: impl FnOnce(*mut *mut umapi_error) -> umapi_status) {
    call(function).expect("the arguments are good");
}

/// The options of a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    pub attempt_timeout_ms: i64,
    pub max_attempts: i32,
    pub max_wait_ms: i64,
    pub batch: Option<BatchLimits>,
    pub read_ahead: Option<u32>,
    /// The rate limit of every endpoint: requests, and the window in milliseconds.
    pub rate_limit: Option<(u32, i64)>,
}

pub struct Client(*mut umapi_client);

// SAFETY: the header allows a client on any number of threads.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub fn new(sandbox: &Sandbox, settings: &Settings) -> Self {
        Client::try_new(sandbox, settings).expect("the options are good")
    }

    fn try_new(sandbox: &Sandbox, settings: &Settings) -> Result<Self> {
        let mut credentials = null_mut();
        let (id, secret) = (
            c(sandbox.info("client_id")),
            c(sandbox.info("client_secret")),
        );
        let host = c(sandbox.info("auth_url"));
        let options = options(sandbox, settings);
        let mut client = null_mut();
        let org = c(sandbox.info("org_id"));
        let made = unsafe {
            call(|e| umapi_credentials_new_oauth(id.as_ptr(), secret.as_ptr(), &mut credentials, e))
                .and_then(|()| {
                    call(|e| umapi_credentials_set_auth_host(credentials, host.as_ptr(), e))
                })
                .and_then(|()| {
                    call(|e| umapi_client_new(org.as_ptr(), credentials, options, &mut client, e))
                })
        };
        unsafe {
            umapi_credentials_free(credentials);
            umapi_client_options_free(options);
        }
        made.map(|()| Client(client))
    }

    pub fn execute(&self, actions: &[&Action], options: &Call) -> Result<Vec<ReportedOutcome>> {
        let actions: Vec<_> = actions.iter().map(|action| Built::new(action)).collect();
        let pointers: Vec<_> = actions.iter().map(|built| built.0.cast_const()).collect();
        let mut results = null_mut();
        call(|e| unsafe {
            umapi_client_execute(
                self.0,
                options.0,
                pointers.as_ptr(),
                pointers.len(),
                &mut results,
                e,
            )
        })?;
        Ok(take(results))
    }

    pub fn queue(&self) -> Queue {
        let mut queue = null_mut();
        must(|e| unsafe { umapi_client_queue(self.0, &mut queue, e) });
        Queue(queue)
    }

    pub fn users(&self, group: Option<&str>) -> Pages {
        let query = umapi_user_query_new();
        if let Some(group) = group.map(c) {
            must(|e| unsafe { umapi_user_query_set_group(query, group.as_ptr(), e) });
        }
        let mut users = null_mut();
        must(|e| unsafe { umapi_client_users(self.0, query, &mut users, e) });
        unsafe { umapi_user_query_free(query) };
        Pages::Users(users)
    }

    pub fn groups(&self) -> Pages {
        let mut groups = null_mut();
        must(|e| unsafe { umapi_client_groups(self.0, &mut groups, e) });
        Pages::Groups(groups)
    }

    pub fn user_groups(&self) -> Pages {
        let mut groups = null_mut();
        must(|e| unsafe { umapi_client_user_groups(self.0, &mut groups, e) });
        Pages::Groups(groups)
    }

    pub fn find_user(&self, email: &str) -> Result<()> {
        let email = c(email);
        let options = umapi_call_new();
        must(|e| unsafe { umapi_call_set_timeout_ms(options, 1000, e) });
        let found = find(self.0, options, &email);
        unsafe { umapi_call_free(options) };
        found
    }

    pub fn counters(&self) -> (u64, u64, u64) {
        unsafe {
            (
                umapi_client_actions_completed(self.0),
                umapi_client_actions_sent(self.0),
                umapi_client_actions_queued(self.0),
            )
        }
    }
}

fn find(client: *const umapi_client, options: *const umapi_call, email: &CStr) -> Result<()> {
    let mut user = null_mut();
    let found = call(|e| unsafe {
        umapi_client_find_user(client, options, email.as_ptr(), null(), &mut user, e)
    });
    unsafe { umapi_user_free(user) };
    found
}

impl Drop for Client {
    fn drop(&mut self) {
        unsafe { umapi_client_free(self.0) }
    }
}

fn options(sandbox: &Sandbox, settings: &Settings) -> *mut umapi_client_options {
    let options = umapi_client_options_new();
    let endpoint = c(sandbox.info("endpoint"));
    must(|e| unsafe { umapi_client_options_set_endpoint(options, endpoint.as_ptr(), e) });
    if !sandbox.info("ca_file").is_empty() {
        let ca = std::fs::read(sandbox.info("ca_file")).expect("the sandbox's CA is there");
        let pem = ca.as_ptr().cast();
        must(|e| unsafe { umapi_client_options_add_ca_pem(options, pem, ca.len(), e) });
    }
    let attempt_timeout = settings.attempt_timeout_ms;
    must(|e| unsafe { umapi_client_options_set_attempt_timeout_ms(options, attempt_timeout, e) });
    let (attempts, wait) = (settings.max_attempts, settings.max_wait_ms);
    must(|e| unsafe { umapi_client_options_set_retry(options, attempts, 1, wait, e) });
    let (requests, window_ms) = settings.rate_limit.unwrap_or((0, 60_000));
    for endpoint in UMAPI_ENDPOINT_USERS..=UMAPI_ENDPOINT_ACTION {
        must(|e| unsafe {
            umapi_client_options_set_rate_limit(options, endpoint, requests as i32, window_ms, e)
        });
    }
    if let Some(batch) = settings.batch {
        must(|e| unsafe {
            umapi_client_options_set_batch_limits(
                options,
                batch.entries_per_request as i32,
                batch.steps_per_entry as i32,
                batch.names_per_step as i32,
                e,
            )
        });
    }
    if let Some(pages) = settings.read_ahead {
        must(|e| unsafe { umapi_client_options_set_read_ahead(options, pages as i32, e) });
    }
    options
}

/// An action of the C API, built from the commands of one of the Rust API.
struct Built(*mut umapi_action);

impl Built {
    fn new(planned: &Action) -> Self {
        let name = c(planned.target().name());
        let mut action = null_mut();
        match planned.target() {
            Target::User { .. } => {
                must(|e| unsafe { umapi_action_new_user(name.as_ptr(), null(), &mut action, e) })
            }
            Target::UserGroup(_) => {
                must(|e| unsafe { umapi_action_new_group(name.as_ptr(), &mut action, e) })
            }
        }
        unsafe { umapi_action_set_tag(action, planned.tag()) };
        let id = c(&format!("a{}", planned.tag()));
        must(|e| unsafe { umapi_action_set_request_id(action, id.as_ptr(), e) });
        for command in planned.commands() {
            let json = command.json().as_str();
            let (text, length) = (json.as_ptr().cast(), json.len());
            must(|e| unsafe { umapi_action_append_json(action, text, length, e) });
        }
        Built(action)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        unsafe { umapi_action_free(self.0) }
    }
}

pub struct Queue(*mut umapi_queue);

impl Queue {
    pub fn add(&mut self, action: &Action, options: &Call) -> Result<()> {
        let action = Built::new(action);
        call(|e| unsafe { umapi_queue_add(self.0, options.0, action.0, e) })
    }

    pub fn flush(&mut self, options: &Call) -> Result<()> {
        call(|e| unsafe { umapi_queue_flush(self.0, options.0, e) })
    }

    pub fn take(&mut self) -> Vec<ReportedOutcome> {
        let mut results = null_mut();
        must(|e| unsafe { umapi_queue_take_results(self.0, &mut results, e) });
        take(results)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        unsafe { umapi_queue_free(self.0) }
    }
}

/// The outcome of one action, as the C API reports it.
#[derive(Clone, Debug)]
pub struct ReportedOutcome {
    pub kind: i32,
    pub tag: u64,
    pub applied: usize,
    pub findings: Vec<ReportedFinding>,
    pub error: Option<Failure>,
}

#[derive(Clone, Debug)]
pub struct ReportedFinding {
    pub is_error: bool,
    pub command: Option<usize>,
    pub code: Option<String>,
}

fn take(results: *mut umapi_results) -> Vec<ReportedOutcome> {
    let length = unsafe { umapi_results_length(results) };
    let outcomes = (0..length).map(|index| unsafe { reported(umapi_results_get(results, index)) });
    let outcomes = outcomes.collect();
    unsafe { umapi_results_free(results) };
    outcomes
}

unsafe fn reported(outcome: *const umapi_outcome) -> ReportedOutcome {
    unsafe {
        let error = umapi_outcome_error(outcome);
        let findings = (0..umapi_outcome_finding_count(outcome))
            .map(|index| umapi_outcome_finding(outcome, index))
            .map(|finding| ReportedFinding {
                is_error: umapi_finding_severity(finding) == UMAPI_SEVERITY_ERROR,
                command: usize::try_from(umapi_finding_command(finding)).ok(),
                code: owned(umapi_finding_code(finding)),
            });
        ReportedOutcome {
            kind: umapi_outcome_kind(outcome),
            tag: umapi_outcome_tag(outcome),
            applied: umapi_outcome_applied(outcome),
            findings: findings.collect(),
            error: (!error.is_null()).then(|| Failure {
                status: umapi_error_status(error),
                message: owned(umapi_error_message(error)).unwrap_or_default(),
            }),
        }
    }
}

/// A listing of users or groups.
pub enum Pages {
    Users(*mut umapi_users),
    Groups(*mut umapi_groups),
}

impl Pages {
    /// The names of the next page's items.
    pub fn next_page(&mut self, options: &Call) -> Result<Option<Vec<String>>> {
        match self {
            Pages::Users(users) => {
                let mut page = null_mut();
                call(|e| unsafe { umapi_users_next_page(*users, options.0, &mut page, e) })?;
                if page.is_null() {
                    return Ok(None);
                }
                let name = |index| unsafe {
                    owned(umapi_user_email(umapi_user_page_get(page, index))).unwrap_or_default()
                };
                let names = (0..unsafe { umapi_user_page_length(page) }).map(name);
                let names = names.collect();
                unsafe { umapi_user_page_free(page) };
                Ok(Some(names))
            }
            Pages::Groups(groups) => {
                let mut page = null_mut();
                call(|e| unsafe { umapi_groups_next_page(*groups, options.0, &mut page, e) })?;
                if page.is_null() {
                    return Ok(None);
                }
                let name = |index| unsafe {
                    owned(umapi_group_name(umapi_group_page_get(page, index))).unwrap_or_default()
                };
                let names = (0..unsafe { umapi_group_page_length(page) }).map(name);
                let names = names.collect();
                unsafe { umapi_group_page_free(page) };
                Ok(Some(names))
            }
        }
    }

    /// The name of the next item.
    pub fn next_item(&mut self, options: &Call) -> Result<Option<Vec<String>>> {
        let name = match self {
            Pages::Users(users) => {
                let mut user = null();
                call(|e| unsafe { umapi_users_next(*users, options.0, &mut user, e) })?;
                (!user.is_null()).then(|| unsafe { owned(umapi_user_email(user)) })
            }
            Pages::Groups(groups) => {
                let mut group = null();
                call(|e| unsafe { umapi_groups_next(*groups, options.0, &mut group, e) })?;
                (!group.is_null()).then(|| unsafe { owned(umapi_group_name(group)) })
            }
        };
        Ok(name.map(|name| vec![name.unwrap_or_default()]))
    }

    pub fn reload(&mut self) {
        match self {
            Pages::Users(users) => must(|e| unsafe { umapi_users_reload(*users, e) }),
            Pages::Groups(groups) => must(|e| unsafe { umapi_groups_reload(*groups, e) }),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        match self {
            Pages::Users(users) => unsafe { umapi_users_free(*users) },
            Pages::Groups(groups) => unsafe { umapi_groups_free(*groups) },
        }
    }
}

pub struct Cancel(*mut umapi_cancel);

// SAFETY: the header allows a cancel handle on any thread.
unsafe impl Send for Cancel {}
// SAFETY: as above.
unsafe impl Sync for Cancel {}

impl Cancel {
    pub fn new() -> Self {
        Cancel(umapi_cancel_new())
    }

    pub fn trigger(&self) {
        unsafe { umapi_cancel_trigger(self.0) }
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        unsafe { umapi_cancel_free(self.0) }
    }
}

/// A progress callback that blocks in its first calls. It also calls the library, which must refuse the call.
pub struct Blocking {
    pause: Duration,
    pauses: AtomicU32,
    client: AtomicPtr<umapi_client>,
    answered: AtomicI32,
}

impl Blocking {
    pub fn new(client: &Client, pause: Duration, pauses: u32) -> Arc<Self> {
        Arc::new(Blocking {
            pause,
            pauses: AtomicU32::new(pauses),
            client: AtomicPtr::new(client.0),
            answered: AtomicI32::new(UMAPI_STATUS_INVALID_ARGUMENT),
        })
    }

    /// An error if a call from within the callback had any result but the refusal.
    pub fn check(&self) -> std::result::Result<(), String> {
        match self.answered.load(Ordering::Relaxed) {
            UMAPI_STATUS_INVALID_ARGUMENT => Ok(()),
            other => Err(format!("a call from a callback was answered with {other}")),
        }
    }

    fn run(&self) {
        let left = |pauses: u32| pauses.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.pauses.fetch_update(order, order, left).is_err() {
            return;
        }
        let answer = find(self.client.load(order), null(), c"a@example.com");
        let status = answer.map_or_else(|failure| failure.status, |()| UMAPI_OK);
        if status != UMAPI_STATUS_INVALID_ARGUMENT {
            self.answered.store(status, order);
        }
        std::thread::sleep(self.pause);
    }
}

unsafe extern "C" fn block(_: *const umapi_progress, user_data: *mut c_void) {
    // SAFETY: the pointer is from `Call::new`, and valid until `release`.
    unsafe { &*user_data.cast_const().cast::<Blocking>() }.run();
}

unsafe extern "C" fn release(user_data: *mut c_void) {
    // SAFETY: the pointer is from `Call::new`, and is released once.
    drop(unsafe { Arc::from_raw(user_data.cast_const().cast::<Blocking>()) });
}

pub struct Call(*mut umapi_call);

// SAFETY: a call is only read after its construction, which the header allows on any thread.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

impl Call {
    pub fn new(
        deadline: Option<Duration>,
        cancel: Option<&Cancel>,
        blocking: Option<&Arc<Blocking>>,
    ) -> Self {
        let call = umapi_call_new();
        if let Some(deadline) = deadline {
            let ms = deadline.as_millis() as i64;
            must(|e| unsafe { umapi_call_set_timeout_ms(call, ms, e) });
        }
        if let Some(cancel) = cancel {
            must(|e| unsafe { umapi_call_set_cancel(call, cancel.0, e) });
        }
        if let Some(blocking) = blocking {
            let data = Arc::into_raw(blocking.clone()).cast_mut().cast();
            must(|e| unsafe { umapi_call_set_progress(call, Some(block), data, Some(release), e) });
        }
        Call(call)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        unsafe { umapi_call_free(self.0) }
    }
}

const CHILD_SUCCEEDED: i32 = 0;

/// Forks while other threads use the client. In the child, calls with the old client are refused, the old client can be
/// freed, and a new client works.
pub fn fork(sandbox: &Sandbox, client: &Client) -> std::result::Result<(), String> {
    // SAFETY: the child calls the library and the sandbox, and ends without unwinding or cleaning up.
    match unsafe { libc::fork() } {
        -1 => Err("the process cannot fork".into()),
        0 => {
            let work = std::panic::AssertUnwindSafe(|| in_the_child(sandbox, client));
            let code = std::panic::catch_unwind(work).unwrap_or(104);
            unsafe { libc::_exit(code) }
        }
        child => wait_for(child),
    }
}

fn in_the_child(sandbox: &Sandbox, old: &Client) -> i32 {
    let refused = |answer: Result<()>| answer.is_err_and(|f| f.status == UMAPI_STATUS_FORK);
    if !refused(old.find_user("person000002@example.com")) {
        return 101;
    }
    let mut pages = null_mut();
    if !refused(call(|e| unsafe {
        umapi_client_groups(old.0, &mut pages, e)
    })) {
        return 102;
    }
    unsafe { umapi_client_free(old.0) };
    let settings = Settings {
        attempt_timeout_ms: 300,
        max_attempts: 1,
        max_wait_ms: 1,
        ..Settings::default()
    };
    let Ok(new) = Client::try_new(sandbox, &settings) else {
        return 103;
    };
    let mut last = 0;
    // Faults strike the child too, but a rule does not strike every request.
    for _ in 0..100 {
        match new.find_user("person000002@example.com") {
            Ok(()) => return CHILD_SUCCEEDED,
            // The service asked for a pause of an hour.
            Err(failure) if failure.status == UMAPI_STATUS_THROTTLED => return CHILD_SUCCEEDED,
            Err(failure) => last = failure.status,
        }
    }
    last
}

/// Waits for the child, for at most 30 seconds.
fn wait_for(child: libc::pid_t) -> std::result::Result<(), String> {
    let mut status = 0;
    for _ in 0..6000 {
        match unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } {
            0 => std::thread::sleep(Duration::from_millis(5)),
            _ if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == CHILD_SUCCEEDED => {
                return Ok(());
            }
            _ => {
                return Err(format!(
                    "the forked child ended with wait status {status:#x}"
                ));
            }
        }
    }
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, &mut status, 0);
    }
    Err("the forked child hung".into())
}
