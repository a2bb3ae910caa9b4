use super::error::umapi_error;
use super::handle::{Owned, free, handle, read};
use super::number::{Number, numbers};
use super::output::{c_text, item, optional_pointer, pointer, small};
use crate::Error;
use crate::SharedText;
use crate::{Finding, Outcome, OutcomeKind, Severity};
use std::ffi::{CString, c_char};
use std::ptr::null;
use std::sync::Arc;

/// The outcomes of actions. All that its accessors return is borrowed from it. It can be read and freed on any thread.
///
/// @since 0.1.0
pub struct umapi_results {
    outcomes: Vec<umapi_outcome>,
}

/// The outcome of one action. Borrowed from its results. Every accessor accepts NULL.
///
/// @since 0.1.0
pub struct umapi_outcome {
    kind: i32,
    tag: u64,
    target: SharedText,
    applied: usize,
    findings: Vec<umapi_finding>,
    /// Shared by consecutive outcomes that have the same cause.
    error: Option<Arc<umapi_error>>,
    test_mode: bool,
}

/// An error or warning of the service about one command. Borrowed from its outcome. Every accessor accepts NULL.
///
/// @since 0.1.0
pub struct umapi_finding {
    severity: i32,
    command: i32,
    command_json: Option<SharedText>,
    code: Option<CString>,
    message: Option<CString>,
    request_id: Option<CString>,
    user: Option<CString>,
}

handle!(umapi_results as "results");
impl Owned for umapi_results {}

handle!(umapi_outcome as "outcome");
handle!(umapi_finding as "finding");

/// Every command was applied or, in test mode, would have been applied.
pub const UMAPI_OUTCOME_SUCCEEDED: i32 = 1;
/// The service refused a command or the whole request, or the action could not be finished: see the findings and the
/// error. The commands before that one (umapi_outcome_applied) were applied.
pub const UMAPI_OUTCOME_FAILED: i32 = 2;
/// No command of the action was applied; see the error for the reason. It can be executed again.
pub const UMAPI_OUTCOME_NOT_SENT: i32 = 3;
/// The action was sent, but the answer was lost or contradicts itself: see the error. The action may or may not have
/// been applied, so check that before you repeat it.
pub const UMAPI_OUTCOME_UNKNOWN: i32 = 4;

numbers!(OutcomeKind {
    Succeeded = UMAPI_OUTCOME_SUCCEEDED,
    Failed = UMAPI_OUTCOME_FAILED,
    NotSent = UMAPI_OUTCOME_NOT_SENT,
    Unknown = UMAPI_OUTCOME_UNKNOWN,
});

/// The service refused the command.
pub const UMAPI_SEVERITY_ERROR: i32 = 1;
/// The service applied the command and adds a remark; or it refused the command when the library sent it again after a
/// lost answer, and its refusal ("already a member") shows that the command had been applied.
pub const UMAPI_SEVERITY_WARNING: i32 = 2;

numbers!(Severity {
    Error = UMAPI_SEVERITY_ERROR,
    Warning = UMAPI_SEVERITY_WARNING,
});

impl umapi_results {
    pub(super) fn new(outcomes: Vec<Outcome>) -> Self {
        let mut converted = Vec::with_capacity(outcomes.len());
        let mut newest = None;
        for outcome in &outcomes {
            let error = outcome
                .error
                .as_ref()
                .map(|core| shared_error(&mut newest, core));
            converted.push(umapi_outcome::new(outcome, error));
        }
        umapi_results {
            outcomes: converted,
        }
    }
}

/// The handle for an error: the newest handle if it has the same cause, as when one failure ends many actions.
fn shared_error(newest: &mut Option<(Error, Arc<umapi_error>)>, core: &Error) -> Arc<umapi_error> {
    match newest {
        Some((of, error)) if of.is_same(core) => error.clone(),
        _ => {
            let error = Arc::new(umapi_error::new(core));
            *newest = Some((core.clone(), error.clone()));
            error
        }
    }
}

impl umapi_outcome {
    fn new(outcome: &Outcome, error: Option<Arc<umapi_error>>) -> Self {
        umapi_outcome {
            kind: outcome.kind.number(),
            tag: outcome.tag,
            target: outcome.target.shared_name().clone(),
            applied: outcome.applied,
            findings: outcome.findings.iter().map(umapi_finding::new).collect(),
            error,
            test_mode: outcome.test_mode,
        }
    }
}

impl umapi_finding {
    fn new(finding: &Finding) -> Self {
        umapi_finding {
            severity: finding.severity.number(),
            command: finding.command.map_or(-1, small),
            command_json: finding.command_json.clone(),
            code: finding.code.as_deref().map(c_text),
            message: finding.message.as_deref().map(c_text),
            request_id: finding.request_id.as_deref().map(c_text),
            user: finding.user.as_deref().map(c_text),
        }
    }
}

/// The number of outcomes.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_results_length(results: *const umapi_results) -> usize {
    unsafe { read(results, 0, |r| r.outcomes.len()) }
}

/// The number of outcomes of a kind, which is one of `UMAPI_OUTCOME_*`.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_results_count(results: *const umapi_results, kind: i32) -> usize {
    unsafe {
        read(results, 0, |r| {
            r.outcomes.iter().filter(|o| o.kind == kind).count()
        })
    }
}

/// The outcome at an index. Borrowed from the results; NULL beyond the end.
///
/// @param results  the results.
/// @param index    from 0; after umapi_client_execute the index of the action in its array.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_results_get(
    results: *const umapi_results,
    index: usize,
) -> *const umapi_outcome {
    unsafe { read(results, null(), |r| item(&r.outcomes, index)) }
}

/// Frees results and everything borrowed from them. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_results_free(results: *mut umapi_results) {
    unsafe { free(results) }
}

/// The kind of the outcome: one of `UMAPI_OUTCOME_*`; 0 for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_kind(outcome: *const umapi_outcome) -> i32 {
    unsafe { read(outcome, 0, |o| o.kind) }
}

/// The number that the caller gave the action with umapi_action_set_tag; 0 if none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_tag(outcome: *const umapi_outcome) -> u64 {
    unsafe { read(outcome, 0, |o| o.tag) }
}

/// The user or group that the action changes, as the caller named it. Borrowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_target(outcome: *const umapi_outcome) -> *const c_char {
    unsafe { read(outcome, null(), |o| pointer(Some(o.target.as_text()))) }
}

/// The number of the action's commands, counted from the first, that are known to have been applied. A command that was
/// sent in parts and applied in part is not counted.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_applied(outcome: *const umapi_outcome) -> usize {
    unsafe { read(outcome, 0, |o| o.applied) }
}

/// 1 if the action was executed in test mode, so that nothing was changed; otherwise 0.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_is_test(outcome: *const umapi_outcome) -> i32 {
    unsafe { read(outcome, 0, |o| i32::from(o.test_mode)) }
}

/// The error of the request that contained the action, rather than of one of its commands. Borrowed; NULL if the
/// request did not fail.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_error(outcome: *const umapi_outcome) -> *const umapi_error {
    unsafe {
        read(outcome, null(), |o| {
            o.error.as_ref().map_or(null(), Arc::as_ptr)
        })
    }
}

/// The number of errors and warnings of the service about the action's commands.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_finding_count(outcome: *const umapi_outcome) -> usize {
    unsafe { read(outcome, 0, |o| o.findings.len()) }
}

/// The error or warning at an index. Borrowed; NULL beyond the end.
///
/// @param outcome  the outcome.
/// @param index    from 0.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_outcome_finding(
    outcome: *const umapi_outcome,
    index: usize,
) -> *const umapi_finding {
    unsafe { read(outcome, null(), |o| item(&o.findings, index)) }
}

/// `UMAPI_SEVERITY_ERROR` or `UMAPI_SEVERITY_WARNING`; 0 for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_severity(finding: *const umapi_finding) -> i32 {
    unsafe { read(finding, 0, |f| f.severity) }
}

/// The index of the action's command that the finding concerns, from 0, in the caller's order, however the action was
/// split;
/// -1 if the service did not say.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_command(finding: *const umapi_finding) -> i32 {
    unsafe { read(finding, -1, |f| f.command) }
}

/// The command that the finding concerns, as JSON. Borrowed; NULL if the service did not say which it is.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_command_json(
    finding: *const umapi_finding,
) -> *const c_char {
    unsafe {
        read(finding, null(), |f| {
            pointer(f.command_json.as_ref().map(SharedText::as_text))
        })
    }
}

/// The service's code, such as "error.user.nonexistent". Borrowed; NULL if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_code(finding: *const umapi_finding) -> *const c_char {
    unsafe { read(finding, null(), |f| optional_pointer(&f.code)) }
}

/// The service's message. Borrowed; NULL if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_message(finding: *const umapi_finding) -> *const c_char {
    unsafe { read(finding, null(), |f| optional_pointer(&f.message)) }
}

/// The action's request id (umapi_action_set_request_id) as the service repeats it. Borrowed; NULL if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_request_id(finding: *const umapi_finding) -> *const c_char {
    unsafe { read(finding, null(), |f| optional_pointer(&f.request_id)) }
}

/// The user, or for a group action the group, as the service names it. Borrowed; NULL if it sent none.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_finding_user(finding: *const umapi_finding) -> *const c_char {
    unsafe { read(finding, null(), |f| optional_pointer(&f.user)) }
}
