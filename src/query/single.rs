//! Questions with one answer: one user, the service's status.

use crate::auth::session::{Resource, Session};
use crate::error::{Absent, Error, Result};
use crate::http::call::Call;
use crate::http::endpoint::EndpointClass;
use crate::http::transport::Answer;
use crate::model::command::check_user_string;
use crate::model::user::{User, parse_one_user};
use serde_json::Value;

/// `None` where the service says that it knows no such user, which is an answer and no error.
pub(crate) async fn find_user(
    session: &Session,
    call: &Call,
    user_string: &str,
    domain: Option<&str>,
) -> Result<Option<User>> {
    check_user_string("user_string", user_string, domain)?;
    let domain: Vec<_> = domain.map(|d| ("domain", d)).into_iter().collect();
    let resource = Resource {
        class: EndpointClass::User,
        segments: &["organizations", session.org_id(), "users", user_string],
        query: &domain,
        shelf: None,
    };
    let read = |answer: Answer| parse_one_user(answer.body);
    match session.get(call, resource, read).await {
        Err(error) if matches!(error.absent(), Some(Absent::Unsaid | Absent::User)) => Ok(None),
        answer => answer.map(Some),
    }
}

/// What the service says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// `LIVE` when all is well.
    pub state: Option<String>,
    pub version: Option<String>,
    pub build: Option<String>,
    /// The whole answer, with whatever else it tells.
    pub json: String,
}

pub(crate) async fn service_status(session: &Session, call: &Call) -> Result<ServiceStatus> {
    session
        .get_status_page(call, |answer| parse_status(&answer.body))
        .await
}

fn parse_status(body: &[u8]) -> Result<ServiceStatus> {
    let no_json =
        |e: &dyn std::fmt::Display| Error::protocol(format!("the status page is no JSON: {e}"));
    let json = std::str::from_utf8(body).map_err(|e| no_json(&e))?;
    let value: Value = serde_json::from_str(json).map_err(|e| no_json(&e))?;
    if !value.is_object() {
        return Err(Error::protocol("the status page is no JSON object"));
    }
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Ok(ServiceStatus {
        state: text("state"),
        version: text("version"),
        build: text("build"),
        json: json.to_owned(),
    })
}
