//! A listing through the Rust API, on its own runtime.

use crate::plan::{Listing, Plan};
use crate::support::Sandbox;
use crate::support::c_api::{Failure, Result};
use crate::{ATTEMPT_TIMEOUT, LONGEST_WAIT, Limits, PAUSES, Reader};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use umapi::ffi::status;
use umapi::{
    CallOptions, Cancel, Client, EndpointClass, Error, ErrorKind, GroupPages, Page, RateLimit,
    RetryPolicy, UserPages, UsersQuery,
};

pub fn client(sandbox: &Sandbox, plan: &Plan) -> Client {
    let mut options = sandbox.options();
    let retry = RetryPolicy {
        max_attempts: plan.max_attempts,
        first_delay: Duration::from_millis(1),
        max_wait: LONGEST_WAIT,
    };
    options
        .set_attempt_timeout(ATTEMPT_TIMEOUT)
        .and_then(|()| options.set_retry(retry))
        .and_then(|()| options.set_read_ahead(plan.read_ahead))
        .expect("the options are good");
    if let Some((requests, window_ms)) = plan.rate_limit {
        let window = Duration::from_millis(window_ms);
        for class in [
            EndpointClass::Users,
            EndpointClass::Groups,
            EndpointClass::UserGroups,
        ] {
            let limit = RateLimit { requests, window };
            options
                .set_rate_limit(class, Some(limit))
                .expect("the limit is good");
        }
    }
    Client::new(sandbox.info("org_id"), sandbox.credentials(), options)
        .expect("the options are good")
}

enum Pages {
    Users(UserPages),
    Groups(GroupPages),
}

pub struct Reading {
    runtime: Runtime,
    pages: Pages,
    blocking: Option<(Duration, Arc<AtomicU32>)>,
}

impl Reading {
    pub fn new(client: &Client, plan: &Plan) -> Self {
        let pages = match &plan.listing {
            Listing::Users => Pages::Users(client.users(UsersQuery::new())),
            Listing::Members(group) => {
                let mut query = UsersQuery::new();
                query.set_group(group).expect("the name is good");
                Pages::Users(client.users(query))
            }
            Listing::Groups => Pages::Groups(client.groups()),
            Listing::UserGroups => Pages::Groups(client.user_groups()),
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        Reading {
            runtime: runtime.expect("a runtime"),
            pages,
            blocking: plan
                .blocking
                .map(|pause| (pause, Arc::new(AtomicU32::new(PAUSES)))),
        }
    }

    fn call(&self, limits: Limits, cancel: &Cancel) -> CallOptions {
        let mut call = CallOptions::new();
        call.set_timeout(limits.deadline);
        if limits.cancel_after.is_some() {
            call.set_cancel(cancel.clone());
        }
        if let Some((pause, left)) = self.blocking.clone() {
            call.set_progress(move |_| {
                let order = Ordering::Relaxed;
                if left
                    .fetch_update(order, order, |n| n.checked_sub(1))
                    .is_ok()
                {
                    std::thread::sleep(pause);
                }
            });
        }
        call
    }
}

impl Reader for Reading {
    fn next(&mut self, limits: Limits) -> Result<Option<Vec<String>>> {
        let cancel = Cancel::new();
        let call = self.call(limits, &cancel);
        let cancelling = async {
            if let Some(time) = limits.cancel_after {
                tokio::time::sleep(time).await;
                cancel.trigger();
            }
            std::future::pending().await
        };
        let pages = &mut self.pages;
        let next = self.runtime.block_on(async {
            tokio::select! {
                page = next_page(pages, &call) => page,
                () = cancelling => unreachable!("it never ends"),
            }
        });
        next.map_err(|error| failure(&error))
    }

    fn reload(&mut self) {
        match &mut self.pages {
            Pages::Users(pages) => pages.reload(),
            Pages::Groups(pages) => pages.reload(),
        }
    }

    fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

async fn next_page(pages: &mut Pages, call: &CallOptions) -> umapi::Result<Option<Vec<String>>> {
    let users = |page: Page<_>| page.users().map(|user| text(user.email())).collect();
    let groups = |page: Page<_>| page.groups().map(|group| text(group.name())).collect();
    match pages {
        Pages::Users(pages) => Ok(pages.next_page(call).await?.map(users)),
        Pages::Groups(pages) => Ok(pages.next_page(call).await?.map(groups)),
    }
}

fn text(text: Option<umapi::Text<'_>>) -> String {
    text.map_or(String::new(), |text| text.as_str().to_owned())
}

/// The error in the form that the C API reports.
fn failure(error: &Error) -> Failure {
    Failure {
        status: match error.kind() {
            ErrorKind::InvalidArgument => status::UMAPI_STATUS_INVALID_ARGUMENT,
            ErrorKind::Cancelled => status::UMAPI_STATUS_CANCELLED,
            ErrorKind::Deadline => status::UMAPI_STATUS_DEADLINE,
            ErrorKind::Throttled => status::UMAPI_STATUS_THROTTLED,
            ErrorKind::Connect => status::UMAPI_STATUS_CONNECT,
            ErrorKind::Tls => status::UMAPI_STATUS_TLS,
            ErrorKind::Proxy => status::UMAPI_STATUS_PROXY,
            ErrorKind::Timeout => status::UMAPI_STATUS_TIMEOUT,
            ErrorKind::Auth => status::UMAPI_STATUS_AUTH,
            ErrorKind::Forbidden => status::UMAPI_STATUS_FORBIDDEN,
            ErrorKind::NotFound => status::UMAPI_STATUS_NOT_FOUND,
            ErrorKind::Rejected => status::UMAPI_STATUS_REJECTED,
            ErrorKind::Server => status::UMAPI_STATUS_SERVER,
            ErrorKind::Protocol => status::UMAPI_STATUS_PROTOCOL,
            _ => status::UMAPI_STATUS_INTERNAL,
        },
        message: format!("{error:?}"),
    }
}
