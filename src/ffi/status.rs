use super::number::numbers;
use crate::ErrorKind;

/// The result of a function that can fail: `UMAPI_OK` or the kind of failure. The numbers never change. Later versions
/// may add numbers, so treat one that you do not know as `UMAPI_STATUS_INTERNAL`.
///
/// @since 0.1.0
pub type umapi_status = i32;

/// Success.
pub const UMAPI_OK: umapi_status = 0;
/// An argument is not valid; the message names it. Nothing was sent and nothing has changed.
pub const UMAPI_STATUS_INVALID_ARGUMENT: umapi_status = 1;
/// The call was cancelled by `umapi_cancel_trigger`.
pub const UMAPI_STATUS_CANCELLED: umapi_status = 2;
/// The time of the call (`umapi_call_set_timeout_ms`) ran out.
pub const UMAPI_STATUS_DEADLINE: umapi_status = 3;
/// The service requires a longer wait than the call allows; umapi_error_retry_after_ms returns its length.
pub const UMAPI_STATUS_THROTTLED: umapi_status = 4;
/// The connection failed: the name was not found, the host refused or was not reached, or the connection broke. If no
/// connection was established at all, retries end after some seconds.
pub const UMAPI_STATUS_CONNECT: umapi_status = 5;
/// The TLS handshake failed or the certificate is not trusted. Not retried.
pub const UMAPI_STATUS_TLS: umapi_status = 6;
/// The proxy refused the connection or could not be used. Not retried.
pub const UMAPI_STATUS_PROXY: umapi_status = 7;
/// The connection was established, but no complete answer came within the time of one attempt.
pub const UMAPI_STATUS_TIMEOUT: umapi_status = 8;
/// The credentials or the token were refused.
pub const UMAPI_STATUS_AUTH: umapi_status = 9;
/// The credentials are valid but do not permit this.
pub const UMAPI_STATUS_FORBIDDEN: umapi_status = 10;
/// The service does not know the group or the organisation. For a host that does not know the service's paths the
/// status is `UMAPI_STATUS_PROTOCOL`.
pub const UMAPI_STATUS_NOT_FOUND: umapi_status = 11;
/// The service refused the request as wrong, or a system between, such as a firewall, refused this one request; the
/// message says which.
pub const UMAPI_STATUS_REJECTED: umapi_status = 12;
/// The service, or a gateway in front of it, failed.
pub const UMAPI_STATUS_SERVER: umapi_status = 13;
/// The answer could not be understood.
pub const UMAPI_STATUS_PROTOCOL: umapi_status = 14;
/// A client that was made before a fork was used in the child. Make a new client in the child.
pub const UMAPI_STATUS_FORK: umapi_status = 15;
/// A defect of the library: a panic was caught. The handle that was used may be freed, but not used otherwise.
pub const UMAPI_STATUS_PANIC: umapi_status = 16;
/// A defect of the library, or a shortage in the operating system, such as of descriptors or memory; in that case the
/// message contains the system's error.
pub const UMAPI_STATUS_INTERNAL: umapi_status = 17;
/// The service used the wrong mode: by its own count it applied actions that were sent in test mode, or only tested
/// actions that were to be applied. The outcome of these actions is unknown, and the rest of the run is not sent. Check
/// what has changed before you send anything else.
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
