//! Requests with a single answer: one user, the service's status.

use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Absent, Error, Result};
use crate::http::transport::Answer;
use crate::model::command::check_user_query;
use crate::model::user::{User, parse_one_user};
use crate::service::{Resource, Service};
use serde_json::Value;

/// Asks for one user. `None` if the service says that it does not know this user, which is an answer and not an error.
pub(crate) async fn find_user(
    service: &Service,
    call: &Call,
    user_string: &str,
    domain: Option<&str>,
) -> Result<Option<User>> {
    check_user_query("user_string", user_string, domain)?;
    let domain: Vec<_> = domain.map(|d| ("domain", d)).into_iter().collect();
    let resource = Resource {
        class: EndpointClass::User,
        segments: &["organizations", service.org_id(), "users", user_string],
        query: &domain,
    };
    let read = |answer: Answer| parse_one_user(answer.body);
    match service.get(call, resource, read).await {
        Err(error) if matches!(error.absent(), Some(Absent::Unsaid | Absent::User)) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The service's statement about itself, from its status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// `LIVE` when the service works.
    pub state: Option<String>,
    /// The version of the service.
    pub version: Option<String>,
    /// The build of the service.
    pub build: Option<String>,
    /// The whole answer as JSON, with everything else that it says.
    pub json: String,
}

pub(crate) async fn service_status(service: &Service, call: &Call) -> Result<ServiceStatus> {
    service
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
    // Some hosts put all fields under `status`.
    let inner = value.get("status").filter(|status| status.is_object());
    let text = |name: &str| {
        let found = [Some(&value), inner].into_iter().flatten();
        let found = found.filter_map(|object| object.get(name)?.as_str());
        found.map(str::to_owned).next()
    };
    Ok(ServiceStatus {
        state: text("state"),
        version: text("version"),
        build: text("build"),
        json: json.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_page_in_both_shapes() {
        for body in [
            r#"{"build":"b1","version":"2.7","state":"LIVE"}"#,
            r#"{"status":{"build":"b1","version":"2.7","state":"LIVE"}}"#,
            r#"{"status":{"build":"b1","state":"LIVE"},"version":"2.7","state":null}"#,
        ] {
            let status = parse_status(body.as_bytes()).unwrap();
            let told = [&status.state, &status.version, &status.build].map(Option::as_deref);
            assert_eq!(told, [Some("LIVE"), Some("2.7"), Some("b1")], "{body}");
            assert_eq!(status.json, body);
        }
        for body in ["{}", r#"{"status":"LIVE"}"#, r#"{"status":{"state":7}}"#] {
            assert_eq!(parse_status(body.as_bytes()).unwrap().state, None);
        }
    }
}
