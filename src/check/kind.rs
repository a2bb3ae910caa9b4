//! The steps there are, and how they can end.

use serde::Serialize;

/// What is tried, in this order; from name to TLS for each host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepKind {
    /// The options, the certificates to trust, the proxy in the environment.
    Configuration,
    /// The address of the host, or of the proxy on the way to it.
    Name,
    /// A connection to that address.
    Connect,
    /// A way through the proxy.
    Proxy,
    /// The TLS handshake with the host, and an answer in HTTP.
    Tls,
    /// An access token.
    Token,
    /// A call of the API.
    Call,
}

impl StepKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            StepKind::Configuration => "configuration",
            StepKind::Name => "name",
            StepKind::Connect => "connect",
            StepKind::Proxy => "proxy",
            StepKind::Tls => "TLS",
            StepKind::Token => "token",
            StepKind::Call => "API call",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    Passed,
    Failed,
    /// Not tried, since a step that it needs has failed.
    Skipped,
}
