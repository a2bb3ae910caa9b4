//! What a token host means when it refuses credentials, and what to do about it.

use crate::error::{Delivery, Error, ErrorKind};
use crate::http::transport::Answer;
use crate::model::error_body;
use serde_json::Value;

/// Which credentials were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialsKind {
    OAuth,
    Jwt,
}

/// When Adobe ends credentials of the kind JWT, as its documentation says.
const END_OF_JWT: &str = "JWT credentials come to their end: their certificates cannot be renewed since 30 June 2025, and \
                          Adobe turns the rest into OAuth Server-to-Server at the certificate's end or on 1 March 2026; \
                          replace them by an OAuth Server-to-Server credential in the Adobe Developer Console";

/// What the token host refuses is about the token, whatever the call that wanted one was about.
pub(super) fn explained(error: Error, kind: CredentialsKind) -> Error {
    use ErrorKind::*;
    match error.kind() {
        NotFound => error
            .with_kind(Auth)
            .context("there is no token endpoint")
            .with_remedy("check the authentication host and path"),
        Auth | Forbidden | Rejected => {
            let what_to_do = remedy(error.code(), error.message(), kind);
            error
                .with_kind(Auth)
                .context("the credentials were refused")
                .with_remedy(what_to_do)
        }
        _ => error,
    }
}

/// A refusal in an answer that says 200 all the same.
pub(super) fn in_an_answer(answer: &Answer) -> Option<Error> {
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    value.get("error")?.as_str()?;
    let said = error_body::parse(&answer.body, &answer.secrets);
    let code = said.code?;
    let words = said.message.unwrap_or_default();
    Some(
        Error::new(
            ErrorKind::Auth,
            format!("the token host refused the request ({code}, {words})"),
        )
        .with_code(Some(code))
        .with_delivery(Delivery::Answered),
    )
}

fn remedy(code: Option<&str>, words: &str, kind: CredentialsKind) -> String {
    use CredentialsKind::*;
    let words = words.to_lowercase();
    let what_to_do = match (code.unwrap_or_default(), kind) {
        ("invalid_scope", _) => {
            "add the User Management API to the project in the Adobe Developer Console"
        }
        ("invalid_client", _) => {
            "compare the client id and the client secret with the project in the Adobe Developer Console; one of them is \
             wrong, or the secret was deleted there"
        }
        ("unauthorized_client" | "unsupported_grant_type", OAuth) => {
            "see that the credential in the Adobe Developer Console is of the kind OAuth Server-to-Server"
        }
        (_, Jwt) if is_about_certificate(&words) => {
            "compare the private key with the certificates of the project in the Adobe Developer Console: none that is \
             valid belongs to it"
        }
        (_, Jwt) if is_about_time(&words) => {
            "set this machine's clock: the assertion is signed with its time, and was refused for that"
        }
        ("invalid_token" | "invalid_jwt_token" | "invalid_grant" | "bad_request", Jwt) => {
            "compare the organisation id, the technical account id and the private key, with its certificate, with the \
             project in the Adobe Developer Console"
        }
        (_, OAuth) => {
            "compare the client id and the client secret with the project in the Adobe Developer Console"
        }
        (_, Jwt) => {
            "compare the client id, the client secret, the technical account id and the private key, with its certificate, \
             with the project in the Adobe Developer Console"
        }
    };
    match kind {
        OAuth => what_to_do.to_owned(),
        Jwt => format!("{what_to_do}. {END_OF_JWT}"),
    }
}

fn is_about_certificate(words: &str) -> bool {
    ["certificate", "signature", "bindings"]
        .iter()
        .any(|word| words.contains(word) && !words.contains("expiredsignature"))
}

/// Whether the host speaks of the time at which the assertion begins or ends.
fn is_about_time(words: &str) -> bool {
    let whole = words.split(|c: char| !c.is_ascii_alphanumeric());
    let mut whole = whole.filter(|word| !word.is_empty());
    [
        "expired",
        "expiry",
        "expires",
        "expiration",
        "not yet valid",
        "issued in the future",
    ]
    .iter()
    .any(|word| words.contains(word))
        || whole.any(|word| matches!(word, "exp" | "iat" | "nbf" | "clock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained_refusal(code: &str, words: &str, kind: CredentialsKind) -> Error {
        let message = format!("the service refused the request (HTTP 400, {code}, {words})");
        let error = Error::new(ErrorKind::Rejected, message).with_code(Some(code.to_owned()));
        explained(error, kind)
    }

    #[test]
    fn each_code_has_its_remedy() {
        use CredentialsKind::*;
        for (kind, code, words, remedy) in [
            (OAuth, "invalid_scope", "", "add the User Management API"),
            (Jwt, "invalid_scope", "", "add the User Management API"),
            (
                OAuth,
                "invalid_client",
                "invalid client_secret parameter",
                "client id and the client secret",
            ),
            (OAuth, "unauthorized_client", "", "of the kind OAuth"),
            (
                Jwt,
                "invalid_token",
                "Could not match JWT signature to any of the bindings",
                "private key with the certificates",
            ),
            (
                Jwt,
                "invalid_token",
                "the certificate has expired",
                "private key with the certificates",
            ),
            (Jwt, "bad_request", "JWT token is expired", "clock"),
            (
                Jwt,
                "invalid_token",
                "the assertion is refused: ExpiredSignature",
                "clock",
            ),
            (Jwt, "invalid_jwt_token", "iat is in the future", "clock"),
            (Jwt, "bad_request", "invalid sub", "technical account id"),
            (OAuth, "new_code", "", "client id and the client secret"),
            (Jwt, "new_code", "", "technical account id"),
        ] {
            let error = explained_refusal(code, words, kind);
            let told = error.remedy().unwrap();
            assert!(told.contains(remedy), "{code}, {words}: {told}");
            assert_eq!(
                told.contains("clock"),
                remedy == "clock",
                "{code}, {words}: {told}"
            );
            assert_eq!(told.contains("1 March 2026"), kind == Jwt, "{code}: {told}");
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.message().contains(code), "{error}");
        }
    }

    #[test]
    fn other_failures_stay_what_they_are() {
        let error = explained(
            Error::new(ErrorKind::Server, "down"),
            CredentialsKind::OAuth,
        );
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Server, None));
    }
}
