//! A listing through the C API.

use crate::plan::{Api, Listing, Plan};
use crate::support::Sandbox;
use crate::support::c_api::{self, Blocking, Call, Cancel, Client, Pages, Result, Settings};
use crate::{ATTEMPT_TIMEOUT, LONGEST_WAIT, Limits, PAUSES, Reader};
use std::sync::Arc;

pub fn client(sandbox: &Sandbox, plan: &Plan) -> Client {
    let settings = Settings {
        attempt_timeout_ms: ATTEMPT_TIMEOUT.as_millis() as i64,
        max_attempts: plan.max_attempts as i32,
        max_wait_ms: LONGEST_WAIT.as_millis() as i64,
        batch: None,
        read_ahead: Some(plan.read_ahead),
        rate_limit: plan
            .rate_limit
            .map(|(requests, window_ms)| (requests, window_ms as i64)),
    };
    Client::new(sandbox, &settings)
}

pub fn fork(sandbox: &Sandbox, client: &Client, plan: &Plan) -> std::result::Result<(), String> {
    match plan.fork_after {
        None => Ok(()),
        Some(time) => {
            std::thread::sleep(time);
            c_api::fork(sandbox, client)
        }
    }
}

pub struct Reading {
    pages: Pages,
    by_item: bool,
    blocking: Option<Arc<Blocking>>,
}

impl Reading {
    pub fn new(client: &Client, plan: &Plan) -> Self {
        let pages = match plan.listing {
            Listing::Users => client.users(None),
            Listing::Members(group) => client.users(Some(group)),
            Listing::Groups => client.groups(),
            Listing::UserGroups => client.user_groups(),
        };
        Reading {
            pages,
            by_item: plan.api == Api::CByItem,
            blocking: plan
                .blocking
                .map(|pause| Blocking::new(client, pause, PAUSES)),
        }
    }
}

impl Reader for Reading {
    fn next(&mut self, limits: Limits) -> Result<Option<Vec<String>>> {
        let cancel = Cancel::new();
        let is_cancelled = limits.cancel_after.is_some().then_some(&cancel);
        let call = Call::new(limits.deadline, is_cancelled, self.blocking.as_ref());
        let (ended, end) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            if let Some(time) = limits.cancel_after {
                let cancel = &cancel;
                scope.spawn(move || {
                    if end.recv_timeout(time).is_err() {
                        cancel.trigger();
                    }
                });
            }
            let next = match self.by_item {
                true => self.pages.next_item(&call),
                false => self.pages.next_page(&call),
            };
            drop(ended);
            next
        })
    }

    fn reload(&mut self) {
        self.pages.reload();
    }

    fn check(&self) -> std::result::Result<(), String> {
        let blocking = self.blocking.as_ref();
        blocking.map_or(Ok(()), |blocking| blocking.check())
    }
}
