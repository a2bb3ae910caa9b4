//! One step: what was tried, how it ended, and what to do about it.

use super::kind::{StepKind, StepResult};
use super::remedy;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::time::Instant;

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
            message: error.without_remedy(),
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

/// Runs a step within the time of the call; only a cancelled call is an error.
pub(super) async fn timed(
    kind: StepKind,
    host: Option<&str>,
    call: &Call,
    work: impl Future<Output = Result<String>>,
) -> Result<Step> {
    let begun = Instant::now();
    let result = call.until_cancelled_or_due(work).await;
    let took: Duration = begun.elapsed();
    match result {
        Ok(message) => Ok(Step::passed(kind, host, took, message)),
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
        Err(error) => Ok(Step::failed(kind, host, took, error)),
    }
}
