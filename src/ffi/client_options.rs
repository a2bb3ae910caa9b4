use super::callback::{UserData, run_callback, umapi_destroy_fn};
use super::driver;
use super::error::umapi_error;
use super::handle::{Owned, change, free, handle, new};
use super::input::{bytes, flag, one_of, optional_text, text};
use super::number::{Number, numbers};
use super::output::c_text;
use super::status::umapi_status;
use crate::Error;
use crate::Secret;
use crate::{BatchLimits, ClientOptions, RateLimit, RetryPolicy};
use crate::{LogLevel, Logger};
use std::ffi::{CStr, c_char, c_void};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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

/// A time; a negative one becomes 0, which no setter accepts.
fn time(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// A count; a negative one becomes 0, which no setter accepts.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Sets one option by its key, as a configuration file or a variable of the environment would
/// (umapi_client_new_from_file, umapi_client_new_from_environment): for programs that pass on what their own users
/// configure. Where there is a function of its own for an option, both do the same and make the same checks.
///
/// The keys, with the default where there is one:
///
/// - `endpoint` (`https://usermanagement.adobe.io/v2/usermanagement`): The root URL of the service: https, or http
///   with a loopback address.
/// - `ca_file`: A file with certificates in PEM or DER to trust besides those of the platform.
/// - `platform_certificates` (`true`): Whether the certificates that the platform trusts are trusted.
/// - `danger_accept_invalid_certificates` (`false`): DANGER: turns the verification of certificates off; each client
///   logs a warning.
/// - `proxy`: The proxy, as `http://host:port`, `https:`, `socks5:` or `socks5h:`, or `off` for none.
/// - `proxy_user`: The user for the proxy; set it after `proxy`.
/// - `proxy_password`: The password for the proxy; set it after `proxy_user`.
/// - `user_agent_prefix`: Text before the library's name in `User-Agent`: 1 to 256 printable ASCII characters.
/// - `connect_timeout_ms` (`30000`): How long connecting to a host may take, TLS included; at least 1.
/// - `attempt_timeout_ms` (`120000`): How long one attempt may take, from connecting to the last byte of its answer;
///   at least 1.
/// - `max_attempts` (`4`): How often a request is tried in all; at least 1, which turns retries off.
/// - `first_retry_delay_ms` (`15000`): The wait before the second attempt where the service names none, and doubled
///   with each further one; at least 1.
/// - `max_retry_wait_ms` (`300000`): The longest single wait of a call, which fails if the service asks for more; at
///   least 1.
/// - `rate_limit_users` (`25/60000`): The pace of listings of users: requests/milliseconds, or `off`.
/// - `rate_limit_user` (`25/60000`): The pace of requests for one user, likewise.
/// - `rate_limit_groups` (`5/60000`): The pace of listings of groups, likewise.
/// - `rate_limit_user_groups` (`5/60000`): The pace of the deprecated listing of user groups, likewise.
/// - `rate_limit_action` (`10/60000`): The pace of requests of actions, likewise.
/// - `rate_limit_token` (`off`): The pace of requests for a token, likewise.
/// - `rate_limit_status` (`off`): The pace of requests for the service's status, likewise.
/// - `entries_per_request` (`10`): How many entries a request of actions has at most; at least 1.
/// - `steps_per_entry` (`10`): How many steps an entry has at most; at least 1.
/// - `names_per_step` (`10`): How many names a step has at most; at least 1.
/// - `test_mode` (`false`): Whether the service only checks actions, and changes nothing.
/// - `account_deletes_in_test_mode` (`false`): Whether actions that delete accounts are sent in test mode, which once
///   deleted for real.
/// - `read_ahead` (`8`): How many pages of a listing may be under way at once; at least 1, which reads one after the
///   other.
/// - `log_level`: The least important lines that the program's log callback gets: `error`, `warn`, `info` or `debug`.
///
/// A flag is `true` or `1`, `false` or `0`. Times are whole numbers of milliseconds. A rate limit is a number of requests
/// and the milliseconds of their window, such as `25/60000`; see umapi_client_options_set_rate_limit. `ca_file` adds to the
/// certificates that were added before. `proxy` takes the place of a proxy and a login that were set before. `log_level`
/// has an effect on the callback of umapi_client_options_set_log, which must have been set before.
///
/// The keys of the organisation and of the credentials (`org_id`, `client_id`, `client_secret`, `tech_acct_id`,
/// `private_key_path`, `private_key_passphrase`, `auth_host`, `auth_path`) are keys of a configuration, but no options of
/// a client; they are refused here.
///
/// @param options  the options.
/// @param key      one of the keys above; copied.
/// @param value    the value as text; copied. `proxy_password` is zeroed when no longer needed, and never shown.
/// @param error    receives the error; may be NULL. Its message begins with the key; for a key that is unknown it names
///                 the nearest one.
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_client_options_set(
    options: *mut umapi_client_options,
    key: *const c_char,
    value: *const c_char,
    error: *mut *mut umapi_error,
) -> umapi_status {
    unsafe {
        change(options, error, |o| {
            Ok(o.set(text("key", key)?, text("value", value)?)?)
        })
    }
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
            o.set_test_mode(flag("enabled", enabled)?);
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
            o.set_account_deletes_in_test_mode(flag("allowed", allowed)?);
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
            Ok(o.set_connect_timeout(time(timeout_ms))?)
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
            Ok(o.set_attempt_timeout(time(timeout_ms))?)
        })
    }
}

/// Sets when a request is tried again. A request is tried again after 429, 408, 500, 502, 503, 504, failed connections and
/// timeouts, unless it might then be executed twice: an action whose answer was lost is sent again only if all its commands
/// may run twice with the same result.
///
/// If no connection can be made (the name is not found, the host refuses or does not answer, the proxy cannot reach it), the
/// next attempts follow after 1, 2 and 4 seconds, or sooner if `first_delay_ms` is less, and none follows once the connect
/// timeout has passed since the first of them, so that such a failure is reported within seconds. Failures of TLS, of
/// certificates and of the proxy itself are reported at once.
///
/// @param options         the options.
/// @param max_attempts    how often a request is tried in all; 1 turns retries off; the default is 4.
/// @param first_delay_ms  the wait before the second attempt where the service names none; it doubles each time, and
///                        up to a third is added at random; at least 1; the default is 15,000.
/// @param max_wait_ms     the longest single wait; if the service asks for more, the call ends at once with
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
            Ok(o.set_retry(RetryPolicy {
                max_attempts: count(max_attempts),
                first_delay: time(first_delay_ms),
                max_wait: time(max_wait_ms),
            })?)
        })
    }
}

/// Sets the pace at which requests of a class are sent, in place of the service's documented limit for one client id:
/// 25 a minute for users and for one user, 5 for groups and for user groups, 10 for actions. All clients of the process
/// with the same endpoint, client id and limits share one pace.
///
/// Half of the limit is used without proof. Requests beyond that, and beyond what the service has accepted before, are sent
/// one at a time. If the service refuses one (HTTP 429) although the limit leaves room, the number that it accepted in the
/// window is the limit for some windows; then the limit that is set here is tried again.
///
/// @param options    the options.
/// @param endpoint   one of `UMAPI_ENDPOINT_*`.
/// @param requests   how many requests in each window; 0 for no limit.
/// @param window_ms  the window in milliseconds, at least 1; ignored if there is no limit.
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
            let limit = (requests != 0).then(|| RateLimit {
                requests: count(requests),
                window: time(window_ms),
            });
            Ok(o.set_rate_limit(class, limit)?)
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
            Ok(o.set_batch_limits(BatchLimits {
                entries_per_request: count(entries_per_request) as usize,
                steps_per_entry: count(steps_per_entry) as usize,
                names_per_step: count(names_per_step) as usize,
            })?)
        })
    }
}

/// Sets how many pages of a listing may be under way at once. Pages are always delivered in order; each page under way
/// takes the memory of its answer.
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
    unsafe { change(options, error, |o| Ok(o.set_read_ahead(count(pages))?)) }
}

/// Sets the text before the library's own name in the `User-Agent` header, such as "acme-sync/2.1".
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
/// the sandbox. They are trusted besides those of the platform, unless umapi_client_options_set_platform_certificates turns
/// these off.
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

/// DANGER: turns the verification of certificates off. A third party on the connection can then read the client secret and
/// the token, and change all that is read or written; TLS protects nothing any more. It is for a short look at a network
/// that does not work, never for production; use umapi_client_options_add_ca_file instead. Every client that is made with
/// it logs a warning (`UMAPI_LOG_WARN`).
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
/// percent-encoding for special characters), and `NO_PROXY` or `no_proxy` lists the hosts that are reached directly, by
/// domain (with all below it), address or network (`10.0.0.0/8`), or `*` for all, but not by port; on macOS and Windows the
/// system's settings come last. The environment is read when a client makes its first connection.
/// `NO_PROXY` does not apply to a proxy set here. Plain http, which is for loopback addresses only, never takes a proxy.
///
/// @param options   the options.
/// @param url       the proxy: `http://host:port` or `https://host:port` (asked by CONNECT), `socks5://host:port`
///                  (SOCKS 5; this machine looks up the host's address) or `socks5h://host:port` (SOCKS 5; the proxy
///                  looks it up, as is needed in networks that cannot resolve outside names); copied.
/// @param user      the user; NULL for a proxy without login. HTTP proxies receive it as Basic authentication; NTLM
///                  and Negotiate are not supported.
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

/// Log lines about failures that are final.
pub const UMAPI_LOG_ERROR: i32 = 1;
/// Also about failures after which the request is tried again.
pub const UMAPI_LOG_WARN: i32 = 2;
/// Also about rare events, such as a new token.
pub const UMAPI_LOG_INFO: i32 = 3;
/// Also about every request and answer.
pub const UMAPI_LOG_DEBUG: i32 = 4;

numbers!(LogLevel {
    Error = UMAPI_LOG_ERROR,
    Warn = UMAPI_LOG_WARN,
    Info = UMAPI_LOG_INFO,
    Debug = UMAPI_LOG_DEBUG,
});

/// Receives a log line: one of `UMAPI_LOG_*` and a text that is valid until it returns. Lines never hold a secret.
///
/// It runs on the thread whose call the line is about, before that call returns. A line about work beside the calls, such as
/// a page that is fetched ahead or the renewal of a token, is given to a thread whose call of the same client is under way,
/// or to the next such call; of lines that wait for a call, the newest 1,000 are kept. See "Callbacks" in the first chapter for
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
/// @param user_data  passed to the callback.
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
            o.set_logger(Logger::new(level, on_threads_of_program(Arc::new(log))));
            Ok(())
        })
    }
}

/// A sink that runs `log` on threads of the program only: a line from a driver thread is queued for a call.
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
