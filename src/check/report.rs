//! What a self-check found, for people and for programs.

use super::remedy;
use crate::error::Error;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// What is tried, in this order; from name to TLS for each host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepKind {
    /// The options, the certificates to trust, the proxy in the environment.
    Configuration,
    /// The address of the host, or of the proxy on the way to it.
    Name,
    /// A connection to that address.
    Connect,
    /// A way through the proxy.
    Proxy,
    /// The TLS handshake with the host, and an answer in HTTP.
    Tls,
    /// An access token.
    Token,
    /// A call of the API.
    Call,
}

impl StepKind {
    fn name(self) -> &'static str {
        match self {
            StepKind::Configuration => "configuration",
            StepKind::Name => "name",
            StepKind::Connect => "connect",
            StepKind::Proxy => "proxy",
            StepKind::Tls => "TLS",
            StepKind::Token => "token",
            StepKind::Call => "API call",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    Passed,
    Failed,
    /// Not tried, since a step that it needs has failed.
    Skipped,
}

/// One step of a self-check.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: StepKind,
    /// `host:port`; `None` for the configuration, and for a token from the program itself.
    pub host: Option<String>,
    pub result: StepResult,
    pub took: Duration,
    /// What was found.
    pub message: String,
    /// What to do: for every failed step, and for a passed one that is not as it should be.
    pub remedy: Option<String>,
    /// What a failed step failed with.
    pub error: Option<Error>,
}

impl Step {
    pub(super) fn passed(
        kind: StepKind,
        host: Option<&str>,
        took: Duration,
        message: String,
    ) -> Self {
        Step {
            kind,
            host: host.map(str::to_owned),
            result: StepResult::Passed,
            took,
            message,
            remedy: None,
            error: None,
        }
    }

    pub(super) fn failed(kind: StepKind, host: Option<&str>, took: Duration, error: Error) -> Self {
        Step {
            kind,
            host: host.map(str::to_owned),
            result: StepResult::Failed,
            took,
            message: error.without_remedy().to_owned(),
            remedy: Some(remedy::of(kind, &error)),
            error: Some(error),
        }
    }

    pub(super) fn skipped(kind: StepKind, host: &str, needs: &str) -> Self {
        Step {
            kind,
            host: Some(host.to_owned()),
            result: StepResult::Skipped,
            took: Duration::ZERO,
            message: format!("not tried, since it needs {needs}"),
            remedy: None,
            error: None,
        }
    }

    /// `the TLS step of host:port`.
    pub(super) fn title(&self) -> String {
        match &self.host {
            Some(host) => format!("the step \"{}\" of {host}", self.kind.name()),
            None => format!("the step \"{}\"", self.kind.name()),
        }
    }
}

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
