//! Holds what the library said against what was really applied.

use crate::plan::{Planned, Step};
use crate::run::{Line, Report, Request};
use crate::support::c_face::Told;
use std::collections::BTreeMap;
use umapi::ffi::results::*;
use umapi::ffi::status::{UMAPI_STATUS_THROTTLED, UMAPI_STATUS_TIMEOUT};

type Verdict = Result<(), String>;

fn expect(good: bool, words: impl FnOnce() -> String) -> Verdict {
    if good { Ok(()) } else { Err(words()) }
}

pub fn kind_name(kind: i32) -> &'static str {
    match kind {
        UMAPI_OUTCOME_SUCCEEDED => "succeeded",
        UMAPI_OUTCOME_FAILED => "failed",
        UMAPI_OUTCOME_NOT_SENT => "not sent",
        UMAPI_OUTCOME_UNKNOWN => "unknown",
        _ => "none that is documented",
    }
}

/// What the service says of a membership that is as it is asked for: of one name, and of a whole list.
const ALREADY: [&str; 2] = [
    "error.user.already_exists",
    "error.usergroup.user_list.invalid",
];

/// Whether a line was refused for a membership that is there already, and for nothing else.
fn is_already(line: &Line) -> bool {
    let is_of_the_kind = |code: &String| ALREADY.contains(&code.as_str());
    !line.codes.is_empty() && line.codes.iter().all(is_of_the_kind)
}

/// The same of all its names.
fn is_all_there(line: &Line) -> bool {
    let covers_the_list = line.codes.iter().any(|code| code == ALREADY[1]);
    is_already(line) && (covers_the_list || line.codes.len() >= names(&line.command))
}

/// How many names the lists of a command hold.
fn names(command: &serde_json::Value) -> usize {
    let lists = command.as_object().and_then(|c| c.values().next());
    let lists = lists.and_then(|lists| lists.as_object()).into_iter();
    lists
        .flat_map(|lists| lists.values())
        .filter_map(|list| list.as_array().map(Vec::len))
        .sum()
}

pub fn judge(report: &Report) -> Verdict {
    report.beside.clone()?;
    let mut succeeded = 0;
    for (number, planned) in report.plan.actions.iter().enumerate() {
        let outcomes = report
            .outcomes
            .get(&(number as u64))
            .map_or(&[][..], Vec::as_slice);
        let [outcome] = outcomes else {
            return Err(format!("action {number} has {} outcomes", outcomes.len()));
        };
        let story = Story::new(report, number, planned)
            .map_err(|words| format!("action {number}: {words}\n{outcome:#?}"))?;
        story
            .check(outcome)
            .map_err(|words| format!("action {number}: {words}\n{}\n{outcome:#?}", story.told()))?;
        succeeded += u64::from(outcome.kind == UMAPI_OUTCOME_SUCCEEDED);
    }
    expect(report.outcomes.len() == report.plan.actions.len(), || {
        "an outcome without an action".into()
    })?;
    check_counters(report, succeeded)?;
    check_order(report)
}

fn check_counters(report: &Report, succeeded: u64) -> Verdict {
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
    // What is unknown may have been lost on its way in.
    let is_unknown = |number| {
        let outcomes = &report.outcomes[&(number as u64)];
        outcomes[0].kind == UMAPI_OUTCOME_UNKNOWN
    };
    let received = count(&|number, id| {
        is_unknown(number) || report.requests.iter().any(|request| request.holds(id))
    });
    expect((applied..=received).contains(&report.sent), || {
        format!(
            "{} counted as sent; {received} were received, and {applied} worked on",
            report.sent
        )
    })
}

/// On one target, what was asked for later is done later.
fn check_order(report: &Report) -> Verdict {
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

/// What really happened to one action.
struct Story<'a> {
    report: &'a Report,
    steps: &'a [Step],
    /// The requests that it was in, in order.
    requests: Vec<&'a Request>,
    /// Each time that the service worked on one of its entries: the entry's first step, and the lines.
    works: Vec<(usize, Vec<&'a Line>)>,
}

impl<'a> Story<'a> {
    fn new(report: &'a Report, number: usize, planned: &'a Planned) -> Result<Self, String> {
        let id = format!("a{number}");
        let mut by_request: BTreeMap<usize, Vec<&Line>> = BTreeMap::new();
        for line in report.ledger.iter().filter(|line| line.request_id == id) {
            by_request.entry(line.request).or_default().push(line);
        }
        let mut story = Story {
            report,
            steps: &planned.steps,
            requests: report
                .requests
                .iter()
                .filter(|request| request.holds(&id))
                .collect(),
            works: Vec::new(),
        };
        for (request, lines) in by_request {
            let first = story
                .entry_of(&lines)
                .ok_or_else(|| format!("request {request} did what nobody asked for: {lines:?}"))?;
            story.works.push((first, lines));
        }
        Ok(story)
    }

    /// Where among the steps the entry with these lines begins.
    fn entry_of(&self, lines: &[&Line]) -> Option<usize> {
        let size = self.report.plan.limits.steps_per_entry;
        let is_it = |first: &usize| {
            let steps = self.steps[*first..].iter().take(size);
            lines.len() <= size
                && steps
                    .zip(lines)
                    .all(|(step, line)| step.json == line.command)
        };
        let earliest = self.works.last().map_or(0, |(first, _)| *first);
        (earliest..self.steps.len()).step_by(size).find(is_it)
    }

    /// How often each step was applied.
    fn applications(&self) -> Vec<usize> {
        let mut times = vec![0; self.steps.len()];
        for (first, lines) in &self.works {
            for (offset, line) in lines.iter().enumerate() {
                times[first + offset] += usize::from(line.applied);
            }
        }
        times
    }

    fn told(&self) -> String {
        let works = self.works.iter().map(|(first, lines)| {
            let number = lines.first().map_or(0, |line| line.request);
            let told: Vec<_> = lines
                .iter()
                .map(|l| format!("{}{}", l.command, l.codes.join(", ")))
                .collect();
            format!(
                "  from step {first} in request {number}: {}",
                told.join(", ")
            )
        });
        let requests = self
            .requests
            .iter()
            .map(|r| format!("  request {}: {:?} {:?}", r.number, r.status, r.fault));
        works.chain(requests).collect::<Vec<_>>().join("\n")
    }

    fn check(&self, outcome: &Told) -> Verdict {
        let times = self.applications();
        self.check_own_repeats(outcome)?;
        for (step, times) in self.steps.iter().zip(&times) {
            expect(step.replay_safe || *times <= 1, || {
                format!("{} must not run twice, and ran {times} times", step.json)
            })?;
        }
        let stands: Vec<_> = (0..self.steps.len())
            .map(|step| times[step] > 0 || self.stands(step))
            .collect();
        let known = |step: &Step| step.command < outcome.applied;
        let mut claimed = self.steps.iter().zip(&stands);
        let claimed = claimed.all(|(step, stands)| *stands || !known(step));
        expect(claimed, || {
            format!(
                "{} commands are said to be applied, and were not",
                outcome.applied
            )
        })?;
        match outcome.kind {
            UMAPI_OUTCOME_SUCCEEDED => {
                let commands = self.steps.last().map_or(0, |step| step.command + 1);
                expect(outcome.applied == commands, || {
                    format!("{} of {commands} commands succeeded", outcome.applied)
                })?;
                expect(stands.iter().all(|stands| *stands), || {
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

    /// Whether the step was refused because the membership is as it asks, after an attempt whose answer was lost. Then
    /// it may well be that attempt which made it so.
    fn stands(&self, step: usize) -> bool {
        self.works.iter().any(|(first, lines)| {
            let line = step.checked_sub(*first).and_then(|at| lines.get(at));
            line.is_some_and(|line| is_all_there(line) && self.is_after_a_loss(line))
        })
    }

    fn is_after_a_loss(&self, line: &Line) -> bool {
        let earlier = self.requests.iter().filter(|r| r.number < line.request);
        earlier.count() + self.report.unread() > 0 || self.report.may_miss_requests()
    }

    /// Whether a repeat was refused for what the first attempt may have done, and the answer does not tell what became of the
    /// rest: the refusal is not of the entry's last step, or not of all its names.
    fn is_unclear_repeat(&self) -> bool {
        let Some((first, lines)) = self.works.last() else {
            return false;
        };
        let size = self.report.plan.limits.steps_per_entry;
        let steps = (self.steps.len() - first).min(size);
        let is_repeat = |line: &&&Line| is_already(line) && self.is_after_a_loss(line);
        let is_clear = lines.len() == steps && lines.last().is_some_and(|line| is_all_there(line));
        let all_covered = lines
            .iter()
            .filter(is_repeat)
            .all(|line| is_all_there(line));
        lines.iter().any(|line| is_repeat(&line)) && !(is_clear && all_covered)
    }

    /// That the service refuses what our own first attempt did is no failure.
    fn check_own_repeats(&self, outcome: &Told) -> Verdict {
        let errors = outcome.findings.iter().filter(|f| f.is_error);
        if outcome.kind != UMAPI_OUTCOME_FAILED || errors.count() != 1 {
            return Ok(());
        }
        for (work, (first, lines)) in self.works.iter().enumerate() {
            for (offset, line) in lines.iter().enumerate() {
                let number = first + offset;
                let is_already = line.codes.iter().any(|c| ALREADY.contains(&c.as_str()));
                let earlier = self.works[..work].iter().any(|(first, lines)| {
                    let line = number.checked_sub(*first).and_then(|at| lines.get(at));
                    line.is_some_and(|line| line.applied)
                });
                let command = self.steps[number].command;
                let is_told =
                    |f: &&crate::support::c_face::Found| f.is_error && f.command == Some(command);
                let others = self.steps.iter().filter(|step| step.command == command);
                let is_alone = others.count() == 1;
                let told = outcome.findings.iter().find(is_told);
                expect(
                    !(is_already && earlier && is_alone && told.is_some()),
                    || {
                        format!(
                            "our first attempt did {}, and it is told as refused",
                            line.command
                        )
                    },
                )?;
            }
        }
        Ok(())
    }

    fn check_failure(&self, outcome: &Told, times: &[usize]) -> Verdict {
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
                    || self.is_cut_by_entries(outcome, times),
                || format!("refused whole, but the steps were applied {times:?} times"),
            );
        }
        // What came before the first command that was refused is told to be applied, neither less nor more.
        let named: Option<Vec<_>> = errors.iter().map(|error| error.command).collect();
        if let Some(first) = named.and_then(|named| named.into_iter().min()) {
            expect(outcome.applied == first, || {
                format!(
                    "command {first} was refused, but {} are told to be applied",
                    outcome.applied
                )
            })?;
        }
        for error in errors {
            let refused = |(first, lines): &(usize, Vec<&Line>)| {
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
            expect(self.works.iter().any(refused), || {
                format!("no command was refused as told: {error:?}")
            })?;
        }
        Ok(())
    }

    /// A command that went out in parts may have been applied in part when a later entry failed.
    fn is_cut_by_entries(&self, outcome: &Told, times: &[usize]) -> bool {
        let size = self.report.plan.limits.steps_per_entry;
        let done = times.iter().take_while(|times| **times > 0).count();
        done.is_multiple_of(size)
            && times[done..].iter().all(|times| *times == 0)
            && self
                .steps
                .get(done)
                .is_some_and(|step| step.command == outcome.applied)
    }

    /// Only where an answer was really lost, and sending again was not safe or did not help.
    fn check_unknown(&self, outcome: &Told) -> Verdict {
        let plan = &self.report.plan;
        let unread = self.report.unread();
        // What is interrupted on its way out may never have come in. So may what a busy machine has no time for.
        let ended_by = outcome.error.as_ref().map(|error| error.status);
        let has_its_reason = matches!(
            ended_by,
            Some(UMAPI_STATUS_THROTTLED | UMAPI_STATUS_TIMEOUT)
        );
        let cut_off = plan.cancel_after.is_some()
            || plan.deadline.is_some()
            || self.report.may_miss_requests();
        if has_its_reason || cut_off || self.is_unclear_repeat() {
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
        let could_be_tried_again =
            self.is_replay_safe() && last.is_some_and(|fault| lost.contains(&fault));
        let attempts = self.requests.len() + unread;
        expect(
            !could_be_tried_again || attempts >= plan.max_attempts as usize,
            || format!("unknown after {attempts} of {} attempts", plan.max_attempts),
        )
    }

    fn is_replay_safe(&self) -> bool {
        let removal_ends_it = |step: &Step| step.json.get("removeFromOrg").is_some();
        self.steps.iter().all(|step| step.replay_safe)
            && (self.steps.len() == 1 || !self.steps.iter().any(removal_ends_it))
    }
}
