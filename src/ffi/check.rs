use super::error::umapi_error;
use super::fallible::fallible;
use super::handle::{Owned, free, handle, out, read, shared};
use super::number::{Number, numbers};
use super::output::{c_text, item, milliseconds, optional_pointer};
use super::status::umapi_status;
use crate::{Report, Step, StepKind, StepResult};
use std::ffi::{CString, c_char};
use std::ptr::{from_ref, null};

/// The options, the certificates to trust and the proxy from the environment.
pub const UMAPI_CHECK_CONFIGURATION: i32 = 1;
/// The lookup of the address of a host, or of the proxy before it.
pub const UMAPI_CHECK_NAME: i32 = 2;
/// A connection to that address.
pub const UMAPI_CHECK_CONNECT: i32 = 3;
/// The connection through the proxy, if there is one.
pub const UMAPI_CHECK_PROXY: i32 = 4;
/// The TLS handshake with the host, and an answer in HTTP.
pub const UMAPI_CHECK_TLS: i32 = 5;
/// An access token from the token host or the token callback.
pub const UMAPI_CHECK_TOKEN: i32 = 6;
/// A call of the API that only reads.
pub const UMAPI_CHECK_CALL: i32 = 7;

numbers!(StepKind {
    Configuration = UMAPI_CHECK_CONFIGURATION,
    Name = UMAPI_CHECK_NAME,
    Connect = UMAPI_CHECK_CONNECT,
    Proxy = UMAPI_CHECK_PROXY,
    Tls = UMAPI_CHECK_TLS,
    Token = UMAPI_CHECK_TOKEN,
    Call = UMAPI_CHECK_CALL,
});

/// The step succeeded.
pub const UMAPI_CHECK_PASSED: i32 = 1;
/// The step failed; see umapi_check_step_remedy.
pub const UMAPI_CHECK_FAILED: i32 = 2;
/// The step was not tried, because a step that it depends on failed.
pub const UMAPI_CHECK_SKIPPED: i32 = 3;

numbers!(StepResult {
    Passed = UMAPI_CHECK_PASSED,
    Failed = UMAPI_CHECK_FAILED,
    Skipped = UMAPI_CHECK_SKIPPED,
});

/// The result of a self-check (umapi_client_check): the steps in the order in which they were tried. The configuration
/// comes first; then name, connection, proxy and TLS of the token host, and a token; then the same of the service's
/// host, and a call. It never contains a secret. Every accessor accepts NULL. It can be read and freed on any thread.
///
/// @since 0.1.0
pub struct umapi_check {
    steps: Vec<umapi_check_step>,
    has_passed: bool,
    text: CString,
    json: CString,
}

/// One step of a self-check. Borrowed from the check, and valid until the check is freed.
///
/// @since 0.1.0
pub struct umapi_check_step {
    kind: i32,
    result: i32,
    ms: i64,
    host: Option<CString>,
    message: CString,
    remedy: Option<CString>,
    error: Option<umapi_error>,
}

handle!(umapi_check as "check");
impl Owned for umapi_check {}

handle!(umapi_check_step as "step");

impl umapi_check {
    pub(super) fn new(report: &Report) -> Self {
        umapi_check {
            steps: report.steps().iter().map(umapi_check_step::new).collect(),
            has_passed: report.has_passed(),
            text: c_text(&report.text()),
            json: c_text(&report.json()),
        }
    }
}

impl umapi_check_step {
    fn new(step: &Step) -> Self {
        umapi_check_step {
            kind: step.kind.number(),
            result: step.result.number(),
            ms: milliseconds(step.took),
            host: step.host.as_deref().map(c_text),
            message: c_text(&step.message),
            remedy: step.remedy.as_deref().map(c_text),
            error: step.error.as_ref().map(umapi_error::new),
        }
    }
}

/// Makes a check whose only step, the configuration, has failed. It is for a program that cannot make its client and
/// still shows the same kind of report.
///
/// @param why    the error by which making the client, its options or its credentials failed; copied.
/// @param check  receives the check; free with umapi_check_free.
/// @param error  receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_new_misconfigured(
    why: *const umapi_error,
    check: *mut *mut umapi_check,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        fallible(error, || {
            let check = out(check)?;
            let why = shared(why)?.to_core();
            check.give(umapi_check::new(&Report::misconfigured(why)));
            Ok(())
        })
    }
}

/// 1 if every step passed; otherwise 0, also for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_passed(check: *const umapi_check) -> i32 {
    unsafe { read(check, 0, |c| i32::from(c.has_passed)) }
}

/// How many steps there are; 0 for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_count(check: *const umapi_check) -> usize {
    unsafe { read(check, 0, |c| c.steps.len()) }
}

/// The step at a position, counted from 0. Borrowed from the check; NULL beyond the last step.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_get(
    check: *const umapi_check,
    position: usize,
) -> *const umapi_check_step {
    unsafe { read(check, null(), |c| item(&c.steps, position)) }
}

/// The whole check for people: a line for each step, followed by what to do about it. Borrowed from the check; NULL for
/// NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_text(check: *const umapi_check) -> *const c_char {
    unsafe { read(check, null(), |c| c.text.as_ptr()) }
}

/// The whole check for programs, as one JSON object: `passed` (true or false), `version` (of this library) and `steps`,
/// an array of objects with `step` ("configuration", "name", "connect", "proxy", "tls", "token" or "call"), `host`
/// ("host:port", or null), `result` ("passed", "failed" or "skipped"), `ms`, `message` and `remedy` (or null). Borrowed
/// from the check; NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_json(check: *const umapi_check) -> *const c_char {
    unsafe { read(check, null(), |c| c.json.as_ptr()) }
}

/// The kind of the step: one of `UMAPI_CHECK_CONFIGURATION` to `UMAPI_CHECK_CALL`; later versions may add kinds. 0 for
/// NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_kind(step: *const umapi_check_step) -> i32 {
    unsafe { read(step, 0, |s| s.kind) }
}

/// The result of the step: `UMAPI_CHECK_PASSED`, `UMAPI_CHECK_FAILED` or `UMAPI_CHECK_SKIPPED`; 0 for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_result(step: *const umapi_check_step) -> i32 {
    unsafe { read(step, 0, |s| s.result) }
}

/// The host and port that the step concerns, such as "usermanagement.adobe.io:443". Borrowed from the check; NULL for
/// the configuration and for a token from a token callback.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_host(step: *const umapi_check_step) -> *const c_char {
    unsafe { read(step, null(), |s| optional_pointer(&s.host)) }
}

/// The duration of the step in milliseconds; 0 for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_ms(step: *const umapi_check_step) -> i64 {
    unsafe { read(step, 0, |s| s.ms) }
}

/// The finding of the step, in one sentence. Borrowed from the check; NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_message(step: *const umapi_check_step) -> *const c_char {
    unsafe { read(step, null(), |s| s.message.as_ptr()) }
}

/// What to do. Every failed step has a remedy. A passed step has one if it works but should be configured differently,
/// as when certificates are not verified. Borrowed from the check; NULL if there is nothing to do.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_remedy(step: *const umapi_check_step) -> *const c_char {
    unsafe { read(step, null(), |s| optional_pointer(&s.remedy)) }
}

/// The error of a failed step, as a call of a program would get it. Borrowed from the check; NULL if the step did not
/// fail.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_step_error(
    step: *const umapi_check_step,
) -> *const umapi_error {
    unsafe { read(step, null(), |s| s.error.as_ref().map_or(null(), from_ref)) }
}

/// Frees a check and its steps. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_check_free(check: *mut umapi_check) {
    unsafe { free(check) }
}
