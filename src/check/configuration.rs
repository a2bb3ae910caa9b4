//! The first step: what the client is set up with, as far as it may be shown.

use super::kind::StepKind;
use super::step::Step;
use crate::error::Result;
use crate::service::{Identity, Service};
use tokio::time::Instant;

pub(super) fn check(service: &Service, identity: &Identity) -> Step {
    let begun = Instant::now();
    let told = tell(service, identity);
    let took = begun.elapsed();
    match told {
        Ok(message) => Step {
            remedy: doubts(service, identity),
            ..Step::passed(StepKind::Configuration, None, took, message)
        },
        Err(error) => Step::failed(StepKind::Configuration, None, took, error),
    }
}

/// Loads the certificates to trust and reads the environment, either of which may fail.
fn tell(service: &Service, identity: &Identity) -> Result<String> {
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

/// What works and is yet not as it should be.
fn doubts(service: &Service, identity: &Identity) -> Option<String> {
    if !identity.http.transport.verifies_certificates() {
        return Some(
            "turn the verification of certificates on again: without it anybody on the line can read and change \
             everything"
                .to_owned(),
        );
    }
    let is_usual = service.org_id().ends_with("@AdobeOrg");
    (!is_usual).then(|| {
        "the organisation id does not end with @AdobeOrg as others do: compare it with the Adobe Developer Console"
            .to_owned()
    })
}
