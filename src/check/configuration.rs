//! The first step: what the client is set up with, as far as it may be shown.

use super::kind::StepKind;
use super::step::Step;
use crate::auth::session::{Identity, Session};
use crate::error::Result;
use tokio::time::Instant;

pub(super) fn check(session: &Session, identity: &Identity) -> Step {
    let begun = Instant::now();
    let told = tell(session, identity);
    let took = begun.elapsed();
    match told {
        Ok(message) => Step {
            remedy: doubts(session, identity),
            ..Step::passed(StepKind::Configuration, None, took, message)
        },
        Err(error) => Step::failed(StepKind::Configuration, None, took, error),
    }
}

/// Loads the certificates to trust and reads the environment, either of which may fail.
fn tell(session: &Session, identity: &Identity) -> Result<String> {
    let transport = &identity.http.transport;
    let credentials = &identity.credentials;
    let mut certificates = transport.describe_trust(session.root())?;
    if let Some(root) = credentials
        .token_root()
        .filter(|root| root.scheme() == "https")
    {
        certificates = transport.describe_trust(root)?;
    }
    let mut text = format!(
        "organisation {}, client id {}, {}; service {}",
        session.org_id(),
        credentials.client_id,
        credentials.kind_name(),
        session.root(),
    );
    if let Some(root) = credentials.token_root() {
        text.push_str(&format!(", token host {root}"));
    }
    text.push_str(&format!("; certificates: {certificates}"));
    Ok(text)
}

/// What works and is yet not as it should be.
fn doubts(session: &Session, identity: &Identity) -> Option<String> {
    if !identity.http.transport.verifies_certificates() {
        return Some(
            "turn the verification of certificates on again: without it anybody on the line can read and change \
             everything"
                .to_owned(),
        );
    }
    let is_usual = session.org_id().ends_with("@AdobeOrg");
    (!is_usual).then(|| {
        "the organisation id does not end with @AdobeOrg as others do: compare it with the Adobe Developer Console"
            .to_owned()
    })
}
