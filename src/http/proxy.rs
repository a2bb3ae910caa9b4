//! Which way requests go: straight to the host or through a proxy, and who says so.

use crate::error::{Error, ErrorKind, Result};
use crate::http::url::host_problem;
use crate::redaction::Secrets;
use crate::secret::Secret;
use base64ct::{Base64, Encoding};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::NoProxy;
use reqwest::header::HeaderValue;
use std::fmt;
use url::Url;

/// What the program says about proxies.
#[derive(Clone, Debug, Default)]
pub(crate) enum ProxyChoice {
    /// What the environment says when the first connection is made, or else the system's settings.
    #[default]
    Environment,
    Off,
    Given(Proxy),
}

/// A proxy: `http`, `https`, `socks5` or `socks5h`, a host and a port.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: Url,
    login: Option<Login>,
    /// What of the login is never to be quoted.
    secrets: Secrets,
    source: Source,
}

#[derive(Clone)]
pub(crate) struct Login {
    pub user: String,
    pub password: Secret,
}

/// Where the proxy is set.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The program, by the option `proxy`.
    Option,
    Configuration(Box<Places>),
    /// A variable that all programs know.
    Environment(&'static str),
    System,
}

/// Where an operator wrote the proxy down, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub address: String,
    pub user: String,
    pub password: String,
}

/// In the order in which they count. `HTTP_PROXY` is for plain http, which is for this machine only and takes no proxy.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

impl Proxy {
    /// A proxy without login, from the program or from the places of a configuration. `name` is how messages call the
    /// address. User and password are set on their own and never stand in the address, for addresses are shown.
    pub(crate) fn given(places: Option<Places>, name: &str, address: &str) -> Result<Self> {
        let source = places.map_or(Source::Option, |places| {
            Source::Configuration(Box::new(places))
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

    /// Sets the user, with an empty password. `place` is where an operator wrote the user down.
    pub(crate) fn set_user(&mut self, name: &str, place: String, user: &str) -> Result<()> {
        if let Some(problem) = user_problem(user, self.is_socks()) {
            return Err(Error::invalid_argument(name, problem));
        }
        if let Source::Configuration(places) = &mut self.source {
            places.user = place;
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
        place: String,
        password: Secret,
    ) -> Result<()> {
        if let Some(problem) = text_problem(password.reveal(), self.is_socks()) {
            return Err(Error::invalid_argument(name, problem));
        }
        if let Source::Configuration(places) = &mut self.source {
            places.password = place;
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

    /// The words of the error never hold the text, which may hold a password.
    fn parse(
        text: &str,
        source: Source,
    ) -> std::result::Result<(Self, Option<Login>), &'static str> {
        const FORM: &str = "is no proxy address, such as http://proxy.example.com:3128 or socks5h://proxy.example.com:1080";
        let text = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(FORM);
        }
        let mut address = Url::parse(&text).map_err(|_| FORM)?;
        if !SCHEMES.contains(&address.scheme()) {
            return Err("is of a kind that is not spoken; give http, https, socks5 or socks5h");
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

    /// Whether the proxy is told the host's name and looks it up itself; otherwise this machine does.
    pub(crate) fn resolves_names(&self) -> bool {
        self.address.scheme() != "socks5"
    }

    /// Of the others this machine would first have to speak TLS or SOCKS.
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

    /// `Proxy-Authorization`, for HTTP proxies.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.login.as_ref().map(Login::basic)
    }

    /// Where a person can change it.
    pub(crate) fn where_it_is_set(&self) -> String {
        match &self.source {
            Source::Option => "the option proxy".to_owned(),
            Source::Configuration(places) => places.address.clone(),
            Source::Environment(variable) => format!("{variable} in the environment"),
            Source::System => "the system's proxy settings".to_owned(),
        }
    }

    /// What to do so that the proxy gets the right login.
    pub(crate) fn how_to_log_in(&self) -> String {
        const GIVE: &str = "give the right user and password";
        match &self.source {
            Source::Option => format!("{GIVE} with the option proxy"),
            Source::Configuration(places) => {
                format!("{GIVE} by {} and {}", places.user, places.password)
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

    fn for_the_client(&self) -> Result<reqwest::Proxy> {
        let unusable = |e: reqwest::Error| {
            Error::new(
                ErrorKind::Proxy,
                format!("the proxy {self} cannot be used: {e}"),
            )
        };
        if self.is_socks() {
            // Only in its address does the HTTP client take a SOCKS login; that copy of the password is not zeroed.
            let mut address = self.address.clone();
            if let Some(login) = &self.login {
                // The address encodes all but the percent sign, which its reader would decode.
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

/// Scheme, host and port.
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

/// The longest user and password that SOCKS can carry, in bytes.
const LONGEST_OF_SOCKS: usize = 255;

fn user_problem(user: &str, socks: bool) -> Option<&'static str> {
    if user.is_empty() {
        return Some("must not be empty; leave it out for a proxy without login");
    }
    let colon =
        (!socks && user.contains(':')).then_some("must not hold a colon, which would end it");
    text_problem(user, socks).or(colon)
}

fn text_problem(text: &str, socks: bool) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        Some("holds a control character")
    } else if socks && text.len() > LONGEST_OF_SOCKS {
        Some("is longer than the 255 bytes of SOCKS")
    } else {
        None
    }
}

impl Login {
    fn secrets(login: Option<&Login>) -> Secrets {
        login.map_or_else(Secrets::default, |login| {
            Secrets::of_login(&login.user, &login.password)
        })
    }

    fn basic(&self) -> HeaderValue {
        let pair = Secret::new(format!("{}:{}", self.user, self.password.reveal()));
        let encoded = Secret::new(Base64::encode_string(pair.reveal().as_bytes()));
        let header = Secret::new(format!("Basic {}", encoded.reveal())).header();
        header.expect("base64 fits into a header")
    }
}

/// What was found out when the first connection was made.
#[derive(Clone, Debug)]
pub(crate) enum ProxyRules {
    Direct,
    /// For all https.
    Given(Proxy),
    /// For https, but for the hosts that the list excepts.
    Excepting(Proxy, String),
}

impl ProxyChoice {
    pub(crate) fn routes(&self) -> Result<ProxyRules> {
        match self {
            ProxyChoice::Off => Ok(ProxyRules::Direct),
            ProxyChoice::Given(proxy) => Ok(ProxyRules::Given(proxy.clone())),
            ProxyChoice::Environment => from_the_environment(),
        }
    }
}

fn from_the_environment() -> Result<ProxyRules> {
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
            // An entry that is not UTF-8 is no host of ours; the others count.
            let list = list.unwrap_or_default();
            Ok(ProxyRules::Excepting(
                proxy,
                exceptions(&list.to_string_lossy()),
            ))
        }
        None => Ok(from_the_system()),
    }
}

fn not_utf8(name: &str) -> Error {
    Error::new(
        ErrorKind::Proxy,
        format!("{name} in the environment is not UTF-8"),
    )
    .with_remedy("correct or unset it")
}

/// An entry of `NO_PROXY` without its port: of what would take the proxy, each host is called at one port only. Port 80
/// stays, and with it the entry matches nothing.
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

/// `NO_PROXY` as other tools read it: spaces part as commas do, a star alone excepts addresses too, one before a domain is
/// as good as none, and a host may have its port. The HTTP client knows less.
fn exceptions(list: &str) -> String {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    let understood = entries
        .filter(|entry| !entry.is_empty())
        .map(without_port)
        .map(|entry| match entry {
            "*" => "*,0.0.0.0/0,::/0",
            entry => match entry.strip_prefix('*') {
                Some(domain) if domain.starts_with('.') => domain,
                _ => entry.trim_start_matches('[').trim_end_matches(']'),
            },
        });
    understood.collect::<Vec<_>>().join(",")
}

/// On macOS and Windows the settings of the system; elsewhere there are none.
fn from_the_system() -> ProxyRules {
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
    /// The proxy on the way to `url`, if there is one.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        if url.scheme() != "https" {
            return None;
        }
        match self {
            ProxyRules::Direct => None,
            ProxyRules::Given(proxy) => Some(proxy),
            ProxyRules::Excepting(proxy, list) => {
                let is_asked = Matcher::builder()
                    .https("http://proxy.invalid")
                    .no(list.as_str())
                    .build()
                    .intercept(&url.as_str().parse().ok()?)
                    .is_some();
                is_asked.then_some(proxy)
            }
        }
    }

    /// Why there is no proxy on the way to `url`, if there is none.
    pub(crate) fn why_direct(&self, url: &Url) -> &'static str {
        match self {
            _ if url.scheme() != "https" => "plain http takes none",
            ProxyRules::Excepting(..) => "NO_PROXY in the environment excepts the host",
            ProxyRules::Direct | ProxyRules::Given(_) => "none is set",
        }
    }

    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        let builder = builder.no_proxy();
        Ok(match self {
            ProxyRules::Direct => builder,
            ProxyRules::Given(proxy) => builder.proxy(proxy.for_the_client()?),
            ProxyRules::Excepting(proxy, list) => {
                builder.proxy(proxy.for_the_client()?.no_proxy(NoProxy::from_string(list)))
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
    fn addresses_in_every_form() {
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
    fn exceptions_in_every_form() {
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
            let routes = ProxyRules::Excepting(parsed("h:1").0, exceptions(list));
            let url = Url::parse(&format!("https://{host}/v2")).unwrap();
            assert_eq!(
                routes.proxy_for(&url).is_none(),
                is_excepted,
                "{list:?}: {host}"
            );
        }
    }

    #[test]
    fn which_hosts_the_proxy_is_for() {
        let list = ".intranet.example, 10.0.0.0/8".to_owned();
        let routes = ProxyRules::Excepting(parsed("h:1").0, list);
        for (url, is_through) in [
            ("https://usermanagement.adobe.io/v2", true),
            ("https://notintranet.example", true),
            ("https://a.intranet.example", false),
            ("https://10.1.2.3", false),
            ("http://127.0.0.1:8080", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(routes.proxy_for(&url).is_some(), is_through, "{url}");
        }
    }
}
