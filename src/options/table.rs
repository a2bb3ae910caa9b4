//! The table of client options, each once, and the typed setters. Both use the same checks.

use super::ClientOptions;
use super::raw_value::{RawValue, checked_count, checked_rate_limit, checked_time};
use super::spec::{OptionSpec, ValueForm::*};
use crate::action::split::BatchLimits;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Error, Result};
use crate::http::certificates::parse_certificates;
use crate::http::limit::rate_limit::RateLimit;
use crate::http::proxy::{Proxy, ProxyChoice, SettingNames};
use crate::http::retry::RetryPolicy;
use crate::http::url::parse_root;
use crate::input_file::{name_of, read_file};
use crate::log::Logger;
use crate::secret::Secret;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::time::Duration;

pub(super) const ENDPOINT: &str = "https://usermanagement.adobe.io/v2/usermanagement";

/// Each option once: its key, the form of its value, its default as text, what it does, and how a text sets it. An
/// option follows those that it needs.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "endpoint",
        Text,
        ENDPOINT,
        "The root URL of the service: https, or http with a loopback address.",
        |options, raw| {
            options.endpoint = parse_root(&raw.name, raw.text())?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "ca_file",
        Text,
        "",
        "A file with certificates in PEM or DER to trust besides those of the platform.",
        |options, raw| {
            let certificates = certificates_in(&raw.name, &raw.path()?)?;
            options.transport.trust.extra.extend(certificates);
            Ok(())
        },
    ),
    OptionSpec::new(
        "platform_certificates",
        Flag,
        "true",
        "Whether the certificates that the platform trusts are trusted.",
        |options, raw| {
            options.set_platform_certificates(raw.flag()?);
            Ok(())
        },
    ),
    OptionSpec::new(
        "danger_accept_invalid_certificates",
        Flag,
        "false",
        "DANGER: turns the verification of certificates off; each client logs a warning.",
        |options, raw| {
            options.set_danger_accept_invalid_certificates(raw.flag()?);
            Ok(())
        },
    ),
    OptionSpec::new(
        "proxy",
        Text,
        "",
        "The proxy, as `http://host:port`, `https:`, `socks5:` or `socks5h:`, or `off` for none.",
        put_proxy,
    ),
    OptionSpec::new(
        "proxy_user",
        Text,
        "",
        "The user for the proxy; set it after `proxy`.",
        put_proxy_user,
    )
    .with_needs(&["proxy"]),
    OptionSpec::new(
        "proxy_password",
        Text,
        "",
        "The password for the proxy; set it after `proxy_user`.",
        put_proxy_password,
    )
    .with_needs(&["proxy", "proxy_user"]),
    OptionSpec::new(
        "user_agent_prefix",
        Text,
        "",
        "Text before the library's name in `User-Agent`: 1 to 256 printable ASCII characters.",
        |options, raw| {
            let prefix = checked_user_agent_prefix(&raw.name, raw.text())?;
            options.transport.user_agent_prefix = Some(prefix);
            Ok(())
        },
    ),
    OptionSpec::new(
        "connect_timeout_ms",
        Milliseconds,
        "30000",
        "How long connecting to a host may take, TLS included; at least 1.",
        |options, raw| {
            options.transport.connect_timeout = raw.milliseconds()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "attempt_timeout_ms",
        Milliseconds,
        "120000",
        "How long one attempt may take, from connecting to the last byte of its answer; at least 1.",
        |options, raw| {
            options.transport.attempt_timeout = raw.milliseconds()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "max_attempts",
        Count,
        "4",
        "How often a request is tried in all; at least 1, which turns retries off.",
        |options, raw| {
            options.retry.max_attempts = raw.count()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "first_retry_delay_ms",
        Milliseconds,
        "15000",
        "The wait before the second attempt where the service names none, and doubled with each further one; at least 1.",
        |options, raw| {
            options.retry.first_delay = raw.milliseconds()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "max_retry_wait_ms",
        Milliseconds,
        "300000",
        "The longest single wait of a call, which fails if the service asks for more; at least 1.",
        |options, raw| {
            options.retry.max_wait = raw.milliseconds()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "rate_limit_users",
        Text,
        "25/60000",
        "The pace of listings of users: requests/milliseconds, or `off`.",
        |options, raw| put_rate_limit(options, EndpointClass::Users, raw),
    ),
    OptionSpec::new(
        "rate_limit_user",
        Text,
        "25/60000",
        "The pace of requests for one user, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::User, raw),
    ),
    OptionSpec::new(
        "rate_limit_groups",
        Text,
        "5/60000",
        "The pace of listings of groups, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::Groups, raw),
    ),
    OptionSpec::new(
        "rate_limit_user_groups",
        Text,
        "5/60000",
        "The pace of the deprecated listing of user groups, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::UserGroups, raw),
    ),
    OptionSpec::new(
        "rate_limit_action",
        Text,
        "10/60000",
        "The pace of requests of actions, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::Action, raw),
    ),
    OptionSpec::new(
        "rate_limit_token",
        Text,
        "off",
        "The pace of requests for a token, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::Token, raw),
    ),
    OptionSpec::new(
        "rate_limit_status",
        Text,
        "off",
        "The pace of requests for the service's status, likewise.",
        |options, raw| put_rate_limit(options, EndpointClass::Status, raw),
    ),
    OptionSpec::new(
        "entries_per_request",
        Count,
        "10",
        "How many entries a request of actions has at most; at least 1.",
        |options, raw| {
            options.batch_limits.entries_per_request = raw.count()? as usize;
            Ok(())
        },
    ),
    OptionSpec::new(
        "steps_per_entry",
        Count,
        "10",
        "How many steps an entry has at most; at least 1.",
        |options, raw| {
            options.batch_limits.steps_per_entry = raw.count()? as usize;
            Ok(())
        },
    ),
    OptionSpec::new(
        "names_per_step",
        Count,
        "10",
        "How many names a step has at most; at least 1.",
        |options, raw| {
            options.batch_limits.names_per_step = raw.count()? as usize;
            Ok(())
        },
    ),
    OptionSpec::new(
        "test_mode",
        Flag,
        "false",
        "Whether the service only checks actions, and changes nothing.",
        |options, raw| {
            options.set_test_mode(raw.flag()?);
            Ok(())
        },
    ),
    OptionSpec::new(
        "account_deletes_in_test_mode",
        Flag,
        "false",
        "Whether actions that delete accounts are sent in test mode, which once deleted for real.",
        |options, raw| {
            options.set_account_deletes_in_test_mode(raw.flag()?);
            Ok(())
        },
    ),
    OptionSpec::new(
        "read_ahead",
        Count,
        "8",
        "How many pages of a listing may be under way at once; at least 1, which reads one after the other.",
        |options, raw| {
            options.read_ahead = raw.count()?;
            Ok(())
        },
    ),
    OptionSpec::new(
        "log_level",
        Text,
        "",
        "The least important lines that the program's log callback gets: `error`, `warn`, `info` or `debug`.",
        |options, raw| {
            options.logger.set_level(raw.log_level()?);
            Ok(())
        },
    ),
];

fn put_proxy(options: &mut ClientOptions, raw: &RawValue) -> Result<()> {
    options.transport.proxy = match raw.text() {
        "off" => ProxyChoice::Off,
        address => {
            let phrase_for = |key| raw.source.phrase_for(key);
            let settings = raw.is_from_configuration().then(|| SettingNames {
                address: raw.phrase(),
                user: phrase_for("proxy_user"),
                password: phrase_for("proxy_password"),
            });
            ProxyChoice::Given(Proxy::from_option(&raw.name, address, settings)?)
        }
    };
    Ok(())
}

/// The proxy that a login is for.
fn proxy_for_login<'o>(options: &'o mut ClientOptions, raw: &RawValue) -> Result<&'o mut Proxy> {
    match &mut options.transport.proxy {
        ProxyChoice::Given(proxy) => Ok(proxy),
        ProxyChoice::Off => Err(raw.wrong("is for a proxy, and the option proxy is off")),
        ProxyChoice::Environment => {
            Err(raw.wrong("is for a proxy, and none is given; set the option proxy first"))
        }
    }
}

fn put_proxy_user(options: &mut ClientOptions, raw: &RawValue) -> Result<()> {
    proxy_for_login(options, raw)?.set_user(&raw.name, raw.phrase(), raw.text())
}

fn put_proxy_password(options: &mut ClientOptions, raw: &RawValue) -> Result<()> {
    let proxy = proxy_for_login(options, raw)?;
    if !proxy.has_login() {
        return Err(raw.wrong("is for a user, and none is given; set the option proxy_user first"));
    }
    proxy.set_password(&raw.name, raw.phrase(), raw.value.clone())
}

fn put_rate_limit(options: &mut ClientOptions, class: EndpointClass, raw: &RawValue) -> Result<()> {
    options.rate_limits.set(class, raw.rate_limit()?);
    Ok(())
}

fn checked_user_agent_prefix(name: &str, prefix: &str) -> Result<String> {
    let printable = prefix.bytes().all(|b| matches!(b, b' '..=b'~'));
    if prefix.trim().is_empty() || prefix.len() > 256 || !printable {
        return Err(Error::invalid_argument(
            name,
            "must be 1 to 256 printable ASCII characters, since it goes into a header",
        ));
    }
    Ok(prefix.trim().to_owned())
}

fn certificates_in(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let name = name_of(name, path)?;
    parse_certificates(&name, &read_file(&name, path)?)
}

/// The typed setters. Those that check their value name their parameter in the error.
impl ClientOptions {
    /// Sets the root URL of the service; https, or http on loopback.
    pub fn set_endpoint(&mut self, url: &str) -> Result<()> {
        self.endpoint = parse_root("endpoint", url)?;
        Ok(())
    }

    /// Adds certificates in PEM or DER to trust besides those of the platform, for the service and for the token
    /// endpoint.
    pub fn add_ca_certificates(&mut self, pem: &[u8]) -> Result<()> {
        let certificates = parse_certificates("pem", pem)?;
        self.transport.trust.extra.extend(certificates);
        Ok(())
    }

    /// Adds the certificates of a file, which is read now and has 1 MiB at most.
    pub fn add_ca_file(&mut self, path: &Path) -> Result<()> {
        let certificates = certificates_in("path", path)?;
        self.transport.trust.extra.extend(certificates);
        Ok(())
    }

    /// Sets whether the certificates that the platform trusts are trusted, as they are by default, or only those added.
    pub fn set_platform_certificates(&mut self, trusted: bool) {
        self.transport.trust.platform = trusted;
    }

    /// Turns the verification of certificates off, which leaves no protection by TLS: a third party on the connection
    /// can read the client secret and the token, and change what is read and written. It is for a short look at a
    /// network that does not work, never for production. Every client that is made with it logs a warning.
    pub fn set_danger_accept_invalid_certificates(&mut self, accepted: bool) {
        self.transport.trust.any_certificate = accepted;
    }

    /// Sets the proxy for every https connection, in place of what the environment says: `http://host:port`, `https://`,
    /// `socks5://` (names are looked up here) or `socks5h://` (names are looked up by the proxy). The login is a user
    /// and a password.
    pub fn set_proxy(&mut self, url: &str, login: Option<(&str, Secret)>) -> Result<()> {
        let mut proxy = Proxy::from_option("url", url, None)?;
        if let Some((user, password)) = login {
            proxy.set_user("user", String::new(), user)?;
            proxy.set_password("password", String::new(), password)?;
        }
        self.transport.proxy = ProxyChoice::Given(proxy);
        Ok(())
    }

    /// Turns proxies off, whatever the environment says.
    pub fn disable_proxy(&mut self) {
        self.transport.proxy = ProxyChoice::Off;
    }

    /// Sets the text before the library's own name in `User-Agent`: 1 to 256 printable ASCII characters.
    pub fn set_user_agent_prefix(&mut self, prefix: &str) -> Result<()> {
        self.transport.user_agent_prefix = Some(checked_user_agent_prefix("prefix", prefix)?);
        Ok(())
    }

    /// Sets how long connecting to a host may take, TLS included; at least 1 ms.
    pub fn set_connect_timeout(&mut self, timeout: Duration) -> Result<()> {
        self.transport.connect_timeout = checked_time("timeout_ms", Some(timeout))?;
        Ok(())
    }

    /// Sets how long one attempt may take, from connecting to the last byte of the answer; at least 1 ms.
    pub fn set_attempt_timeout(&mut self, timeout: Duration) -> Result<()> {
        self.transport.attempt_timeout = checked_time("timeout_ms", Some(timeout))?;
        Ok(())
    }

    /// Sets when a request is tried again; at least one attempt, and waits of 1 ms at least.
    pub fn set_retry(&mut self, retry: RetryPolicy) -> Result<()> {
        self.retry = RetryPolicy {
            max_attempts: checked_count("max_attempts", Some(retry.max_attempts))?,
            first_delay: checked_time("first_delay_ms", Some(retry.first_delay))?,
            max_wait: checked_time("max_wait_ms", Some(retry.max_wait))?,
        };
        Ok(())
    }

    /// Sets the pace of the requests of one class; `None` is no limit.
    pub fn set_rate_limit(&mut self, class: EndpointClass, limit: Option<RateLimit>) -> Result<()> {
        let checked = limit.map(|limit| checked_rate_limit(["requests", "window_ms"], limit));
        self.rate_limits.set(class, checked.transpose()?);
        Ok(())
    }

    /// Sets how much goes into one request of actions; each figure is at least 1.
    pub fn set_batch_limits(&mut self, limits: BatchLimits) -> Result<()> {
        let checked = |name, limit: usize| {
            checked_count(name, Some(u32::try_from(limit).unwrap_or(u32::MAX)))
                .map(|limit| limit as usize)
        };
        self.batch_limits = BatchLimits {
            entries_per_request: checked("entries_per_request", limits.entries_per_request)?,
            steps_per_entry: checked("steps_per_entry", limits.steps_per_entry)?,
            names_per_step: checked("names_per_step", limits.names_per_step)?,
        };
        Ok(())
    }

    /// Sets test mode: the service checks actions and changes nothing.
    pub fn set_test_mode(&mut self, enabled: bool) {
        self.test_mode = enabled;
    }

    /// Sets whether actions that delete accounts are sent in test mode, which has been seen to delete for real.
    pub fn set_account_deletes_in_test_mode(&mut self, allowed: bool) {
        self.account_deletes_in_test_mode = allowed;
    }

    /// Sets how many pages of a listing may be under way at once; at least 1.
    pub fn set_read_ahead(&mut self, pages: u32) -> Result<()> {
        self.read_ahead = checked_count("pages", Some(pages))?;
        Ok(())
    }

    /// Sets where log lines go; without it the library is quiet.
    pub fn set_logger(&mut self, logger: Logger) {
        self.logger = logger;
    }
}
