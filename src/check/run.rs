//! The order of the steps, and their dependencies.

use super::configuration::check_configuration;
use super::host::check_host;
use super::kind::{StepKind, StepResult};
use super::report::Report;
use super::step::{Step, timed};
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::error::Result;
use crate::query::single;
use crate::service::Service;
use url::Url;

/// No user has this address: the top-level domain `.invalid` is reserved for such use (RFC 2606).
const UNKNOWN_USER: &str = "umapi-check@nobody.invalid";

/// Runs all steps once, without retries. It fails only if the call is cancelled. If the deadline passes, the current
/// step fails with it.
pub(crate) async fn run_check(service: &Service, options: &CallOptions) -> Result<Report> {
    let call = &Call::begin(&options.clone().without_retries());
    let mut report = Report::default();
    let identity = service.identity();
    if !add_step(&mut report, check_configuration(service, &identity)) {
        return Ok(report);
    }
    let token_ready = match identity.credentials.token_root() {
        Some(root) => {
            let is_reachable = check_host(&identity.http, call, root, &mut report).await?;
            let host = host_and_port(root);
            match is_reachable {
                Ok(()) => add_step(&mut report, check_token(service, call, Some(&host)).await?),
                Err(needs) => add_step(&mut report, Step::skipped(StepKind::Token, &host, &needs)),
            }
        }
        None => add_step(&mut report, check_token(service, call, None).await?),
    };
    let host = host_and_port(service.root());
    let is_reachable = check_host(&identity.http, call, service.root(), &mut report).await?;
    let step = match (is_reachable, token_ready) {
        (Ok(()), true) => check_api_call(service, call, Some(&host)).await?,
        (Ok(()), false) => Step::skipped(StepKind::Call, &host, "a token"),
        (Err(needs), _) => Step::skipped(StepKind::Call, &host, &needs),
    };
    add_step(&mut report, step);
    Ok(report)
}

/// Adds a step to the report and returns whether it passed.
fn add_step(report: &mut Report, step: Step) -> bool {
    report.add(step).result == StepResult::Passed
}

fn host_and_port(root: &Url) -> String {
    let port = root.port_or_known_default().unwrap_or(443);
    format!("{}:{port}", root.host_str().unwrap_or_default())
}

async fn check_token(service: &Service, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        Ok(match service.renew_token(call).await? {
            Some(left) => format!("the token is valid for {} s", left.as_secs()),
            None => "the token has no stated lifetime".to_owned(),
        })
    };
    timed(StepKind::Token, host, call, Box::pin(work)).await
}

async fn check_api_call(service: &Service, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        single::find_user(service, call, UNKNOWN_USER, None).await?;
        Ok("the service answers for this organisation".to_owned())
    };
    timed(StepKind::Call, host, call, Box::pin(work)).await
}
