//! The kinds of steps of a self-check, and their results.

use serde::Serialize;

/// The kind of a step of a self-check. Steps run in this order; those from name to TLS run for each host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepKind {
    /// The options are valid, the trusted certificates can be loaded, and the proxy in the environment is valid.
    Configuration,
    /// The name of the host, or of the proxy for it, resolves to an address.
    Name,
    /// That address accepts a TCP connection.
    Connect,
    /// The proxy connects to the host. Passes too if there is no proxy.
    Proxy,
    /// The TLS handshake with the host succeeds, and the host answers in HTTP.
    Tls,
    /// The token host, or the token callback, gives an access token.
    Token,
    /// A call of the API succeeds.
    Call,
}

impl StepKind {
    /// The name in messages.
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

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    /// The step succeeded.
    Passed,
    /// The step failed; [`crate::Step::error`] says why, and [`crate::Step::remedy`] what to do.
    Failed,
    /// The step was not tried, since a step that it needs has failed.
    Skipped,
}
