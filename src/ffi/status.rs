use super::number::numbers;
use crate::ErrorKind;

/// What a fallible function answers: `UMAPI_OK` or the kind of failure. The numbers never change; a later version
/// may add some, so treat one that you do not know as `UMAPI_STATUS_INTERNAL`.
///
/// @since 0.1.0
pub type umapi_status = i32;

/// Done.
pub const UMAPI_OK: umapi_status = 0;
/// An argument can never be right; the message names it. Nothing was sent and nothing has changed.
pub const UMAPI_STATUS_INVALID_ARGUMENT: umapi_status = 1;
/// The call was cancelled by `umapi_cancel_trigger`.
pub const UMAPI_STATUS_CANCELLED: umapi_status = 2;
/// The time of the call (`umapi_call_set_timeout_ms`) was up.
pub const UMAPI_STATUS_DEADLINE: umapi_status = 3;
/// The service asks for a longer pause than the call may wait; `umapi_error_retry_after_ms` has the figure.
pub const UMAPI_STATUS_THROTTLED: umapi_status = 4;
/// No connection: the name was not found, the host refused or was not reached, or the connection broke. Retried for
/// seconds only, if there never was a connection.
pub const UMAPI_STATUS_CONNECT: umapi_status = 5;
/// The TLS handshake failed or the certificate is not trusted. Not retried.
pub const UMAPI_STATUS_TLS: umapi_status = 6;
/// The proxy refused or could not be used. Not retried.
pub const UMAPI_STATUS_PROXY: umapi_status = 7;
/// Connected, but no complete answer in the time of one attempt.
pub const UMAPI_STATUS_TIMEOUT: umapi_status = 8;
/// The credentials or the token were refused.
pub const UMAPI_STATUS_AUTH: umapi_status = 9;
/// The credentials are fine but may not do this.
pub const UMAPI_STATUS_FORBIDDEN: umapi_status = 10;
/// The service does not know the group or the organisation. A host that knows none of the service's addresses is
/// `UMAPI_STATUS_PROTOCOL`.
pub const UMAPI_STATUS_NOT_FOUND: umapi_status = 11;
/// The service refused the request as wrong, or something on the way to it, such as a firewall, refused this one
/// request; the message tells which.
pub const UMAPI_STATUS_REJECTED: umapi_status = 12;
/// The service, or a gateway before it, failed.
pub const UMAPI_STATUS_SERVER: umapi_status = 13;
/// The answer could not be understood.
pub const UMAPI_STATUS_PROTOCOL: umapi_status = 14;
/// The client was made before a fork and used in the child. Make a new client there.
pub const UMAPI_STATUS_FORK: umapi_status = 15;
/// A defect of the library was caught at its boundary. The handle that was used may be freed, and nothing else.
pub const UMAPI_STATUS_PANIC: umapi_status = 16;
/// A defect of the library, or something that it could not get from the operating system, such as descriptors or memory:
/// then the message has the system's words.
pub const UMAPI_STATUS_INTERNAL: umapi_status = 17;
/// The service worked in the other mode than was asked for: by its own count it did in earnest what a client in test
/// mode sent, or only tried out what was to be done. The actions concerned are unknown, and the rest of the run is not
/// sent. Look at what has changed before anything else is sent.
pub const UMAPI_STATUS_WRONG_MODE: umapi_status = 18;

numbers!(ErrorKind {
    InvalidArgument = UMAPI_STATUS_INVALID_ARGUMENT,
    Cancelled = UMAPI_STATUS_CANCELLED,
    Deadline = UMAPI_STATUS_DEADLINE,
    Throttled = UMAPI_STATUS_THROTTLED,
    Connect = UMAPI_STATUS_CONNECT,
    Tls = UMAPI_STATUS_TLS,
    Proxy = UMAPI_STATUS_PROXY,
    Timeout = UMAPI_STATUS_TIMEOUT,
    Auth = UMAPI_STATUS_AUTH,
    Forbidden = UMAPI_STATUS_FORBIDDEN,
    NotFound = UMAPI_STATUS_NOT_FOUND,
    Rejected = UMAPI_STATUS_REJECTED,
    Server = UMAPI_STATUS_SERVER,
    Protocol = UMAPI_STATUS_PROTOCOL,
    WrongMode = UMAPI_STATUS_WRONG_MODE,
    Internal = UMAPI_STATUS_INTERNAL,
});
