//! The client: the Rust API over credentials, HTTP, queries and actions.

use crate::action::execute::{ActingOptions, Dispatcher};
use crate::action::outcome::Outcome;
use crate::action::queue::Queue;
use crate::action::sender::ServiceSender;
use crate::auth::credentials::Credentials;
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::check;
use crate::check::report::Report;
use crate::config::Configuration;
use crate::counters::Counters;
use crate::error::Result;
use crate::log::LogLevel;
use crate::model::action::Action;
use crate::model::user::User;
use crate::options::ClientOptions;
use crate::query::listing::UsersQuery;
use crate::query::pager::{GroupPages, Pager, UserPages};
use crate::query::single::{self, ServiceStatus};
use crate::service::signal::SyncSignal;
use crate::service::{Service, ServiceOptions};
use std::borrow::Borrow;
use std::path::Path;
use std::sync::Arc;

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
        configuration.apply_settings(&mut options)?;
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
    use crate::model::action::Action;

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
