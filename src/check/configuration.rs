//! The first step of a self-check: the client's configuration, without its secrets.

use super::kind::StepKind;
use super::step::Step;
use crate::error::Result;
use crate::service::{Identity, Service};
use tokio::time::Instant;

/// Runs the step "configuration". A configuration that is unsafe or unusual passes with a remedy.
pub(super) fn check_configuration(service: &Service, identity: &Identity) -> Step {
    let begun = Instant::now();
    let description = describe(service, identity);
    let took = begun.elapsed();
    match description {
        Ok(message) => Step {
            remedy: warning(service, identity),
            ..Step::passed(StepKind::Configuration, None, took, message)
        },
        Err(error) => Step::failed(StepKind::Configuration, None, took, error),
    }
}

/// Describes the configuration. Fails if the trusted certificates cannot be loaded or the environment is not valid.
fn describe(service: &Service, identity: &Identity) -> Result<String> {
    let transport = &identity.http.transport;
    let credentials = &identity.credentials;
    let mut certificates = transport.describe_trust(service.root())?;
    if let Some(root) = credentials
        .token_root()
        .filter(|root| root.scheme() == "https")
    {
        certificates = transport.describe_trust(root)?;
    }
    let mut text = format!(
        "organisation {}, client id {}, {}; service {}",
        service.org_id(),
        credentials.client_id,
        credentials.kind_name(),
        service.root(),
    );
    if let Some(root) = credentials.token_root() {
        text.push_str(&format!(", token host {root}"));
    }
    text.push_str(&format!("; certificates: {certificates}"));
    Ok(text)
}

/// What to change in a configuration that works, but is unsafe or unusual.
fn warning(service: &Service, identity: &Identity) -> Option<String> {
    if !identity.http.transport.verifies_certificates() {
        return Some(
            "turn the verification of certificates on again: without it, anyone with access to the network can read \
             and change all data"
                .to_owned(),
        );
    }
    let is_usual = service.org_id().ends_with("@AdobeOrg");
    (!is_usual).then(|| {
        "compare the organisation id with the Adobe Developer Console: it does not end with @AdobeOrg, as others do"
            .to_owned()
    })
}
