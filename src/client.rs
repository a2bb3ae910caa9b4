//! The client: the Rust API over credentials, HTTP, queries and actions.

use crate::action::execute::{ActingOptions, Dispatcher};
use crate::action::outcome::Outcome;
use crate::action::queue::Queue;
use crate::action::sender::ServiceSender;
use crate::action::split::BatchLimits;
use crate::auth::credentials::Credentials;
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::check;
use crate::check::report::Report;
use crate::config::{Configuration, Settings};
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::http::certificates::parse_certificates;
use crate::http::limit::rate_limit::RateLimits;
use crate::http::proxy::{Login, Proxy, ProxyChoice};
use crate::http::retry::RetryPolicy;
use crate::http::transport::TransportOptions;
use crate::http::url::parse_root;
use crate::input_file::{name_of, read_file};
use crate::log::{LogLevel, Logger};
use crate::model::command::Action;
use crate::model::user::User;
use crate::query::listing::UsersQuery;
use crate::query::pager::{GroupPages, Pager, UserPages};
use crate::query::single::{self, ServiceStatus};
use crate::secret::Secret;
use crate::service::signal::SyncSignal;
use crate::service::{Service, ServiceOptions};
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
        self.transport.trust.any_certificate = accepted;
    }

    /// The proxy for every https connection, in place of what the environment says: `http://host:port`, `https://`,
    /// `socks5://` (names are looked up here) or `socks5h://` (names are looked up by the proxy).
    pub fn set_proxy(&mut self, url: &str, login: Option<(&str, Secret)>) -> Result<()> {
        let login = login.map(|(user, password)| Login {
            user: user.to_owned(),
            password,
        });
        self.transport.proxy = ProxyChoice::Given(Proxy::from_option(["url", "user"], url, login)?);
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

/// A client for one organisation at the User Management API.
///
/// Clones share the credentials, the token, the counters and the connections; any number of threads may call at once.
/// Clients with the same endpoint and client id share their rate limits within the process. The futures run on a tokio
/// runtime with I/O and time enabled.
///
/// The futures are small, since they are moved through the stack of the thread that makes them, which may be small: the state
/// of a call, which takes kilobytes, is on the heap.
///
/// ```no_run
/// use std::time::Duration;
/// use umapi::{CallOptions, Client, ClientOptions, Credentials, UsersQuery};
///
/// # async fn print_users() -> umapi::Result<()> {
/// let credentials = Credentials::oauth("a-client-id", "a-client-secret")?;
/// let client = Client::new("12345ABCDE@AdobeOrg", credentials, ClientOptions::default())?;
/// let mut call = CallOptions::new();
/// call.set_timeout(Some(Duration::from_secs(600)));
/// let mut pages = client.users(UsersQuery::new());
/// while let Some(page) = pages.next_page(&call).await? {
///     for user in page.users() {
///         println!("{}", user.username().unwrap_or_default().as_str());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    service: Arc<Service>,
    dispatcher: Arc<Dispatcher>,
    counters: Arc<Counters>,
    read_ahead: u32,
}

impl Client {
    /// Makes a client. `org_id` is the organisation's id, such as `12345ABCDE@AdobeOrg`. Nothing is sent before the
    /// first call.
    ///
    /// Options that contradict each other, an organisation id that is not 1 to 256 visible ASCII characters, or a
    /// client id that cannot be sent in a header are an [`crate::ErrorKind::InvalidArgument`].
    pub fn new(org_id: &str, credentials: Credentials, options: ClientOptions) -> Result<Self> {
        options.batch_limits.check()?;
        options.transport.trust.check_not_empty()?;
        if options.transport.trust.any_certificate {
            options.logger.line(LogLevel::Warn, || {
                "DANGER: certificates are not verified (the option danger_accept_invalid_certificates): \
                 anyone with access to the network can read the secret and the token, and change all data"
                    .to_owned()
            });
        }
        let counters = Arc::new(Counters::default());
        let reach = ServiceOptions {
            root: options.endpoint,
            transport: options.transport,
            retry: options.retry,
            rate_limits: options.rate_limits,
            logger: options.logger,
        };
        let service = Service::new(org_id, credentials, reach, counters.clone())?;
        let service = Arc::new(service);
        let acting = ActingOptions {
            limits: options.batch_limits,
            test_mode: options.test_mode,
            account_deletes_in_test_mode: options.account_deletes_in_test_mode,
        };
        let sender = Box::new(ServiceSender::new(service.clone(), acting.test_mode));
        let dispatcher = Arc::new(Dispatcher::new(sender, acting, counters.clone()));
        Ok(Client {
            service,
            dispatcher,
            counters,
            read_ahead: options.read_ahead,
        })
    }

    /// Makes a client from a JSON file: the library's own configuration format, or the project file of the Adobe
    /// Developer Console. Settings in the file take precedence over `options`.
    ///
    /// A file that cannot be read, or is not valid, is an [`crate::ErrorKind::InvalidArgument`] that names the file and
    /// the key.
    pub fn from_file(path: &Path, options: ClientOptions) -> Result<Self> {
        Client::configured(Configuration::from_file(path)?, options)
    }

    /// Makes a client from `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and the other environment variables
    /// of that prefix. Settings there take precedence over `options`.
    ///
    /// A variable that is missing or not valid is an [`crate::ErrorKind::InvalidArgument`] that names it.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        Client::configured(Configuration::from_environment()?, options)
    }

    fn configured(configuration: Configuration, mut options: ClientOptions) -> Result<Self> {
        options.lay_over(configuration.settings)?;
        Client::new(&configuration.org_id, configuration.credentials, options)
    }

    /// Replaces the credentials of this client and its clones, for a secret that changes while the program runs. An
    /// attempt that has begun ends with its old token; a retry of it uses the new credentials.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.service.set_credentials(credentials);
    }

    /// Finds one user by email, or by username with its domain. `None`: the service knows no such user.
    ///
    /// `user_string` is compared without regard to letter case. `domain` is `AdobeID` for an Adobe ID, which
    /// distinguishes it from another account with the same email. The request is
    /// `GET /organizations/{orgId}/users/{userString}`.
    pub async fn find_user(
        &self,
        user_string: &str,
        domain: Option<&str>,
        options: &CallOptions,
    ) -> Result<Option<User>> {
        let call = Call::begin(options);
        let work = single::find_user(&self.service, &call, user_string, domain);
        Box::pin(call.until_cancelled_or_due(work)).await
    }

    /// Lists the users that `query` selects: `GET /users/{orgId}/{page}`, or `GET /users/{orgId}/{page}/{groupName}`
    /// for a group. Nothing is sent before the first page is requested.
    pub fn users(&self, query: UsersQuery) -> UserPages {
        Pager::users(self.service.clone(), query, self.read_ahead)
    }

    /// Lists all groups, product profiles and admin groups: `GET /groups/{orgId}/{page}`. Nothing is sent before the
    /// first page is requested.
    pub fn groups(&self) -> GroupPages {
        Pager::groups(self.service.clone(), self.read_ahead)
    }

    /// Lists the user groups by the deprecated `GET /{orgId}/user-groups`, the only listing that has
    /// [`crate::Group::is_read_only`]. Nothing is sent before the first page is requested.
    pub fn user_groups(&self) -> GroupPages {
        Pager::user_groups(self.service.clone(), self.read_ahead)
    }

    /// Sends the actions now and returns the outcome of each, in the order of `actions`. The request is
    /// `POST /action/{orgId}`.
    ///
    /// An error means that nothing was sent. Once sending has begun, every failure, the deadline and a cancel included,
    /// is part of the outcomes.
    pub async fn execute<A: Borrow<Action>>(
        &self,
        actions: &[A],
        options: &CallOptions,
    ) -> Result<Vec<Outcome>> {
        let call = Call::begin(options);
        Box::pin(self.dispatcher.execute(&call, actions)).await
    }

    /// Makes a queue, which sends its actions whenever they fill a request.
    pub fn queue(&self) -> Queue {
        Queue::new(self.dispatcher.clone())
    }

    /// Runs the self-check: every step from the configuration to an answer of the service, each once and without
    /// retries. It changes nothing at the service, and obtains a new token.
    ///
    /// It fails only with [`crate::ErrorKind::Cancelled`]. If the deadline passes, the current step fails with it.
    pub async fn check(&self, options: &CallOptions) -> Result<Report> {
        Box::pin(check::run_check(&self.service, options)).await
    }

    /// Reads the service's own status: `GET /status` of its host. It needs no token.
    pub async fn service_status(&self, options: &CallOptions) -> Result<ServiceStatus> {
        let call = Call::begin(options);
        Box::pin(call.until_cancelled_or_due(single::service_status(&self.service, &call))).await
    }

    /// Tells the service, with the next request for users, groups or actions, that a sync begins or ends (header
    /// `Pragma`). A start and an end are each sent with one request; a call that sends no request does not use the
    /// signal up.
    pub fn signal(&self, signal: SyncSignal) {
        self.service.signal(signal);
    }

    /// The counters of this client and its clones, for monitoring.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::Action;

    /// Futures are moved through the stack of the thread that makes them, which may be small.
    #[tokio::test]
    async fn futures_are_small() {
        let credentials = Credentials::oauth("c", "s").unwrap();
        let client = Client::new("1@AdobeOrg", credentials, ClientOptions::default()).unwrap();
        let options = CallOptions::default();
        let action = Action::on_user("a@example.com", None).unwrap();
        let actions = [&action];
        let mut users = client.users(UsersQuery::new());
        let mut groups = client.groups();
        let mut users_one_by_one = client.users(UsersQuery::new()).into_items();
        let (mut queue, mut other_queue) = (client.queue(), client.queue());
        let sizes = [
            size_of_val(&client.find_user("a@example.com", None, &options)),
            size_of_val(&client.check(&options)),
            size_of_val(&client.service_status(&options)),
            size_of_val(&client.execute(&actions, &options)),
            size_of_val(&users.next_page(&options)),
            size_of_val(&groups.next_page(&options)),
            size_of_val(&users_one_by_one.next(&options)),
            size_of_val(&queue.add(&action, &options)),
            size_of_val(&other_queue.flush(&options)),
        ];
        assert!(sizes.iter().all(|size| *size <= 512), "{sizes:?}");
    }
}
