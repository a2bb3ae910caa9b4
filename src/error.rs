//! The error type of the library: what happened, where, what to do about it, and how far the request got.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The result of everything in this library that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of an error: what a program may want to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's input can never be right; nothing was sent.
    InvalidArgument,
    /// The caller cancelled the call.
    Cancelled,
    /// The call's time was up.
    Deadline,
    /// The service asks for a longer wait than the caller allows.
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
    /// The credentials are valid, but do not permit this.
    Forbidden,
    /// The service does not know the group or the organisation.
    NotFound,
    /// The service refused the request as wrong.
    Rejected,
    /// The service, or a gateway in front of it, failed.
    Server,
    /// The answer could not be understood.
    Protocol,
    /// The service worked in the other mode: for real although a test was asked for, or as a test although none was.
    WrongMode,
    /// A defect of this library, or a shortage of the operating system.
    Internal,
}

/// How far a request got before the error. All parts of the library use this one vocabulary:
///
/// | value | a failed attempt has it if | it is sent again | an action in it ends as |
/// |---|---|---|---|
/// | `NotSent` | its body did not leave (no connection, TLS, a proxy, no token), or the service throttled it | if the failure may pass | not sent; failed if an earlier request applied a part of the action |
/// | `Unknown` | its body left and no answer tells what became of it: the connection broke, the time was up, the service or its gateway failed (408, 500, 502, 503, 504), or the answer cannot be understood | if the failure may pass and the request may run twice with the same end | unknown |
/// | `Answered` | it got any other answer | not as it was; in halves if its content was refused | failed, where the answer refuses the request as a whole |
///
/// Of several attempts and repeats of one request, one with the value `Unknown` makes it the value of all of them,
/// unless a later one succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The service did not act on the request: it did not leave whole, or was turned away unread.
    NotSent,
    /// The request may have reached the service; no answer tells what became of it.
    Unknown,
    /// The service, or something before it, answered the request.
    Answered,
}

impl Delivery {
    /// How far a request got that was sent before and got as far as `earlier`.
    pub(crate) fn after(self, earlier: Delivery) -> Delivery {
        match earlier {
            Delivery::Unknown => Delivery::Unknown,
            Delivery::NotSent | Delivery::Answered => self,
        }
    }
}

/// The sender of an answer, as far as its shape tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Service,
    /// The gateway in front of the service.
    Gateway,
    TokenService,
    /// A proxy, a firewall or another server: the answer has none of the known shapes.
    Intermediary,
}

/// What the service says is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The body is empty, so that the service does not say.
    Unsaid,
    Page,
    User,
    Group,
    /// The organisation, or something that the library does not know.
    Other,
}

/// An error of this library. It is cheap to clone: clones share the details, and the actions that meet the same error hold
/// clones of it.
///
/// ```
/// use umapi::{Action, Delivery, ErrorKind};
///
/// let error = Action::on_user("", None).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
/// assert_eq!(error.delivery(), Delivery::NotSent);
/// assert_eq!(error.message(), "user: must not be empty");
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Arc<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    /// What happened, without the words of the source and without the remedy.
    what: String,
    /// The quoted words of the source of the error, such as the service.
    source: Option<String>,
    /// What to do about it.
    remedy: Option<String>,
    /// The three above, joined when they are first shown.
    shown: OnceLock<String>,
    delivery: Delivery,
    http_status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    endpoint: Option<String>,
    is_unconnected: bool,
    origin: Option<Origin>,
    absent: Option<Absent>,
    is_about_content: bool,
}

impl Error {
    /// An error of a request that was not sent; `what` says what happened.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error(Arc::new(Details {
            kind,
            what: what.into(),
            source: None,
            remedy: None,
            shown: OnceLock::new(),
            delivery: Delivery::NotSent,
            http_status: None,
            code: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            endpoint: None,
            is_unconnected: false,
            origin: None,
            absent: None,
            is_about_content: false,
        }))
    }

    /// Whether both are clones of one error, and neither has been changed since: one failure may end many actions, each
    /// of which then has a clone of its error.
    pub fn is_same(&self, other: &Error) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn details(&mut self) -> &mut Details {
        let details = Arc::make_mut(&mut self.0);
        details.shown.take();
        details
    }

    /// The error about an argument that can never be right; `argument` names it as the caller does.
    pub fn invalid_argument(argument: &str, problem: impl fmt::Display) -> Self {
        Error::new(ErrorKind::InvalidArgument, format!("{argument}: {problem}"))
    }

    /// The error about an answer that cannot be understood.
    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Protocol, what).with_delivery(Delivery::Unknown)
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// One sentence for a person: what happened, the source's own words, and what to do where that is known.
    pub fn message(&self) -> &str {
        let Details { source, remedy, .. } = &*self.0;
        match (source, remedy) {
            (None, None) => &self.0.what,
            _ => self.0.shown.get_or_init(|| self.joined(remedy.as_deref())),
        }
    }

    /// The message without what to do.
    pub(crate) fn without_remedy(&self) -> String {
        self.joined(None)
    }

    fn joined(&self, remedy: Option<&str>) -> String {
        let mut joined = self.0.what.clone();
        for part in [self.0.source.as_deref(), remedy].into_iter().flatten() {
            joined.push_str("; ");
            joined.push_str(part);
        }
        joined
    }

    /// How far the request got.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// The status of the last HTTP answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's own error code, as the answer has it.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The `X-Request-Id` of the request, to quote to Adobe's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asks the caller to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often the request was tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Method and path of the request that failed, without query and without secrets.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// What to do about the error, where that is known. The message includes it.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// Changes the words that may be foreign: the message, what to do, and the code.
    pub(crate) fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        let details = self.details();
        details.what = change(&details.what);
        for words in [&mut details.source, &mut details.remedy, &mut details.code] {
            *words = words.as_deref().map(&change);
        }
        self
    }

    /// Whether not even a connection came about.
    pub(crate) fn is_unconnected(&self) -> bool {
        self.0.is_unconnected
    }

    /// The sender of the answer; `None` if there was no answer.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.0.origin
    }

    /// What the service says is not there. `None` for every other kind of error than `NotFound`, and so for a token
    /// endpoint that is not there.
    pub(crate) fn absent(&self) -> Option<Absent> {
        self.0.absent.filter(|_| self.0.kind == ErrorKind::NotFound)
    }

    /// Whether the request was refused for its content, so that a part of it may pass.
    pub(crate) fn is_about_content(&self) -> bool {
        self.0.is_about_content && self.0.kind == ErrorKind::Rejected
    }

    /// Whether the same call may succeed later, with nothing changed by the caller.
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::*;
        matches!(self.0.kind, Throttled | Connect | Timeout | Server)
            || self.code() == Some("error.throttled_by_external_service")
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.details().kind = kind;
        self
    }

    pub(crate) fn with_delivery(mut self, delivery: Delivery) -> Self {
        // An error that has the value stays shared with its clones.
        if self.0.delivery != delivery {
            self.details().delivery = delivery;
        }
        self
    }

    pub(crate) fn with_http_status(mut self, status: u16) -> Self {
        self.details().http_status = Some(status);
        self
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        self.details().code = code;
        self
    }

    pub(crate) fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.details().request_id = Some(id.into());
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.details().retry_after = wait;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.details().attempts = attempts;
        self
    }

    pub(crate) fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.details().endpoint = Some(endpoint.into());
        self
    }

    /// Sets what to do about the error.
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.details().remedy = Some(remedy.into());
        self
    }

    /// Sets the quoted words of the source of the error.
    pub(crate) fn with_source(mut self, words: impl Into<String>) -> Self {
        self.details().source = Some(words.into());
        self
    }

    /// Marks that not even a connection came about.
    pub(crate) fn without_connection(mut self) -> Self {
        self.details().is_unconnected = true;
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

    /// Marks that the request was refused for its content.
    pub(crate) fn about_content(mut self) -> Self {
        self.details().is_about_content = true;
        self
    }

    /// Puts what the library was doing before what happened.
    pub(crate) fn context(mut self, doing: impl fmt::Display) -> Self {
        let details = self.details();
        details.what = format!("{doing}: {}", details.what);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.message())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_the_source_and_the_remedy_are_joined_when_shown() {
        let error = Error::new(ErrorKind::Rejected, "it was refused");
        assert_eq!(error.message(), "it was refused");
        let error = error.with_remedy("ask again").with_source("it says: no");
        assert_eq!(error.message(), "it was refused; it says: no; ask again");
        assert_eq!(error.without_remedy(), "it was refused; it says: no");
        assert_eq!(error.remedy(), Some("ask again"));
        let shown_before = error.context("adding").map_words(str::to_uppercase);
        let told = "ADDING: IT WAS REFUSED; IT SAYS: NO; ASK AGAIN";
        assert_eq!(shown_before.message(), told);
        assert_eq!(shown_before.to_string(), told);
    }

    #[test]
    fn an_error_that_has_the_delivery_stays_shared() {
        let error = Error::new(ErrorKind::Server, "down");
        let clone = error.clone().with_delivery(Delivery::NotSent);
        assert!(clone.is_same(&error));
        let sent = error.clone().with_delivery(Delivery::Unknown);
        assert!(!sent.is_same(&error));
        assert_eq!(error.delivery(), Delivery::NotSent);
    }

    #[test]
    fn what_was_not_known_once_stays_unknown() {
        use Delivery::*;
        for earlier in [NotSent, Answered] {
            for now in [NotSent, Unknown, Answered] {
                assert_eq!(now.after(earlier), now);
            }
        }
        for now in [NotSent, Unknown, Answered] {
            assert_eq!(now.after(Unknown), Unknown);
        }
    }
}
