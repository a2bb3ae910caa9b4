//! The order of the steps, and which need which.

use super::kind::{StepKind, StepResult};
use super::report::Report;
use super::step::{Step, timed};
use super::{configuration, host};
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::error::Result;
use crate::query::single;
use crate::service::Service;
use url::Url;

/// Nobody has this address: `.invalid` is reserved for that.
const UNKNOWN_USER: &str = "umapi-check@nobody.invalid";

/// Goes all the way, each step once. An error: the call was cancelled. When its time is up the step under way has failed.
pub(crate) async fn check(service: &Service, options: &CallOptions) -> Result<Report> {
    let call = &Call::begin(&options.clone().without_retries());
    let mut report = Report::default();
    let identity = service.identity();
    if !add(&mut report, configuration::check(service, &identity)) {
        return Ok(report);
    }
    let token_ready = match identity.credentials.token_root() {
        Some(root) => {
            let is_reachable = host::check(&identity.http, call, root, &mut report).await?;
            let host = host_and_port(root);
            match is_reachable {
                Ok(()) => add(&mut report, token(service, call, Some(&host)).await?),
                Err(needs) => add(&mut report, Step::skipped(StepKind::Token, &host, &needs)),
            }
        }
        None => add(&mut report, token(service, call, None).await?),
    };
    let host = host_and_port(service.root());
    let is_reachable = host::check(&identity.http, call, service.root(), &mut report).await?;
    let step = match (is_reachable, token_ready) {
        (Ok(()), true) => api_call(service, call, Some(&host)).await?,
        (Ok(()), false) => Step::skipped(StepKind::Call, &host, "a token"),
        (Err(needs), _) => Step::skipped(StepKind::Call, &host, &needs),
    };
    add(&mut report, step);
    Ok(report)
}

fn add(report: &mut Report, step: Step) -> bool {
    report.add(step).result == StepResult::Passed
}

fn host_and_port(root: &Url) -> String {
    let port = root.port_or_known_default().unwrap_or(443);
    format!("{}:{port}", root.host_str().unwrap_or_default())
}

async fn token(service: &Service, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        Ok(match service.renew_token(call).await? {
            Some(left) => format!("a token that is good for {} s", left.as_secs()),
            None => "a token, of which the token host does not say how long it is good".to_owned(),
        })
    };
    timed(StepKind::Token, host, call, work).await
}

async fn api_call(service: &Service, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        single::find_user(service, call, UNKNOWN_USER, None).await?;
        Ok("the service answers for this organisation".to_owned())
    };
    timed(StepKind::Call, host, call, work).await
}
