//! Proxies: their addresses and logins, where they are set, and the hosts that they are used for.

use super::headers::secret_header;
use super::url::host_problem;
use crate::error::{Error, ErrorKind, Result};
use crate::redaction::Secrets;
use crate::secret::Secret;
use base64ct::{Base64, Encoding};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::NoProxy;
use reqwest::header::HeaderValue;
use std::fmt;
use url::Url;

/// The program's choice of a proxy.
#[derive(Clone, Debug, Default)]
pub(crate) enum ProxyChoice {
    /// The proxy that the environment names when the first connection is made, or else the system's settings.
    #[default]
    Environment,
    /// No proxy.
    Off,
    /// This proxy, for all https requests.
    Given(Proxy),
}

/// A proxy: `http`, `https`, `socks5` or `socks5h`, a host and a port.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: Url,
    login: Option<Login>,
    /// The texts of the login that must never be quoted.
    secrets: Secrets,
    source: Source,
}

/// A user and a password for a proxy.
#[derive(Clone)]
pub(crate) struct Login {
    pub user: String,
    pub password: Secret,
}

/// The setting that a proxy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The option `proxy`, set by the program.
    Option,
    /// A configuration file, or the library's own variables.
    Configuration(Box<SettingNames>),
    /// One of the conventional environment variables ([`VARIABLES`]).
    Environment(&'static str),
    /// The operating system's proxy settings.
    System,
}

/// The names of the settings that hold a proxy's address and login, for messages to an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingNames {
    pub address: String,
    pub user: String,
    pub password: String,
}

/// The conventional variables; the first that is set counts. `HTTP_PROXY` is missing: it is for plain http, which the
/// library uses on this machine only and without a proxy.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

impl Proxy {
    /// A proxy without login. `name` is how error messages call the address. `settings` are those of a configuration;
    /// without them the program sets the proxy by the option `proxy`. The login is set apart from the address, because
    /// addresses are shown in messages.
    pub(crate) fn from_option(
        name: &str,
        address: &str,
        settings: Option<SettingNames>,
    ) -> Result<Self> {
        let source = settings.map_or(Source::Option, |settings| {
            Source::Configuration(Box::new(settings))
        });
        let (proxy, inside) = Proxy::parse(address, source)
            .map_err(|problem| Error::invalid_argument(name, problem))?;
        match inside {
            None => Ok(proxy),
            Some(_) => Err(Error::invalid_argument(
                name,
                "must not hold a user name or password; give them as user and password",
            )),
        }
    }

    /// Sets the user, with an empty password. `setting` names the setting of a configuration.
    pub(crate) fn set_user(&mut self, name: &str, setting: String, user: &str) -> Result<()> {
        if let Some(problem) = user_problem(user, self.is_socks()) {
            return Err(Error::invalid_argument(name, problem));
        }
        if let Source::Configuration(settings) = &mut self.source {
            settings.user = setting;
        }
        self.set_login(Login {
            user: user.to_owned(),
            password: Secret::new(""),
        });
        Ok(())
    }

    /// Sets the password of the user that has been set before.
    pub(crate) fn set_password(
        &mut self,
        name: &str,
        setting: String,
        password: Secret,
    ) -> Result<()> {
        if let Some(problem) = text_problem(password.reveal(), self.is_socks()) {
            return Err(Error::invalid_argument(name, problem));
        }
        if let Source::Configuration(settings) = &mut self.source {
            settings.password = setting;
        }
        if let Some(Login { user, .. }) = self.login.take() {
            self.set_login(Login { user, password });
        }
        Ok(())
    }

    fn set_login(&mut self, login: Login) {
        self.secrets = Login::secrets(Some(&login));
        self.login = Some(login);
    }

    /// A proxy from its address, and the login that the address holds. The error never quotes the text, which may hold a
    /// password.
    fn parse(
        text: &str,
        source: Source,
    ) -> std::result::Result<(Self, Option<Login>), &'static str> {
        const FORM: &str = "is not a proxy address, such as http://proxy.example.com:3128 or socks5h://proxy.example.com:1080";
        let text = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(FORM);
        }
        let mut address = Url::parse(&text).map_err(|_| FORM)?;
        if !SCHEMES.contains(&address.scheme()) {
            return Err("has a scheme that is not supported; give http, https, socks5 or socks5h");
        }
        if let Some(problem) = host_problem(&address) {
            return Err(problem);
        }
        if !address.has_host()
            || !matches!(address.path(), "" | "/")
            || address.query().is_some()
            || address.fragment().is_some()
        {
            return Err(FORM);
        }
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let login =
            (!address.username().is_empty() || address.password().is_some()).then(|| Login {
                user: decoded(address.username()),
                password: Secret::new(decoded(address.password().unwrap_or_default())),
            });
        if address.set_username("").is_err() || address.set_password(None).is_err() {
            return Err(FORM);
        }
        if address.scheme().starts_with("socks") && address.port().is_none() {
            address.set_port(Some(1080)).map_err(|()| FORM)?;
        }
        let proxy = Proxy {
            address,
            secrets: Login::secrets(login.as_ref()),
            login: login.clone(),
            source,
        };
        Ok((proxy, login))
    }

    fn is_socks(&self) -> bool {
        self.address.scheme().starts_with("socks")
    }

    /// Whether the proxy receives the host's name and looks it up; otherwise this machine looks it up.
    pub(crate) fn resolves_names(&self) -> bool {
        self.address.scheme() != "socks5"
    }

    /// Whether a CONNECT request can be sent without a TLS handshake or SOCKS.
    pub(crate) fn speaks_plain_http(&self) -> bool {
        self.address.scheme() == "http"
    }

    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    pub(crate) fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port_or_known_default().unwrap_or(1080)
    }

    pub(crate) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// The value of `Proxy-Authorization`, for HTTP proxies with a login.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.login.as_ref().map(Login::basic)
    }

    /// The setting that holds the address, for messages.
    pub(crate) fn where_it_is_set(&self) -> String {
        match &self.source {
            Source::Option => "the option proxy".to_owned(),
            Source::Configuration(settings) => settings.address.clone(),
            Source::Environment(variable) => format!("{variable} in the environment"),
            Source::System => "the system's proxy settings".to_owned(),
        }
    }

    /// The remedy for a proxy that cannot be reached.
    pub(super) fn check_it_runs(&self) -> String {
        format!(
            "check that the proxy runs and that {} is right",
            self.where_it_is_set()
        )
    }

    /// The remedy for a proxy that may be of another kind than its address says.
    pub(super) fn check_its_kind(&self) -> String {
        format!(
            "check that the proxy is of the kind that its address says, and that {} is right",
            self.where_it_is_set()
        )
    }

    /// The remedy for a missing or refused login.
    pub(crate) fn how_to_log_in(&self) -> String {
        const GIVE: &str = "give the right user and password";
        match &self.source {
            Source::Option => format!("{GIVE} with the option proxy"),
            Source::Configuration(settings) => {
                format!("{GIVE} by {} and {}", settings.user, settings.password)
            }
            Source::Environment(variable) => format!(
                "{GIVE} in {variable}, as {}://user:password@{}:{}",
                self.address.scheme(),
                self.host(),
                self.port()
            ),
            Source::System => format!(
                "{GIVE} with the option proxy or in HTTPS_PROXY, for the system's settings have none"
            ),
        }
    }

    fn to_reqwest(&self) -> Result<reqwest::Proxy> {
        let unusable = |e: reqwest::Error| {
            Error::new(
                ErrorKind::Proxy,
                format!("the proxy {self} cannot be used: {e}"),
            )
        };
        if self.is_socks() {
            // The HTTP client accepts a SOCKS login only as a part of the address; that copy of the password is not zeroed.
            let mut address = self.address.clone();
            if let Some(login) = &self.login {
                // The setters encode everything but the percent sign, which the HTTP client would decode.
                let encoded = |text: &str| text.replace('%', "%25");
                let _ = address.set_username(&encoded(&login.user));
                let _ = address.set_password(Some(&encoded(login.password.reveal())));
            }
            return reqwest::Proxy::https(address).map_err(unusable);
        }
        let proxy = reqwest::Proxy::https(self.address.clone()).map_err(unusable)?;
        Ok(match self.authorization() {
            Some(header) => proxy.custom_http_auth(header),
            None => proxy,
        })
    }
}

/// Shows scheme, host and port.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port();
        write!(f, "{}://{}:{port}", self.address.scheme(), self.host())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self}, by {:?})", self.source)
    }
}

/// The longest user and password that SOCKS can carry: RFC 1929 counts the bytes of each in one byte.
const LONGEST_OF_SOCKS: usize = 255;

fn user_problem(user: &str, socks: bool) -> Option<&'static str> {
    if user.is_empty() {
        return Some("must not be empty; leave it out for a proxy without a login");
    }
    let colon =
        (!socks && user.contains(':')).then_some("must not hold a colon, which would end it");
    text_problem(user, socks).or(colon)
}

fn text_problem(text: &str, socks: bool) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        Some("holds a control character")
    } else if socks && text.len() > LONGEST_OF_SOCKS {
        Some("is longer than the 255 bytes that SOCKS allows")
    } else {
        None
    }
}

impl Login {
    fn secrets(login: Option<&Login>) -> Secrets {
        login.map_or_else(Secrets::default, |login| {
            Secrets::for_login(&login.user, &login.password)
        })
    }

    /// The value of `Proxy-Authorization` in the Basic scheme.
    fn basic(&self) -> HeaderValue {
        let pair = Secret::new(format!("{}:{}", self.user, self.password.reveal()));
        let encoded = Secret::new(Base64::encode_string(pair.reveal().as_bytes()));
        let header = secret_header(Secret::new(format!("Basic {}", encoded.reveal())));
        header.expect("base64 fits into a header")
    }
}

/// The proxy and the hosts that it is used for, read when the first connection is made.
#[derive(Clone, Debug)]
pub(crate) enum ProxyRules {
    /// No proxy.
    Direct,
    /// A proxy for all https requests.
    Given(Proxy),
    /// A proxy for https requests, except to the hosts in the list, which has the form of `NO_PROXY`.
    Excepting(Proxy, String),
}

impl ProxyChoice {
    /// The rules that the choice stands for; reads the environment or the system's settings where it names them.
    pub(crate) fn rules(&self) -> Result<ProxyRules> {
        match self {
            ProxyChoice::Off => Ok(ProxyRules::Direct),
            ProxyChoice::Given(proxy) => Ok(ProxyRules::Given(proxy.clone())),
            ProxyChoice::Environment => rules_from_environment(),
        }
    }
}

fn rules_from_environment() -> Result<ProxyRules> {
    let set = VARIABLES
        .iter()
        .find_map(|name| Some((*name, std::env::var_os(name)?)));
    let set = match set {
        Some((name, value)) => Some((name, value.into_string().map_err(|_| not_utf8(name))?)),
        None => None,
    };
    match set {
        Some((_, value)) if value.trim().is_empty() => Ok(ProxyRules::Direct),
        Some((name, value)) => {
            let (proxy, _) =
                Proxy::parse(value.trim(), Source::Environment(name)).map_err(|problem| {
                    Error::new(
                        ErrorKind::Proxy,
                        format!("{name} in the environment {problem}"),
                    )
                    .with_remedy("correct or unset it")
                })?;
            let list = ["NO_PROXY", "no_proxy"];
            let list = list.iter().find_map(std::env::var_os);
            // An entry that is not UTF-8 matches no host that the library connects to; the other entries count.
            let list = list.unwrap_or_default();
            Ok(ProxyRules::Excepting(
                proxy,
                normalized_exceptions(&list.to_string_lossy()),
            ))
        }
        None => Ok(rules_from_system()),
    }
}

fn not_utf8(name: &str) -> Error {
    Error::new(
        ErrorKind::Proxy,
        format!("{name} in the environment is not UTF-8"),
    )
    .with_remedy("correct or unset it")
}

/// An entry of `NO_PROXY` without its port: the library connects to each host at one https port only, so the host alone
/// decides. Port 80 stays, so that the entry matches nothing.
fn without_port(entry: &str) -> &str {
    match entry.rsplit_once(':') {
        Some((host, port))
            if (!host.contains(':') || host.ends_with(']'))
                && port != "80"
                && !port.is_empty()
                && port.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            host
        }
        _ => entry,
    }
}

/// `NO_PROXY` as other tools read it, in the narrower form that the HTTP client understands: spaces separate entries as
/// commas do, `*` matches addresses too, `*.domain` means `.domain`, and an entry may have a port.
fn normalized_exceptions(list: &str) -> String {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    let normalized = entries
        .filter(|entry| !entry.is_empty())
        .map(without_port)
        .map(|entry| match entry {
            "*" => "*,0.0.0.0/0,::/0",
            entry => match entry.strip_prefix('*') {
                Some(domain) if domain.starts_with('.') => domain,
                _ => entry.trim_start_matches('[').trim_end_matches(']'),
            },
        });
    normalized.collect::<Vec<_>>().join(",")
}

/// The proxy settings of macOS and Windows; other systems have none.
fn rules_from_system() -> ProxyRules {
    let any = reqwest::Url::parse("https://usermanagement.adobe.io").expect("it is a URL");
    let found = any
        .as_str()
        .parse()
        .ok()
        .and_then(|any| Matcher::from_system().intercept(&any))
        .and_then(|found| Proxy::parse(&found.uri().to_string(), Source::System).ok());
    match found {
        Some((proxy, _)) => ProxyRules::Given(proxy),
        None => ProxyRules::Direct,
    }
}

impl ProxyRules {
    /// The proxy that requests to `url` go through, if any.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        if url.scheme() != "https" {
            return None;
        }
        match self {
            ProxyRules::Direct => None,
            ProxyRules::Given(proxy) => Some(proxy),
            ProxyRules::Excepting(proxy, list) => {
                let is_used = Matcher::builder()
                    .https("http://proxy.invalid")
                    .no(list.as_str())
                    .build()
                    .intercept(&url.as_str().parse().ok()?)
                    .is_some();
                is_used.then_some(proxy)
            }
        }
    }

    /// Why requests to `url` go through no proxy, for a sentence that begins with "no proxy, since".
    pub(crate) fn why_direct(&self, url: &Url) -> &'static str {
        match self {
            _ if url.scheme() != "https" => "plain http uses none",
            ProxyRules::Excepting(..) => "NO_PROXY in the environment excepts the host",
            ProxyRules::Direct | ProxyRules::Given(_) => "none is set",
        }
    }

    /// Makes the HTTP client follow these rules, and no others.
    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        let builder = builder.no_proxy();
        Ok(match self {
            ProxyRules::Direct => builder,
            ProxyRules::Given(proxy) => builder.proxy(proxy.to_reqwest()?),
            ProxyRules::Excepting(proxy, list) => {
                builder.proxy(proxy.to_reqwest()?.no_proxy(NoProxy::from_string(list)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Proxy, Option<Login>) {
        Proxy::parse(text, Source::Environment("HTTPS_PROXY")).unwrap()
    }

    #[test]
    fn addresses_are_parsed_in_every_form() {
        for (text, shown) in [
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("http://proxy.example/", "http://proxy.example:80"),
            ("https://proxy.example", "https://proxy.example:443"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5h://me:pw@10.0.0.1:9", "socks5h://10.0.0.1:9"),
        ] {
            assert_eq!(parsed(text).0.to_string(), shown, "{text}");
        }
        for bad in [
            "",
            "http://",
            "ftp://h:1",
            "http://h:1/x",
            "http://h:1?x",
            "h:99999",
        ] {
            assert!(Proxy::parse(bad, Source::System).is_err(), "{bad}");
        }
        assert!(parsed("socks5h://h").0.resolves_names());
        assert!(!parsed("socks5://h").0.resolves_names());
    }

    #[test]
    fn a_login_is_decoded_and_never_shown() {
        let (proxy, login) = parsed("http://me%40corp:p%C3%A4ss%3Aw0rd@h:1");
        let login = login.unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.reveal()),
            ("me@corp", "päss:w0rd")
        );
        let header = proxy.authorization().unwrap();
        assert_eq!(
            header.as_bytes(),
            b"Basic bWVAY29ycDpww6Rzczp3MHJk".as_slice()
        );
        assert!(header.is_sensitive());
        for shown in [
            format!("{proxy:?}"),
            proxy.to_string(),
            format!("{:?}", ProxyChoice::Given(proxy.clone())),
            format!("{:?}", ProxyRules::Excepting(proxy, String::new())),
        ] {
            assert!(!shown.contains("w0rd"), "{shown}");
        }
    }

    #[test]
    fn no_proxy_is_read_in_every_form() {
        for (list, host, is_excepted) in [
            ("*", "usermanagement.adobe.io", true),
            ("*", "10.1.2.3", true),
            (" * ", "[fd00::1]", true),
            ("*.adobe.io", "usermanagement.adobe.io", true),
            ("*.adobe.io", "adobe.io.example", false),
            ("a.example adobe.io", "usermanagement.adobe.io", true),
            ("a.example,\tAdobe.IO ,", "usermanagement.adobe.io", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("fd00::/8", "[fd00::1]", true),
            ("[fd00::1]:443", "[fd00::1]", true),
            ("fd00::1", "[fd00::1]", true),
            ("adobe.io:443", "usermanagement.adobe.io", true),
            ("10.1.2.3:8443", "10.1.2.3:8443", true),
            ("adobe.io:80", "usermanagement.adobe.io", false),
            ("adobe.io:", "usermanagement.adobe.io", false),
            ("", "usermanagement.adobe.io", false),
        ] {
            let rules = ProxyRules::Excepting(parsed("h:1").0, normalized_exceptions(list));
            let url = Url::parse(&format!("https://{host}/v2")).unwrap();
            assert_eq!(
                rules.proxy_for(&url).is_none(),
                is_excepted,
                "{list:?}: {host}"
            );
        }
    }

    #[test]
    fn the_proxy_is_used_for_https_hosts_that_are_not_excepted() {
        let list = ".intranet.example, 10.0.0.0/8".to_owned();
        let rules = ProxyRules::Excepting(parsed("h:1").0, list);
        for (url, is_through) in [
            ("https://usermanagement.adobe.io/v2", true),
            ("https://notintranet.example", true),
            ("https://a.intranet.example", false),
            ("https://10.1.2.3", false),
            ("http://127.0.0.1:8080", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(rules.proxy_for(&url).is_some(), is_through, "{url}");
        }
    }
}
