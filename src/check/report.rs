//! What a self-check found, for people and for programs.

use super::kind::{StepKind, StepResult};
use super::step::Step;
use crate::error::Error;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// All steps of a self-check.
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
    /// For a configuration of which not even a client could be made.
    pub fn misconfigured(error: Error) -> Self {
        let step = Step::failed(StepKind::Configuration, None, Duration::ZERO, error);
        Report { steps: vec![step] }
    }

    pub(super) fn add(&mut self, step: Step) -> &Step {
        self.steps.push(step);
        &self.steps[self.steps.len() - 1]
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether every step has passed.
    pub fn has_passed(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.result == StepResult::Passed)
    }

    /// One line for each step, and below it what to do.
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
            true => "all is well\n",
            false => "not all is well; what to do stands behind the arrows\n",
        });
        text
    }

    /// `{"passed", "version", "steps": [{"step", "host", "result", "ms", "message", "remedy"}]}`.
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
        serde_json::to_string(&report).expect("texts and figures can be written as JSON")
    }
}
