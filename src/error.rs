//! The one error type: what went wrong, where, in whose words, and whether the request reached the service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub type Result<T> = std::result::Result<T, Error>;

/// What a program may want to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's input can never be right; nothing was sent.
    InvalidArgument,
    /// The caller cancelled the call.
    Cancelled,
    /// The call's time was up.
    Deadline,
    /// The service asks for more patience than the caller allows.
    Throttled,
    /// No connection to the host: name not found, refused, unreachable.
    Connect,
    /// The TLS handshake failed or the certificate is not trusted.
    Tls,
    /// The proxy refused or could not be used.
    Proxy,
    /// Connected, but no complete answer within the time of one attempt.
    Timeout,
    /// The credentials or the token were refused.
    Auth,
    /// The credentials are fine but may not do this.
    Forbidden,
    /// The service does not know the group or the organisation.
    NotFound,
    /// The service refused the request as wrong.
    Rejected,
    /// The service or a gateway before it failed.
    Server,
    /// The answer could not be understood.
    Protocol,
    /// The service worked in the other mode: for real when asked for a test, or only as a test.
    WrongMode,
    /// A defect of this library, or a shortage of the operating system.
    Internal,
}

/// How far a request got before the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The service did not act on it: it never got out whole, or was turned away unread.
    NotSent,
    /// It may have reached the service; no answer says what became of it.
    Unknown,
    /// The service answered it.
    Answered,
}

/// Where an answer comes from, as far as its shape tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Service,
    /// The gateway before the service.
    Gateway,
    TokenService,
    /// A proxy, a firewall or another server: the shape is none of the others'.
    Intermediary,
}

/// What is not there, by the word of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The body is empty.
    Unsaid,
    Page,
    User,
    Group,
    /// The organisation, or something that the library does not know.
    Other,
}

/// Cheap to pass around and to clone: the details are shared, and stand for as many actions as met them.
#[derive(Clone)]
pub struct Error(Arc<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    message: String,
    delivery: Delivery,
    http_status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    endpoint: Option<String>,
    remedy: Option<String>,
    unconnected: bool,
    origin: Option<Origin>,
    absent: Option<Absent>,
    about_content: bool,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Details {
            kind,
            message: message.into(),
            delivery: Delivery::NotSent,
            http_status: None,
            code: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            endpoint: None,
            remedy: None,
            unconnected: false,
            origin: None,
            absent: None,
            about_content: false,
        }))
    }

    /// Whether one is a clone of the other and neither has been changed since: one failure may end many actions, each of
    /// which then has a clone of its error.
    pub fn is_same(&self, other: &Error) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn details(&mut self) -> &mut Details {
        Arc::make_mut(&mut self.0)
    }

    /// An argument that can never be right, named so that the caller finds it.
    pub fn invalid_argument(argument: &str, problem: impl fmt::Display) -> Self {
        Error::new(ErrorKind::InvalidArgument, format!("{argument}: {problem}"))
    }

    pub fn protocol(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Protocol, message).with_delivery(Delivery::Unknown)
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// One sentence for a person: what went wrong, the service's own words, and what to do where that is known.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// The status of the last HTTP answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's own error code, as it came.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The `X-Request-Id` to quote to Adobe's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often the request was tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Method and path of the call that failed, without query and without secrets.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// What to do about it, where that is known. The message says it too.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The message but for what to do.
    pub(crate) fn without_remedy(&self) -> &str {
        let remedy = self.remedy().and_then(|remedy| {
            let rest = self.message().strip_suffix(remedy)?;
            rest.strip_suffix("; ")
        });
        remedy.unwrap_or(self.message())
    }

    /// Changes the words that may be foreign: the message, what to do, and the code.
    pub(crate) fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        let remedy = self.0.remedy.as_deref().map(&change);
        let without_remedy = self.without_remedy();
        let message = change(without_remedy);
        self.details().message = match &remedy {
            Some(remedy) if without_remedy.len() < self.0.message.len() => {
                format!("{message}; {remedy}")
            }
            _ => message,
        };
        self.details().remedy = remedy;
        self.details().code = self.0.code.as_deref().map(&change);
        self
    }

    /// Whether not even a connection came about.
    pub(crate) fn is_unconnected(&self) -> bool {
        self.0.unconnected
    }

    /// Where the answer came from; `None` if there was none.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.0.origin
    }

    /// What the service does not know. `None` for every other kind of error than `NotFound`, and so for a token endpoint
    /// that is not there.
    pub(crate) fn absent(&self) -> Option<Absent> {
        self.0.absent.filter(|_| self.0.kind == ErrorKind::NotFound)
    }

    /// Whether the request was refused for what it holds, so that a part of it may pass.
    pub(crate) fn is_about_content(&self) -> bool {
        self.0.about_content && self.0.kind == ErrorKind::Rejected
    }

    /// Whether the same call may go better later, with nothing changed by the caller.
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::*;
        matches!(self.0.kind, Throttled | Connect | Timeout | Server)
            || self.code() == Some("error.throttled_by_external_service")
    }

    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.details().kind = kind;
        self
    }

    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.details().delivery = delivery;
        self
    }

    pub fn with_http_status(mut self, status: u16) -> Self {
        self.details().http_status = Some(status);
        self
    }

    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.details().code = code;
        self
    }

    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.details().request_id = Some(id.into());
        self
    }

    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.details().retry_after = wait;
        self
    }

    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.details().attempts = attempts;
        self
    }

    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.details().endpoint = Some(endpoint.into());
        self
    }

    /// Adds what to do to the message, and keeps it on its own too.
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into();
        self.details().message = format!("{}; {remedy}", self.0.message);
        self.details().remedy = Some(remedy);
        self
    }

    pub(crate) fn without_connection(mut self) -> Self {
        self.details().unconnected = true;
        self
    }

    pub(crate) fn with_origin(mut self, origin: Origin) -> Self {
        self.details().origin = Some(origin);
        self
    }

    pub(crate) fn with_absent(mut self, absent: Absent) -> Self {
        self.details().absent = Some(absent);
        self
    }

    pub(crate) fn about_content(mut self) -> Self {
        self.details().about_content = true;
        self
    }

    /// Adds a further sentence to the message.
    pub(crate) fn followed_by(mut self, what: impl fmt::Display) -> Self {
        self.details().message = format!("{}; {what}", self.0.message);
        self
    }

    /// Puts what the caller was doing before the message.
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.details().message = format!("{what}: {}", self.0.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("delivery", &self.0.delivery)
            .field("http_status", &self.0.http_status)
            .field("code", &self.0.code)
            .field("request_id", &self.0.request_id)
            .field("retry_after", &self.0.retry_after)
            .field("attempts", &self.0.attempts)
            .field("endpoint", &self.0.endpoint)
            .field("remedy", &self.0.remedy)
            .finish()
    }
}

impl std::error::Error for Error {}
