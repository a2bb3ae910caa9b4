//! The remedy for a failed step.

use super::kind::StepKind;
use crate::error::{Error, ErrorKind};

const CONSOLE: &str = "the project in the Adobe Developer Console";

/// What to do about a step of this kind that failed with this error.
pub(super) fn remedy_for(kind: StepKind, error: &Error) -> String {
    if let Some(remedy) = error.remedy() {
        return remedy.to_owned();
    }
    match (error.kind(), kind) {
        (ErrorKind::InvalidArgument, _) | (_, StepKind::Configuration) => {
            "correct what the message names".to_owned()
        }
        (ErrorKind::Deadline, _) => {
            "give the check more time; if that does not help, find out why the host does not answer".to_owned()
        }
        (ErrorKind::Auth, StepKind::Token) if error.http_status().is_none() => {
            "check the program's token callback".to_owned()
        }
        (ErrorKind::Auth, StepKind::Token) => {
            format!("compare the credentials with {CONSOLE}")
        }
        (ErrorKind::Auth, _) => format!(
            "compare the organisation id and the client id with {CONSOLE}, and make sure that the User Management API \
             is added to it"
        ),
        (ErrorKind::Forbidden, _) => format!(
            "add the User Management API to {CONSOLE}, and make sure that its product profiles permit the call"
        ),
        (ErrorKind::Throttled, _) => match error.retry_after() {
            Some(wait) => format!(
                "wait {} s: the service's rate limit for this client id is used up, maybe by another program",
                wait.as_secs().max(1)
            ),
            None => "wait a minute: the service's rate limit for this client id is used up, maybe by another program"
                .to_owned(),
        },
        (ErrorKind::Server | ErrorKind::Timeout, _) => {
            "try again later, and look at status.adobe.com; if it fails from this network only, ask the administrator of \
             its proxy"
                .to_owned()
        }
        (ErrorKind::Connect, _) => {
            "check whether a firewall or a proxy that inspects TLS ends the connection".to_owned()
        }
        (ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Protocol, StepKind::Token) => {
            "check the token host and its path, and whether it is the token host that answers".to_owned()
        }
        (ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Protocol, _) => {
            "check the endpoint and the organisation id, and whether it is the service that answers".to_owned()
        }
        _ => "this is a defect of libumapi: please report it with this text".to_owned(),
    }
}
