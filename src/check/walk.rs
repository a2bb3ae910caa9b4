//! The order of the steps, and which need which.

use super::kind::{StepKind, StepResult};
use super::report::Report;
use super::step::{Step, timed};
use super::{configuration, host};
use crate::auth::session::Session;
use crate::error::Result;
use crate::http::call::{Call, CallOptions};
use crate::query::single;
use url::Url;

/// Nobody has this address: `.invalid` is reserved for that.
const NOBODY: &str = "umapi-check@nobody.invalid";

/// Goes all the way, each step once. An error: the call was cancelled. When its time is up the step under way has failed.
pub(crate) async fn check(session: &Session, options: &CallOptions) -> Result<Report> {
    let call = &Call::begin(&options.clone().once());
    let mut report = Report::default();
    let identity = session.identity();
    if !add(&mut report, configuration::check(session, &identity)) {
        return Ok(report);
    }
    let token_ready = match identity.credentials.token_root() {
        Some(root) => {
            let way_is_open = host::check(&identity.http, call, root, &mut report).await?;
            let host = host_and_port(root);
            match way_is_open {
                Ok(()) => add(&mut report, token(session, call, Some(&host)).await?),
                Err(needs) => add(&mut report, Step::skipped(StepKind::Token, &host, &needs)),
            }
        }
        None => add(&mut report, token(session, call, None).await?),
    };
    let host = host_and_port(session.root());
    let way_is_open = host::check(&identity.http, call, session.root(), &mut report).await?;
    let step = match (way_is_open, token_ready) {
        (Ok(()), true) => api_call(session, call, Some(&host)).await?,
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

async fn token(session: &Session, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        Ok(match session.renew_token(call).await? {
            Some(left) => format!("a token that is good for {} s", left.as_secs()),
            None => "a token, of which the token host does not say how long it is good".to_owned(),
        })
    };
    timed(StepKind::Token, host, call, work).await
}

async fn api_call(session: &Session, call: &Call, host: Option<&str>) -> Result<Step> {
    let work = async {
        single::find_user(session, call, NOBODY, None).await?;
        Ok("the service answers for this organisation".to_owned())
    };
    timed(StepKind::Call, host, call, work).await
}
