//! The comparison of what the library reported with what the sandbox really applied.

use crate::plan::{Planned, Step};
use crate::run::{LedgerLine, Report, Request};
use crate::support::c_api::ReportedOutcome;
use std::collections::BTreeMap;
use umapi::ffi::results::*;
use umapi::ffi::status::{UMAPI_STATUS_THROTTLED, UMAPI_STATUS_TIMEOUT};

type CheckResult = Result<(), String>;

fn expect(good: bool, message: impl FnOnce() -> String) -> CheckResult {
    if good { Ok(()) } else { Err(message()) }
}

pub fn kind_name(kind: i32) -> &'static str {
    match kind {
        UMAPI_OUTCOME_SUCCEEDED => "succeeded",
        UMAPI_OUTCOME_FAILED => "failed",
        UMAPI_OUTCOME_NOT_SENT => "not sent",
        UMAPI_OUTCOME_UNKNOWN => "unknown",
        _ => "undocumented",
    }
}

/// The service's codes for a membership that already is as requested: of one name, and of a whole list.
const ALREADY: [&str; 2] = [
    "error.user.already_exists",
    "error.usergroup.user_list.invalid",
];

/// Whether the only reason for the refusal is a membership that already is as requested.
fn is_already_so(line: &LedgerLine) -> bool {
    let is_such_code = |code: &String| ALREADY.contains(&code.as_str());
    !line.codes.is_empty() && line.codes.iter().all(is_such_code)
}

/// Whether this is the only reason, and applies to all names of the step.
fn is_entirely_so(line: &LedgerLine) -> bool {
    let covers_the_list = line.codes.iter().any(|code| code == ALREADY[1]);
    is_already_so(line) && (covers_the_list || line.codes.len() >= names(&line.command))
}

/// The number of names in the lists of a command.
fn names(command: &serde_json::Value) -> usize {
    let lists = command.as_object().and_then(|c| c.values().next());
    let lists = lists.and_then(|lists| lists.as_object()).into_iter();
    lists
        .flat_map(|lists| lists.values())
        .filter_map(|list| list.as_array().map(Vec::len))
        .sum()
}

pub fn verify(report: &Report) -> CheckResult {
    report.other_checks.clone()?;
    let mut succeeded = 0;
    for (number, planned) in report.plan.actions.iter().enumerate() {
        let outcomes = report
            .outcomes
            .get(&(number as u64))
            .map_or(&[][..], Vec::as_slice);
        let [outcome] = outcomes else {
            return Err(format!("action {number} has {} outcomes", outcomes.len()));
        };
        let history = ActionHistory::new(report, number, planned)
            .map_err(|message| format!("action {number}: {message}\n{outcome:#?}"))?;
        history.check(outcome).map_err(|message| {
            format!(
                "action {number}: {message}\n{}\n{outcome:#?}",
                history.describe()
            )
        })?;
        succeeded += u64::from(outcome.kind == UMAPI_OUTCOME_SUCCEEDED);
    }
    expect(report.outcomes.len() == report.plan.actions.len(), || {
        "an outcome without an action".into()
    })?;
    check_counters(report, succeeded)?;
    check_order(report)
}

fn check_counters(report: &Report, succeeded: u64) -> CheckResult {
    expect(report.completed == succeeded, || {
        format!("{} completed, but {succeeded} succeeded", report.completed)
    })?;
    expect(report.queued == 0, || {
        format!("{} still queued", report.queued)
    })?;
    let count = |holds: &dyn Fn(usize, &str) -> bool| {
        let actions = 0..report.plan.actions.len();
        actions
            .filter(|number| holds(*number, &format!("a{number}")))
            .count() as u64
    };
    let applied = count(&|_, id| report.ledger.iter().any(|line| line.request_id == id));
    // A request with an action of unknown outcome may have been lost before it reached the sandbox.
    let is_unknown = |number| {
        let outcomes = &report.outcomes[&(number as u64)];
        outcomes[0].kind == UMAPI_OUTCOME_UNKNOWN
    };
    let received = count(&|number, id| {
        is_unknown(number) || report.requests.iter().any(|request| request.holds(id))
    });
    expect((applied..=received).contains(&report.sent), || {
        format!(
            "{} counted as sent; {received} were received, and {applied} were processed",
            report.sent
        )
    })
}

/// Checks that the actions on one target were applied in the order in which they were given.
fn check_order(report: &Report) -> CheckResult {
    let mut last: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (number, planned) in report.plan.actions.iter().enumerate() {
        let id = format!("a{number}");
        let requests: Vec<_> = report
            .ledger
            .iter()
            .filter(|l| l.request_id == id)
            .map(|l| l.request)
            .collect();
        let (Some(first), Some(newest)) = (requests.iter().min(), requests.iter().max()) else {
            continue;
        };
        if let Some((earlier, before)) = last.get(planned.target.as_str()) {
            expect(before < first, || {
                format!(
                    "action {number} on {} was in request {first}, action {earlier} in {before}",
                    planned.target
                )
            })?;
        }
        last.insert(&planned.target, (number, *newest));
    }
    Ok(())
}

/// What the sandbox received and applied of one action.
struct ActionHistory<'a> {
    report: &'a Report,
    steps: &'a [Step],
    /// The requests that contained the action, in order.
    requests: Vec<&'a Request>,
    /// Each time that the sandbox processed one of the action's entries: the entry's first step, and the ledger lines.
    executions: Vec<(usize, Vec<&'a LedgerLine>)>,
}

impl<'a> ActionHistory<'a> {
    fn new(report: &'a Report, number: usize, planned: &'a Planned) -> Result<Self, String> {
        let id = format!("a{number}");
        let mut by_request: BTreeMap<usize, Vec<&LedgerLine>> = BTreeMap::new();
        for line in report.ledger.iter().filter(|line| line.request_id == id) {
            by_request.entry(line.request).or_default().push(line);
        }
        let mut history = ActionHistory {
            report,
            steps: &planned.steps,
            requests: report
                .requests
                .iter()
                .filter(|request| request.holds(&id))
                .collect(),
            executions: Vec::new(),
        };
        for (request, lines) in by_request {
            let first = history.entry_of(&lines).ok_or_else(|| {
                format!("request {request} applied steps that are not the action's: {lines:?}")
            })?;
            history.executions.push((first, lines));
        }
        Ok(history)
    }

    /// The index of the step at which the entry with these lines begins.
    fn entry_of(&self, lines: &[&LedgerLine]) -> Option<usize> {
        let size = self.report.plan.limits.steps_per_entry;
        let matches = |first: &usize| {
            let steps = self.steps[*first..].iter().take(size);
            lines.len() <= size
                && steps
                    .zip(lines)
                    .all(|(step, line)| step.json == line.command)
        };
        let earliest = self.executions.last().map_or(0, |(first, _)| *first);
        (earliest..self.steps.len()).step_by(size).find(matches)
    }

    /// How many times each step was applied.
    fn applications(&self) -> Vec<usize> {
        let mut times = vec![0; self.steps.len()];
        for (first, lines) in &self.executions {
            for (offset, line) in lines.iter().enumerate() {
                times[first + offset] += usize::from(line.applied);
            }
        }
        times
    }

    fn describe(&self) -> String {
        let executions = self.executions.iter().map(|(first, lines)| {
            let number = lines.first().map_or(0, |line| line.request);
            let steps: Vec<_> = lines
                .iter()
                .map(|l| format!("{}{}", l.command, l.codes.join(", ")))
                .collect();
            format!(
                "  from step {first} in request {number}: {}",
                steps.join(", ")
            )
        });
        let requests = self
            .requests
            .iter()
            .map(|r| format!("  request {}: {:?} {:?}", r.number, r.status, r.fault));
        executions.chain(requests).collect::<Vec<_>>().join("\n")
    }

    fn check(&self, outcome: &ReportedOutcome) -> CheckResult {
        let times = self.applications();
        self.check_own_repeats(outcome)?;
        for (step, times) in self.steps.iter().zip(&times) {
            expect(step.replay_safe || *times <= 1, || {
                format!("{} must not run twice, and ran {times} times", step.json)
            })?;
        }
        let in_effect: Vec<_> = (0..self.steps.len())
            .map(|step| times[step] > 0 || self.is_in_effect(step))
            .collect();
        let known = |step: &Step| step.command < outcome.applied;
        let mut claimed = self.steps.iter().zip(&in_effect);
        let claimed = claimed.all(|(step, in_effect)| *in_effect || !known(step));
        expect(claimed, || {
            format!(
                "{} commands are reported as applied, and were not",
                outcome.applied
            )
        })?;
        match outcome.kind {
            UMAPI_OUTCOME_SUCCEEDED => {
                let commands = self.steps.last().map_or(0, |step| step.command + 1);
                expect(outcome.applied == commands, || {
                    format!("{} of {commands} commands succeeded", outcome.applied)
                })?;
                expect(in_effect.iter().all(|in_effect| *in_effect), || {
                    format!("succeeded, but the steps were applied {times:?} times")
                })
            }
            UMAPI_OUTCOME_NOT_SENT => expect(times.iter().all(|times| *times == 0), || {
                format!("not sent, but the steps were applied {times:?} times")
            }),
            UMAPI_OUTCOME_FAILED => self.check_failure(outcome, &times),
            _ => self.check_unknown(outcome),
        }
    }

    /// Whether the step was refused because the membership already is as requested, after an attempt whose answer was
    /// lost. Then that attempt may have changed the membership.
    fn is_in_effect(&self, step: usize) -> bool {
        self.executions.iter().any(|(first, lines)| {
            let line = step.checked_sub(*first).and_then(|at| lines.get(at));
            line.is_some_and(|line| is_entirely_so(line) && self.is_after_lost_answer(line))
        })
    }

    fn is_after_lost_answer(&self, line: &LedgerLine) -> bool {
        let earlier = self.requests.iter().filter(|r| r.number < line.request);
        earlier.count() + self.report.unread() > 0 || self.report.may_miss_requests()
    }

    /// Whether a repeat was refused for what the first attempt may have done, and its answer does not show whether the
    /// rest was applied: the refused step is not the entry's last one, or the refusal is not of all its names.
    fn is_unclear_repeat(&self) -> bool {
        let Some((first, lines)) = self.executions.last() else {
            return false;
        };
        let size = self.report.plan.limits.steps_per_entry;
        let steps = (self.steps.len() - first).min(size);
        let is_repeat =
            |line: &&&LedgerLine| is_already_so(line) && self.is_after_lost_answer(line);
        let is_clear =
            lines.len() == steps && lines.last().is_some_and(|line| is_entirely_so(line));
        let all_covered = lines
            .iter()
            .filter(is_repeat)
            .all(|line| is_entirely_so(line));
        lines.iter().any(|line| is_repeat(&line)) && !(is_clear && all_covered)
    }

    /// Checks that an action is not reported as failed because the service refused to repeat what the first attempt did.
    fn check_own_repeats(&self, outcome: &ReportedOutcome) -> CheckResult {
        let errors = outcome.findings.iter().filter(|f| f.is_error);
        if outcome.kind != UMAPI_OUTCOME_FAILED || errors.count() != 1 {
            return Ok(());
        }
        for (work, (first, lines)) in self.executions.iter().enumerate() {
            for (offset, line) in lines.iter().enumerate() {
                let number = first + offset;
                let is_already_so = line.codes.iter().any(|c| ALREADY.contains(&c.as_str()));
                let earlier = self.executions[..work].iter().any(|(first, lines)| {
                    let line = number.checked_sub(*first).and_then(|at| lines.get(at));
                    line.is_some_and(|line| line.applied)
                });
                let command = self.steps[number].command;
                let names_command = |f: &&crate::support::c_api::ReportedFinding| {
                    f.is_error && f.command == Some(command)
                };
                let others = self.steps.iter().filter(|step| step.command == command);
                let is_only_step = others.count() == 1;
                let finding = outcome.findings.iter().find(names_command);
                expect(
                    !(is_already_so && earlier && is_only_step && finding.is_some()),
                    || {
                        format!(
                            "the first attempt applied {}, and the library reports it as refused",
                            line.command
                        )
                    },
                )?;
            }
        }
        Ok(())
    }

    fn check_failure(&self, outcome: &ReportedOutcome, times: &[usize]) -> CheckResult {
        let errors: Vec<_> = outcome.findings.iter().filter(|f| f.is_error).collect();
        if errors.is_empty() {
            expect(outcome.error.is_some(), || "failed without a reason".into())?;
            let beyond = self
                .steps
                .iter()
                .zip(times)
                .filter(|(step, _)| step.command >= outcome.applied);
            return expect(
                beyond.clone().all(|(_, times)| *times == 0)
                    || self.is_split_over_entries(outcome, times),
                || format!("refused as a whole, but the steps were applied {times:?} times"),
            );
        }
        // Exactly the commands before the first refused one are reported as applied.
        let named: Option<Vec<_>> = errors.iter().map(|error| error.command).collect();
        if let Some(first) = named.and_then(|named| named.into_iter().min()) {
            expect(outcome.applied == first, || {
                format!(
                    "command {first} was refused, but {} are reported as applied",
                    outcome.applied
                )
            })?;
        }
        for error in errors {
            let refused = |(first, lines): &(usize, Vec<&LedgerLine>)| {
                let mut lines = lines.iter().enumerate();
                lines.any(|(offset, line)| {
                    let command = self.steps[first + offset].command;
                    error
                        .code
                        .as_ref()
                        .is_some_and(|code| line.codes.contains(code))
                        && error.command.is_none_or(|named| named == command)
                })
            };
            expect(self.executions.iter().any(refused), || {
                format!("no command was refused as reported: {error:?}")
            })?;
        }
        Ok(())
    }

    /// Whether a command that was split over several entries was applied in part before a later entry failed.
    fn is_split_over_entries(&self, outcome: &ReportedOutcome, times: &[usize]) -> bool {
        let size = self.report.plan.limits.steps_per_entry;
        let done = times.iter().take_while(|times| **times > 0).count();
        done.is_multiple_of(size)
            && times[done..].iter().all(|times| *times == 0)
            && self
                .steps
                .get(done)
                .is_some_and(|step| step.command == outcome.applied)
    }

    /// Checks that the outcome is unknown only because an answer was lost and a repeat was not safe or did not help.
    fn check_unknown(&self, outcome: &ReportedOutcome) -> CheckResult {
        let plan = &self.report.plan;
        let unread = self.report.unread();
        // An interrupted request may never have reached the sandbox; nor may one that timed out on a busy machine.
        let ended_by = outcome.error.as_ref().map(|error| error.status);
        let has_other_cause = matches!(
            ended_by,
            Some(UMAPI_STATUS_THROTTLED | UMAPI_STATUS_TIMEOUT)
        );
        let cut_off = plan.cancel_after.is_some()
            || plan.deadline.is_some()
            || self.report.may_miss_requests();
        if has_other_cause || found_no_connection(outcome) || cut_off || self.is_unclear_repeat() {
            return Ok(());
        }
        expect(self.requests.len() + unread > 0, || {
            "unknown, but it was never received".into()
        })?;
        let is_faulty = |request: &&&Request| request.fault.is_some() || request.status.is_none();
        let faulty = self.requests.iter().filter(is_faulty).count();
        expect(faulty + unread > 0, || {
            "unknown, but every answer arrived".into()
        })?;
        let lost = [
            "reset",
            "stall",
            "garbage",
            "truncate",
            "wrong_length",
            "gzip",
            "deep",
        ];
        let last = self
            .requests
            .last()
            .and_then(|request| request.fault.as_deref());
        let could_be_repeated =
            self.is_replay_safe() && last.is_some_and(|fault| lost.contains(&fault));
        let attempts = self.requests.len() + unread;
        expect(
            !could_be_repeated || attempts >= plan.max_attempts as usize,
            || format!("unknown after {attempts} of {} attempts", plan.max_attempts),
        )
    }

    fn is_replay_safe(&self) -> bool {
        let removal_ends_it = |step: &Step| step.json.get("removeFromOrg").is_some();
        self.steps.iter().all(|step| step.replay_safe)
            && (self.steps.len() == 1 || !self.steps.iter().any(removal_ends_it))
    }
}

/// Whether the last attempt had no connection in its 80 ms, as a busy machine brings about: the sandbox did not see that
/// attempt, and the library begins no other.
fn found_no_connection(outcome: &ReportedOutcome) -> bool {
    let message = outcome.error.as_ref().map(|error| &error.message);
    message.is_some_and(|words| words.contains("no connection to") && words.contains(" within "))
}
