//! The report of a self-check, as data, text and JSON.

use super::kind::{StepKind, StepResult};
use super::step::Step;
use crate::error::Error;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// The result of a self-check ([`crate::Client::check`]): all its steps, in order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    passed: bool,
    version: &'static str,
    steps: Vec<JsonStep<'a>>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    step: StepKind,
    host: Option<&'a str>,
    result: StepResult,
    ms: u64,
    message: &'a str,
    remedy: Option<&'a str>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Report {
    /// A report for a configuration that no client could be made of: its one step, the configuration, failed with
    /// `error`.
    pub fn misconfigured(error: Error) -> Self {
        let step = Step::failed(StepKind::Configuration, None, Duration::ZERO, error);
        Report { steps: vec![step] }
    }

    pub(super) fn add(&mut self, step: Step) -> &Step {
        self.steps.push(step);
        &self.steps[self.steps.len() - 1]
    }

    /// The steps, in the order in which they ran.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether every step has passed.
    pub fn has_passed(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.result == StepResult::Passed)
    }

    /// The report as text of several lines: one for each step, followed by its remedy if it has one.
    pub fn text(&self) -> String {
        let mut text = format!("libumapi {VERSION} self-check\n");
        let hosts = self.steps.iter().filter_map(|step| step.host.as_deref());
        let widest = hosts.map(str::len).max().unwrap_or(0);
        for step in &self.steps {
            let result = match step.result {
                StepResult::Passed => "ok",
                StepResult::Failed => "FAILED",
                StepResult::Skipped => "skipped",
            };
            let _ = writeln!(
                text,
                "{result:<8}{:<14}{:<widest$}{:>7} ms  {}",
                step.kind.name(),
                step.host.as_deref().unwrap_or(""),
                step.took.as_millis(),
                step.message,
            );
            if let Some(remedy) = &step.remedy {
                let _ = writeln!(text, "        -> {remedy}");
            }
        }
        text.push_str(match self.has_passed() {
            true => "all steps passed\n",
            false => "not all steps passed; each arrow is followed by what to do\n",
        });
        text
    }

    /// The report as JSON: `{"passed", "version", "steps": [{"step", "host", "result", "ms", "message", "remedy"}]}`.
    /// `ms` is the time of a step in milliseconds; `host` and `remedy` may be null.
    pub fn json(&self) -> String {
        let steps = self.steps.iter().map(|step| JsonStep {
            step: step.kind,
            host: step.host.as_deref(),
            result: step.result,
            ms: u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
            message: &step.message,
            remedy: step.remedy.as_deref(),
        });
        let report = JsonReport {
            passed: self.has_passed(),
            version: VERSION,
            steps: steps.collect(),
        };
        serde_json::to_string(&report).expect("a report contains only texts and numbers")
    }
}
