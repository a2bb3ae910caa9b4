//! The client: credentials, HTTP, reading and acting put together.

use crate::action::endpoint::Service;
use crate::action::execute::{ActingOptions, Dispatcher};
use crate::action::outcome::Outcome;
use crate::action::queue::Queue;
use crate::action::split::BatchLimits;
use crate::auth::credentials::Credentials;
use crate::auth::session::Session;
use crate::auth::signal::SyncSignal;
use crate::check;
use crate::check::report::Report;
use crate::config::{Configuration, Settings};
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::http::call::{Call, CallOptions};
use crate::http::certificates::parse_certificates;
use crate::http::perform::Http;
use crate::http::proxy::{Login, Proxy, ProxyChoice};
use crate::http::rate_limit::RateLimits;
use crate::http::retry::RetryPolicy;
use crate::http::throttle::Throttle;
use crate::http::transport::{Transport, TransportOptions};
use crate::http::url::parse_root;
use crate::input_file::{name_of, read_file};
use crate::log::{LogLevel, Logger};
use crate::model::action::Action;
use crate::model::user::User;
use crate::query::listing::UsersQuery;
use crate::query::pager::{GroupPages, Pager, UserPages};
use crate::query::single::{self, ServiceStatus};
use crate::secret::Secret;
use std::borrow::Borrow;
use std::path::Path;
use std::sync::Arc;

const ENDPOINT: &str = "https://usermanagement.adobe.io/v2/usermanagement";

/// How a client behaves. The defaults are for Adobe's production service.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) endpoint: url::Url,
    pub transport: TransportOptions,
    pub retry: RetryPolicy,
    pub rate_limits: RateLimits,
    pub batch_limits: BatchLimits,
    /// Actions are checked by the service, and nothing is changed.
    pub test_mode: bool,
    /// Lets actions that delete accounts through in test mode, which has been seen to delete for real.
    pub account_deletes_in_test_mode: bool,
    /// How many pages of a listing may be under way at once.
    pub read_ahead: u32,
    pub logger: Logger,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            endpoint: url::Url::parse(ENDPOINT).expect("the default is a URL"),
            transport: TransportOptions::default(),
            retry: RetryPolicy::default(),
            rate_limits: RateLimits::default(),
            batch_limits: BatchLimits::default(),
            test_mode: false,
            account_deletes_in_test_mode: false,
            read_ahead: 8,
            logger: Logger::default(),
        }
    }
}

impl ClientOptions {
    /// The root URL of the service; https, or http on loopback.
    pub fn set_endpoint(&mut self, url: &str) -> Result<()> {
        self.endpoint = parse_root("endpoint", url)?;
        Ok(())
    }

    /// What stands before the library's own name in `User-Agent`.
    pub fn set_user_agent_prefix(&mut self, prefix: &str) -> Result<()> {
        let printable = prefix.bytes().all(|b| matches!(b, b' '..=b'~'));
        if prefix.trim().is_empty() || prefix.len() > 256 || !printable {
            return Err(Error::invalid_argument(
                "prefix",
                "must be 1 to 256 printable ASCII characters, since it goes into a header",
            ));
        }
        self.transport.user_agent_prefix = Some(prefix.trim().to_owned());
        Ok(())
    }

    /// Certificates in PEM to trust besides those of the platform, for the service and for the token endpoint.
    pub fn add_ca_certificates(&mut self, pem: &[u8]) -> Result<()> {
        let certificates = parse_certificates("pem", pem)?;
        self.transport.trust.extra.extend(certificates);
        Ok(())
    }

    /// The same, from a file.
    pub fn add_ca_file(&mut self, path: &Path) -> Result<()> {
        let name = name_of("path", path)?;
        let certificates = parse_certificates(&name, &read_file(&name, path)?)?;
        self.transport.trust.extra.extend(certificates);
        Ok(())
    }

    /// Whether the certificates that the platform trusts are trusted, as they are by default, or only those added.
    pub fn set_platform_certificates(&mut self, trusted: bool) {
        self.transport.trust.platform = trusted;
    }

    /// Takes any certificate from anyone, which is no better than no TLS: whoever sits on the line can read the client
    /// secret and the token, and change what is read and written. For a look into a network that is in pieces, never
    /// for work. Every client that is made with it says so in its log.
    pub fn set_danger_accept_invalid_certificates(&mut self, accepted: bool) {
        self.transport.trust.anyone = accepted;
    }

    /// The proxy for every https connection, in place of what the environment says: `http://host:port`, `https://`,
    /// `socks5://` (names are looked up here) or `socks5h://` (names are looked up by the proxy).
    pub fn set_proxy(&mut self, url: &str, login: Option<(&str, Secret)>) -> Result<()> {
        let login = login.map(|(user, password)| Login {
            user: user.to_owned(),
            password,
        });
        self.transport.proxy = ProxyChoice::Given(Proxy::given(["url", "user"], url, login)?);
        Ok(())
    }

    /// No proxy, whatever the environment says.
    pub fn disable_proxy(&mut self) {
        self.transport.proxy = ProxyChoice::Off;
    }
}

impl ClientOptions {
    /// What an operator wrote down wins over what the program set.
    fn lay_over(&mut self, settings: Settings) -> Result<()> {
        let Settings {
            endpoint,
            ca_pem,
            proxy,
            connect_timeout,
            attempt_timeout,
        } = settings;
        if let Some(endpoint) = endpoint {
            self.endpoint = endpoint;
        }
        if let Some((name, pem)) = ca_pem {
            let certificates = parse_certificates(&name, &pem)?;
            self.transport.trust.extra.extend(certificates);
        }
        if let Some(proxy) = proxy {
            self.transport.proxy = ProxyChoice::Given(proxy);
        }
        if let Some(timeout) = connect_timeout {
            self.transport.connect_timeout = timeout;
        }
        if let Some(timeout) = attempt_timeout {
            self.transport.attempt_timeout = timeout;
        }
        Ok(())
    }
}

/// One organisation at the service. Clones share everything; any number of threads may call at once.
///
/// The state of a whole call takes kilobytes, and lives on the heap: the futures themselves are moved through the stack of
/// the thread that makes them, which may be small.
#[derive(Clone, Debug)]
pub struct Client {
    session: Arc<Session>,
    dispatcher: Arc<Dispatcher>,
    counters: Arc<Counters>,
    read_ahead: u32,
}

impl Client {
    /// Nothing is sent before the first call.
    pub fn new(org_id: &str, credentials: Credentials, options: ClientOptions) -> Result<Self> {
        options.batch_limits.check()?;
        options.transport.trust.check()?;
        if options.transport.trust.anyone {
            options.logger.line(LogLevel::Warn, || {
                "DANGER: certificates are not verified (the option danger_accept_invalid_certificates): \
                 whoever sits on the line can read the secret and the token, and change everything"
                    .to_owned()
            });
        }
        let counters = Arc::new(Counters::default());
        let http = Http {
            throttle: Throttle::shared(
                options.endpoint.as_str(),
                &credentials.client_id,
                &options.rate_limits,
            ),
            transport: Arc::new(Transport::new(options.transport)),
            retry: options.retry,
            logger: options.logger,
        };
        let session = Arc::new(Session::new(
            http,
            credentials,
            options.endpoint,
            org_id,
            options.rate_limits,
            counters.clone(),
        )?);
        let acting = ActingOptions {
            limits: options.batch_limits,
            test_mode: options.test_mode,
            account_deletes_in_test_mode: options.account_deletes_in_test_mode,
        };
        let service = Box::new(Service::new(session.clone(), acting.test_mode));
        let dispatcher = Arc::new(Dispatcher::new(service, acting, counters.clone()));
        Ok(Client {
            session,
            dispatcher,
            counters,
            read_ahead: options.read_ahead,
        })
    }

    /// From a JSON file with our own keys, or the project file of the Adobe Developer Console. What it names wins over
    /// the options.
    pub fn from_file(path: &Path, options: ClientOptions) -> Result<Self> {
        Client::configured(Configuration::from_file(path)?, options)
    }

    /// From `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and the other variables of the environment. What
    /// they name wins over the options.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        Client::configured(Configuration::from_environment()?, options)
    }

    fn configured(configuration: Configuration, mut options: ClientOptions) -> Result<Self> {
        options.lay_over(configuration.settings)?;
        Client::new(&configuration.org_id, configuration.credentials, options)
    }

    /// Other credentials for all attempts from now on, for a secret that changes while the program runs. An attempt that is
    /// under way finishes with the token it has; a repeat of it goes out with the new credentials.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.session.set_credentials(credentials);
    }

    /// One user by email, or by username with its domain. `None`: the service knows no such user.
    pub async fn find_user(
        &self,
        user_string: &str,
        domain: Option<&str>,
        options: &CallOptions,
    ) -> Result<Option<User>> {
        let call = Call::begin(options);
        let work = single::find_user(&self.session, &call, user_string, domain);
        Box::pin(call.bounded(work)).await
    }

    pub fn users(&self, query: UsersQuery) -> UserPages {
        Pager::users(self.session.clone(), query, self.read_ahead)
    }

    pub fn groups(&self) -> GroupPages {
        Pager::groups(self.session.clone(), self.read_ahead)
    }

    /// User groups by the deprecated listing, which alone tells whether a group is read-only.
    pub fn user_groups(&self) -> GroupPages {
        Pager::user_groups(self.session.clone(), self.read_ahead)
    }

    /// Sends the actions now, and tells what became of each, in their order. An error means that nothing was sent;
    /// whatever happens once sending has begun is told by the outcomes.
    pub async fn execute<A: Borrow<Action>>(
        &self,
        actions: &[A],
        options: &CallOptions,
    ) -> Result<Vec<Outcome>> {
        let call = Call::begin(options);
        Box::pin(self.dispatcher.execute(&call, actions)).await
    }

    /// A queue that sends whenever a full request has gathered.
    pub fn queue(&self) -> Queue {
        Queue::new(self.dispatcher.clone())
    }

    /// Goes every step of the way to the service, each once, and tells what it found. An error: the call was cancelled.
    /// When the call's time is up, the step under way has failed with that.
    pub async fn check(&self, options: &CallOptions) -> Result<Report> {
        Box::pin(check::check(&self.session, options)).await
    }

    /// What the service says of itself.
    pub async fn service_status(&self, options: &CallOptions) -> Result<ServiceStatus> {
        let call = Call::begin(options);
        Box::pin(call.bounded(single::service_status(&self.session, &call))).await
    }

    /// Tells the service, with the next request for users, groups or actions, that a sync begins or ends. A start and an
    /// end go out with one request each; what sends nothing uses none up.
    pub fn signal(&self, signal: SyncSignal) {
        self.session.signal(signal);
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Action;

    /// A future is moved through the stack of the thread that makes it, which may be small.
    #[tokio::test]
    async fn futures_are_small() {
        let credentials = Credentials::oauth("c", "s").unwrap();
        let client = Client::new("1@AdobeOrg", credentials, ClientOptions::default()).unwrap();
        let options = CallOptions::default();
        let action = Action::on_user("a@example.com", None).unwrap();
        let actions = [&action];
        let mut users = client.users(UsersQuery::new());
        let mut groups = client.groups();
        let (mut queue, mut other_queue) = (client.queue(), client.queue());
        let sizes = [
            size_of_val(&client.find_user("a@example.com", None, &options)),
            size_of_val(&client.check(&options)),
            size_of_val(&client.service_status(&options)),
            size_of_val(&client.execute(&actions, &options)),
            size_of_val(&users.next_page(&options)),
            size_of_val(&groups.next_page(&options)),
            size_of_val(&queue.add(&action, &options)),
            size_of_val(&other_queue.flush(&options)),
        ];
        assert!(sizes.iter().all(|size| *size <= 512), "{sizes:?}");
    }
}
