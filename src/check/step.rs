//! One step of a self-check: its kind, its result and its remedy.

use super::kind::{StepKind, StepResult};
use super::remedy::remedy_for;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::time::Instant;

/// One step of a self-check.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was tried.
    pub kind: StepKind,
    /// The host as `host:port`. `None` for the configuration, and for a token from a callback.
    pub host: Option<String>,
    /// How the step ended.
    pub result: StepResult,
    /// How long it took; zero for a skipped step.
    pub took: Duration,
    /// What was found, or what went wrong.
    pub message: String,
    /// What to do. Every failed step has a remedy, and so has a passed one whose configuration is unsafe or unusual.
    pub remedy: Option<String>,
    /// The error of a failed step.
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
            remedy: Some(remedy_for(kind, &error)),
            error: Some(error),
        }
    }

    /// A step that was not tried, since it needs the failed step or the thing that `needs` names.
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

    /// The step in a sentence: `the step "TLS" of host:port`.
    pub(super) fn title(&self) -> String {
        match &self.host {
            Some(host) => format!("the step \"{}\" of {host}", self.kind.name()),
            None => format!("the step \"{}\"", self.kind.name()),
        }
    }
}

/// Runs a step within the limits of the call. It fails only if the call is cancelled; any other error makes a failed
/// step.
pub(super) async fn timed(
    kind: StepKind,
    host: Option<&str>,
    call: &Call,
    work: BoxFuture<'_, Result<String>>,
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
