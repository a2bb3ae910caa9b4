use super::callback::{UserData, run_callback, umapi_destroy_fn};
use super::driver;
use super::error::umapi_error;
use super::handle::{Owned, change, free, handle, new};
use super::input::{bytes, count, flag, milliseconds, one_of, optional_text, text};
use super::number::{Number, numbers};
use super::output::c_text;
use super::status::umapi_status;
use crate::ClientOptions;
use crate::Error;
use crate::RateLimit;
use crate::Secret;
use crate::{LogLevel, Logger};
use std::ffi::{CStr, c_char, c_void};
use std::path::Path;
use std::sync::Arc;

/// How a client behaves. Copied into each client made with it, and may be freed after that. One thread at a time.
///
/// @since 0.1.0
pub struct umapi_client_options(ClientOptions);

handle!(umapi_client_options as "options": ClientOptions);
impl Owned for umapi_client_options {}

/// Options with the defaults for Adobe's production service; free with umapi_client_options_free. NULL only if there
/// is no memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_client_options_new() -> *mut umapi_client_options {
    new(ClientOptions::default)
}

/// Sets the root URL of the service, in place of `https://usermanagement.adobe.io/v2/usermanagement`.
///
/// @param options   the options.
/// @param endpoint  an https URL, or http with a loopback address; copied.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_endpoint(
    options: *mut umapi_client_options,
    endpoint: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_endpoint(text("endpoint", endpoint)?)?)
        })
    }
}

/// Sets test mode: the service checks actions and changes nothing. Actions that could delete an account are not sent
/// in it (see umapi_client_options_set_account_deletes_in_test_mode).
///
/// @param options  the options.
/// @param enabled  1 or 0; the default is 0.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_test_mode(
    options: *mut umapi_client_options,
    enabled: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.test_mode = flag("enabled", enabled)?;
            Ok(())
        })
    }
}

/// Lets actions that delete accounts through in test mode. The service's test mode once deleted for real; set this
/// only if you are sure of it.
///
/// @param options  the options.
/// @param allowed  1 or 0; the default is 0.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_account_deletes_in_test_mode(
    options: *mut umapi_client_options,
    allowed: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.account_deletes_in_test_mode = flag("allowed", allowed)?;
            Ok(())
        })
    }
}

/// Sets how long connecting to a host may take, TLS included.
///
/// @param options     the options.
/// @param timeout_ms  milliseconds, at least 1; the default is 30,000.
/// @param error       receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_connect_timeout_ms(
    options: *mut umapi_client_options,
    timeout_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.transport.connect_timeout = milliseconds("timeout_ms", timeout_ms)?;
            Ok(())
        })
    }
}

/// Sets how long one attempt may take, from connecting to the last byte of the answer.
///
/// @param options     the options.
/// @param timeout_ms  milliseconds, at least 1; the default is 120,000.
/// @param error       receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_attempt_timeout_ms(
    options: *mut umapi_client_options,
    timeout_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.transport.attempt_timeout = milliseconds("timeout_ms", timeout_ms)?;
            Ok(())
        })
    }
}

/// Sets when a request is tried again. It is, after 429, 408, 500, 502, 503, 504, failed connections and timeouts,
/// unless it might then be done twice: an action whose answer was lost is sent again only if all its commands may run
/// twice with the same end.
///
/// Where no connection was to be had (the name is not found, the host refuses or keeps silent, the proxy cannot reach
/// it), the next attempt comes after 1, 2, 4 seconds, or sooner if `first_delay_ms` is less, and none once the connect
/// timeout has passed since the first of them: such a failure is told within seconds. Failures of TLS, certificates and
/// of the proxy itself are told at once.
///
/// @param options         the options.
/// @param max_attempts    how often a request is tried in all; 1 turns retries off; the default is 4.
/// @param first_delay_ms  the wait before the second attempt where the service names none; it doubles each time, and
///                        up to a third is added at random; at least 1; the default is 15,000.
/// @param max_wait_ms     the longest wait put up with; if the service asks for more, the call ends at once with
///                        `UMAPI_STATUS_THROTTLED`; at least 1; the default is 300,000.
/// @param error           receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_retry(
    options: *mut umapi_client_options,
    max_attempts: i32,
    first_delay_ms: i64,
    max_wait_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let max_attempts = count("max_attempts", max_attempts)?;
            let first_delay = milliseconds("first_delay_ms", first_delay_ms)?;
            let max_wait = milliseconds("max_wait_ms", max_wait_ms)?;
            o.retry.max_attempts = max_attempts;
            o.retry.first_delay = first_delay;
            o.retry.max_wait = max_wait;
            Ok(())
        })
    }
}

/// Sets the pace at which requests of a class are sent, in place of the service's documented limit for one client id:
/// 25 a minute for users and for one user, 5 for groups and for user groups, 10 for actions. All clients of the process
/// with the same endpoint, client id and limits share one pace.
///
/// Half of the limit is taken on trust. What goes beyond that, and beyond what the service has let through before, goes
/// one request at a time. If the service refuses (HTTP 429) where the limit leaves room, what it did let through in the
/// window is the limit for some windows; then the one that is set here is tried again.
///
/// @param options    the options.
/// @param endpoint   one of `UMAPI_ENDPOINT_*`.
/// @param requests   how many requests in each window; 0 for no limit.
/// @param window_ms  the window in milliseconds, at least 1.
/// @param error      receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_rate_limit(
    options: *mut umapi_client_options,
    endpoint: i32,
    requests: i32,
    window_ms: i64,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let class = one_of("endpoint", endpoint)?;
            let window = milliseconds("window_ms", window_ms)?;
            let limit = match requests {
                0 => None,
                _ => Some(RateLimit {
                    requests: count("requests", requests)?,
                    window,
                }),
            };
            o.rate_limits.set(class, limit);
            Ok(())
        })
    }
}

/// Sets how much goes into one request of actions. The service documents 10 entries a request and 10 names a list; 10
/// steps an entry is the figure of Adobe's own client.
///
/// @param options              the options.
/// @param entries_per_request  at least 1; the default is 10.
/// @param steps_per_entry      at least 1; the default is 10.
/// @param names_per_step       at least 1; the default is 10.
/// @param error                receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_batch_limits(
    options: *mut umapi_client_options,
    entries_per_request: i32,
    steps_per_entry: i32,
    names_per_step: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let entries = count("entries_per_request", entries_per_request)?;
            let steps = count("steps_per_entry", steps_per_entry)?;
            let names = count("names_per_step", names_per_step)?;
            o.batch_limits.entries_per_request = entries as usize;
            o.batch_limits.steps_per_entry = steps as usize;
            o.batch_limits.names_per_step = names as usize;
            Ok(())
        })
    }
}

/// Sets how many pages of a listing may be on their way at once. Pages are always delivered in order; each one on its
/// way takes the memory of its answer.
///
/// @param options  the options.
/// @param pages    at least 1, which reads one after the other; the default is 8.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_read_ahead(
    options: *mut umapi_client_options,
    pages: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.read_ahead = count("pages", pages)?;
            Ok(())
        })
    }
}

/// Sets what stands before the library's own name in the `User-Agent` header, such as "acme-sync/2.1".
///
/// @param options  the options.
/// @param prefix   1 to 256 printable ASCII characters; copied.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_user_agent_prefix(
    options: *mut umapi_client_options,
    prefix: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set_user_agent_prefix(text("prefix", prefix)?)?)
        })
    }
}

/// Adds certificates to trust, for the service and for the token endpoint: the CA of a company that inspects TLS, or of
/// the sandbox. They stand beside those of the platform, unless umapi_client_options_set_platform_certificates leaves
/// these out.
///
/// @param options  the options.
/// @param pem      one or more certificates in PEM, or in DER; copied.
/// @param length   its length in bytes.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_add_ca_pem(
    options: *mut umapi_client_options,
    pem: *const c_char,
    length: usize,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.add_ca_certificates(bytes("pem", pem, length)?)?)
        })
    }
}

/// Adds certificates to trust, as umapi_client_options_add_ca_pem does, from a file.
///
/// @param options  the options.
/// @param path     a file with one or more certificates in PEM, or in DER; at most 1 MiB; read now.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_add_ca_file(
    options: *mut umapi_client_options,
    path: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.add_ca_file(Path::new(text("path", path)?))?)
        })
    }
}

/// Sets whether the certificates that the platform trusts are trusted: on Linux those of the distribution, or of
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` in the environment; on macOS and Windows those of the system. Without them only
/// the added ones are, and umapi_client_new fails if there are none.
///
/// @param options  the options.
/// @param trusted  1 or 0; the default is 1.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_platform_certificates(
    options: *mut umapi_client_options,
    trusted: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.set_platform_certificates(flag("trusted", trusted)?);
            Ok(())
        })
    }
}

/// DANGER: turns the verification of certificates off. Whoever sits on the line can then read the client secret and the
/// token, and change whatever is read or written; TLS protects nothing any more. It is for a short look at a network
/// that is in pieces, never for work; what you want is umapi_client_options_add_ca_file. Every client that is made with
/// it says so in its log, at `UMAPI_LOG_WARN`.
///
/// @param options   the options.
/// @param accepted  1 or 0; the default is 0.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_danger_accept_invalid_certificates(
    options: *mut umapi_client_options,
    accepted: i32,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.set_danger_accept_invalid_certificates(flag("accepted", accepted)?);
            Ok(())
        })
    }
}

/// Sets the proxy for every https connection, to the service and to the token endpoint. It takes the place of what the
/// environment says: without this function (and umapi_client_options_disable_proxy) the first of `HTTPS_PROXY`,
/// `https_proxy`, `ALL_PROXY`, `all_proxy` that is set names the proxy, as `http://user:password@host:port` (with
/// percent-encoding for special characters), and `NO_PROXY` or `no_proxy` lists the hosts that are reached straight, by
/// domain (with all below it), address or network (`10.0.0.0/8`), or `*` for all, but not by port; on macOS and Windows the
/// system's settings come last. The environment is read when a client makes its first connection.
/// `NO_PROXY` does not apply to a proxy set here. Plain http, which is for loopback addresses only, never takes a proxy.
///
/// @param options   the options.
/// @param url       the proxy: `http://host:port` or `https://host:port` (asked by CONNECT), `socks5://host:port`
///                  (SOCKS 5; this machine looks up the host's address) or `socks5h://host:port` (SOCKS 5; the proxy
///                  looks it up, which is what networks without outer name service need); copied.
/// @param user      the user; NULL for a proxy without login. HTTP proxies are given it as Basic authentication; NTLM
///                  and Negotiate are not spoken.
/// @param password  the password; NULL for none; copied, zeroed when no longer needed, never shown.
/// @param error     receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_proxy(
    options: *mut umapi_client_options,
    url: *const c_char,
    user: *const c_char,
    password: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let url = text("url", url)?;
            let user = optional_text("user", user)?;
            let password = optional_text("password", password)?;
            if user.is_none() && password.is_some() {
                return Err(Error::invalid_argument("user", "is NULL beside a password").into());
            }
            let login = user.map(|user| (user, Secret::from(password.unwrap_or_default())));
            Ok(o.set_proxy(url, login)?)
        })
    }
}

/// Turns proxies off, whatever the environment says.
///
/// @param options  the options.
/// @param error    receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_disable_proxy(
    options: *mut umapi_client_options,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            o.disable_proxy();
            Ok(())
        })
    }
}

/// Log lines about what failed for good.
pub const UMAPI_LOG_ERROR: i32 = 1;
/// Also about what failed and is tried again.
pub const UMAPI_LOG_WARN: i32 = 2;
/// Also about what happens rarely, such as a new token.
pub const UMAPI_LOG_INFO: i32 = 3;
/// Also about every request and answer.
pub const UMAPI_LOG_DEBUG: i32 = 4;

numbers!(LogLevel {
    Error = UMAPI_LOG_ERROR,
    Warn = UMAPI_LOG_WARN,
    Info = UMAPI_LOG_INFO,
    Debug = UMAPI_LOG_DEBUG,
});

/// Takes a log line: one of `UMAPI_LOG_*` and a text that is valid until it returns. Lines never hold a secret.
///
/// It runs on the thread whose call the line is about, before that call returns. A line about work beside the calls, such as
/// a page that is fetched ahead or the renewal of a token, comes on a thread whose call of the same client is under way, or
/// with the next such call; of lines that wait for one, the newest 1,000 are kept. See "Callbacks" in the first chapter for
/// what it may call.
///
/// @since 0.1.0
pub type umapi_log_fn =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// Sets where log lines go; without it the library is quiet.
///
/// @param options    the options.
/// @param level      the least important lines wanted: one of `UMAPI_LOG_*`.
/// @param log        the callback. It runs on the threads that make calls, on several at once.
/// @param user_data  given to it.
/// @param destroy    called with `user_data` when the options and the last client made with them are gone; may be
///                   NULL. Not called if this function fails.
/// @param error      receives the error; may be NULL.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set_log(
    options: *mut umapi_client_options,
    level: i32,
    log: umapi_log_fn,
    user_data: *mut c_void,
    destroy: umapi_destroy_fn,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            let level: LogLevel = one_of("level", level)?;
            let log = log.ok_or_else(|| Error::invalid_argument("log", "is NULL"))?;
            let user_data = UserData::new(user_data, destroy);
            let log = move |level: i32, line: &CStr| log(level, line.as_ptr(), user_data.pointer());
            o.logger = Logger::new(level, on_threads_of_program(Arc::new(log)));
            Ok(())
        })
    }
}

/// A sink that runs `log` on threads of the program alone: a line that a driver tells is left for a call.
fn on_threads_of_program(
    log: Arc<impl Fn(i32, &CStr) + Send + Sync + 'static>,
) -> impl Fn(LogLevel, &str) + Send + Sync + 'static {
    move |level, line| {
        let number = level.number();
        let (log, line) = (log.clone(), c_text(line));
        match driver::of_this_thread() {
            Some(outbox) => outbox.put(Box::new(move || log(number, &line))),
            None => run_callback(|| log(number, &line)),
        }
    }
}

/// Frees options. Clients made with them are not affected. NULL is fine.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_free(options: *mut umapi_client_options) {
    unsafe { free(options) }
}
