//! Explanations and remedies for token requests that were refused.

use crate::error::{Error, ErrorKind, Origin};

/// The kind of the credentials that were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialsKind {
    OAuth,
    Jwt,
}

/// When Adobe discontinues JWT credentials, as its documentation says.
const END_OF_JWT: &str = "JWT credentials are being discontinued: their certificates cannot be renewed since 30 June \
                          2025, and Adobe converts the rest to OAuth Server-to-Server when their certificate expires or on 1 March \
                          2026; replace them by an OAuth Server-to-Server credential in the Adobe Developer Console";

/// Converts the error of a refused token request to [`ErrorKind::Auth`], with a remedy. Other errors stay as they are.
pub(super) fn explain_refusal(error: Error, kind: CredentialsKind) -> Error {
    use ErrorKind::*;
    match error.kind() {
        // A refusal by a proxy or a firewall says nothing about the credentials.
        Auth | Forbidden | Rejected if error.origin() == Some(Origin::Intermediary) => {
            let error = error
                .with_kind(Auth)
                .context("the token request was refused, but not by the token host");
            match error.remedy() {
                Some(_) => error,
                None => error.with_remedy(
                    "check whether a proxy or a firewall answers in place of the token host",
                ),
            }
        }
        NotFound => error
            .with_kind(Auth)
            .context("there is no token endpoint at this address")
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

/// What to do about a refusal with this error code and text.
fn remedy(code: Option<&str>, text: &str, kind: CredentialsKind) -> String {
    use CredentialsKind::*;
    let text = text.to_lowercase();
    let what_to_do = match (code.unwrap_or_default(), kind) {
        ("invalid_scope", _) => {
            "add the User Management API to the project in the Adobe Developer Console"
        }
        ("invalid_client", _) => {
            "compare the client id and the client secret with the project in the Adobe Developer Console; one of them is \
             wrong, or the secret was deleted there"
        }
        ("unauthorized_client" | "unsupported_grant_type", OAuth) => {
            "make sure that the credential in the Adobe Developer Console is of the kind OAuth Server-to-Server"
        }
        (_, Jwt) if is_about_certificate(&text) => {
            "compare the private key with the certificates of the project in the Adobe Developer Console: no valid \
             certificate there belongs to it"
        }
        (_, Jwt) if is_about_time(&text) => {
            "set this machine's clock: the assertion contains its time, and was refused because of it"
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

/// Whether the token host refuses the key or its certificate.
fn is_about_certificate(text: &str) -> bool {
    ["certificate", "signature", "bindings"]
        .iter()
        .any(|word| text.contains(word) && !text.contains("expiredsignature"))
}

/// Whether the token host refuses the time at which the assertion begins or ends.
fn is_about_time(text: &str) -> bool {
    let whole = text.split(|c: char| !c.is_ascii_alphanumeric());
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
    .any(|word| text.contains(word))
        || whole.any(|word| matches!(word, "exp" | "iat" | "nbf" | "clock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, text: &str, kind: CredentialsKind) -> Error {
        let message = format!("the service refused the request (HTTP 400, {code}, {text})");
        let error = Error::new(ErrorKind::Rejected, message).with_code(Some(code.to_owned()));
        explain_refusal(error, kind)
    }

    #[test]
    fn each_code_has_its_remedy() {
        use CredentialsKind::*;
        for (kind, code, text, remedy) in [
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
            let error = refused(code, text, kind);
            let actual = error.remedy().unwrap();
            assert!(actual.contains(remedy), "{code}, {text}: {actual}");
            assert_eq!(
                actual.contains("clock"),
                remedy == "clock",
                "{code}, {text}: {actual}"
            );
            assert_eq!(
                actual.contains("1 March 2026"),
                kind == Jwt,
                "{code}: {actual}"
            );
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.message().contains(code), "{error}");
        }
    }

    #[test]
    fn other_failures_are_unchanged() {
        let error = explain_refusal(
            Error::new(ErrorKind::Server, "down"),
            CredentialsKind::OAuth,
        );
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Server, None));
    }
}
