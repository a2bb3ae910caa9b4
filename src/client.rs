//! The client: credentials, HTTP, reading and acting put together.

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
use crate::http::limit::throttle::Throttle;
use crate::http::perform::Http;
use crate::http::transport::Transport;
use crate::log::LogLevel;
use crate::model::command::Action;
use crate::model::user::User;
use crate::options::ClientOptions;
use crate::query::listing::UsersQuery;
use crate::query::pager::{GroupPages, Pager, UserPages};
use crate::query::single::{self, ServiceStatus};
use crate::service::Service;
use crate::service::signal::SyncSignal;
use std::borrow::Borrow;
use std::path::Path;
use std::sync::Arc;

/// One organisation at the service. Clones share everything; any number of threads may call at once.
///
/// The state of a whole call takes kilobytes, and lives on the heap: the futures themselves are moved through the stack of
/// the thread that makes them, which may be small.
#[derive(Clone, Debug)]
pub struct Client {
    service: Arc<Service>,
    dispatcher: Arc<Dispatcher>,
    counters: Arc<Counters>,
    read_ahead: u32,
}

impl Client {
    /// Nothing is sent before the first call.
    pub fn new(org_id: &str, credentials: Credentials, options: ClientOptions) -> Result<Self> {
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
        let service = Arc::new(Service::new(
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
        let sender = Box::new(ServiceSender::new(service.clone(), acting.test_mode));
        let dispatcher = Arc::new(Dispatcher::new(sender, acting, counters.clone()));
        Ok(Client {
            service,
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
        configuration.apply_settings(&mut options)?;
        Client::new(&configuration.org_id, configuration.credentials, options)
    }

    /// Other credentials for all attempts from now on, for a secret that changes while the program runs. An attempt that is
    /// under way finishes with the token it has; a repeat of it goes out with the new credentials.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.service.set_credentials(credentials);
    }

    /// One user by email, or by username with its domain. `None`: the service knows no such user.
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

    pub fn users(&self, query: UsersQuery) -> UserPages {
        Pager::users(self.service.clone(), query, self.read_ahead)
    }

    pub fn groups(&self) -> GroupPages {
        Pager::groups(self.service.clone(), self.read_ahead)
    }

    /// User groups by the deprecated listing, which alone tells whether a group is read-only.
    pub fn user_groups(&self) -> GroupPages {
        Pager::user_groups(self.service.clone(), self.read_ahead)
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
        Box::pin(check::check(&self.service, options)).await
    }

    /// What the service says of itself.
    pub async fn service_status(&self, options: &CallOptions) -> Result<ServiceStatus> {
        let call = Call::begin(options);
        Box::pin(call.until_cancelled_or_due(single::service_status(&self.service, &call))).await
    }

    /// Tells the service, with the next request for users, groups or actions, that a sync begins or ends. A start and an
    /// end go out with one request each; what sends nothing uses none up.
    pub fn signal(&self, signal: SyncSignal) {
        self.service.signal(signal);
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::Action;

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
