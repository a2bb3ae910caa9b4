//! The truth about every listing, under every fault: read page by page, it is complete and correct, or it is an
//! error; never short, never with an item twice. Read on after the faults, or begun anew, it is complete.

#[path = "../support/mod.rs"]
mod support;

mod plan;

use plan::{Listing, Plan};
use std::time::Duration;
use support::Sandbox;
use support::schedules::{self, Ended};
use tokio::runtime::{Builder, Runtime};
use umapi::{
    CallOptions, Cancel, Client, Error, ErrorKind, GroupPages, Page, Result, RetryPolicy,
    UserPages, UsersQuery,
};

#[test]
fn a_listing_is_complete_or_an_error() {
    let met = schedules::run(1000, Bench::new, |bench, seed| {
        let reading = bench.run(&Plan::new(seed));
        Ended {
            verdict: reading.check(),
            met: reading.met(),
        }
    });
    if let Some(met) = met {
        assert!(
            met["ends"].len() > 5 && met["faults met"].len() > 8,
            "{met:?}"
        );
    }
}

/// How a reading under faults went, and what it came to once they were gone.
struct Reading {
    expected: Vec<String>,
    read: Vec<String>,
    /// The errors on the way, and whether the end was told.
    errors: Vec<Error>,
    ended: bool,
    faults: Vec<String>,
    interrupted: bool,
    read_on: Result<Vec<String>>,
    read_anew: Result<Vec<String>>,
}

impl Reading {
    fn check(&self) -> std::result::Result<(), String> {
        let expect = |good: bool, words: &str| match good {
            true => Ok(()),
            false => Err(format!(
                "{words}\nexpected {:?}\nread     {:?}\nerrors {:#?}\nfaults {:?}",
                self.expected, self.read, self.errors, self.faults
            )),
        };
        expect(
            self.expected.starts_with(&self.read),
            "what was read is not the beginning of what there is",
        )?;
        expect(
            !self.ended || self.read == self.expected,
            "the listing ended short",
        )?;
        let is_slow_only = !self.errors.is_empty() && self.errors.iter().all(is_slow);
        let had_cause = !self.faults.is_empty() || self.interrupted || is_slow_only;
        expect(had_cause || self.ended, "no end without a cause")?;
        for (how, result) in [("read on", &self.read_on), ("begun anew", &self.read_anew)] {
            match result {
                Ok(items) => expect(*items == self.expected, &format!("{how}: {items:?}"))?,
                // The service was told to shut everyone out for an hour.
                Err(error) if error.kind() == ErrorKind::Throttled || is_slow(error) => {}
                Err(error) => expect(false, &format!("{how}: {error:?}"))?,
            }
        }
        Ok(())
    }

    fn met(&self) -> Vec<(&'static str, String)> {
        let ends = self
            .errors
            .iter()
            .map(|error| format!("{:?}", error.kind()));
        let complete = self.ended.then(|| "complete".to_owned());
        let faults = self.faults.iter().cloned();
        ends.chain(complete)
            .map(|end| ("ends", end))
            .chain(faults.map(|fault| ("faults met", fault)))
            .collect()
    }
}

/// Attempts have little time here, and a machine that does other work as well may not keep to it.
fn is_slow(error: &Error) -> bool {
    error.kind() == ErrorKind::Timeout
}

struct Bench {
    sandbox: Sandbox,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        Bench {
            sandbox: Sandbox::start(&["--limits", "off", "--users", "25"]),
            runtime: Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    fn run(&mut self, plan: &Plan) -> Reading {
        let sandbox = &self.sandbox;
        sandbox.control("POST", "/reset", "");
        let state = plan.shape(sandbox.control("GET", "/state", ""));
        sandbox.control("PUT", "/state", &state.to_string());
        sandbox.control("POST", "/settings", &plan.settings.to_string());
        for fault in &plan.faults {
            sandbox.control("POST", "/faults", &fault.to_string());
        }
        let client = client(sandbox, plan);
        let mut reading = Reading {
            expected: plan.expected(&state),
            read: Vec::new(),
            errors: Vec::new(),
            ended: false,
            faults: Vec::new(),
            interrupted: plan.interrupts(),
            read_on: Ok(Vec::new()),
            read_anew: Ok(Vec::new()),
        };
        let mut pages = Pages::open(&client, &plan.listing);
        self.runtime
            .block_on(read_under_faults(&mut pages, plan, &mut reading));
        reading.faults = faults_met(sandbox);
        sandbox.control("DELETE", "/faults", "");
        for fault in &plan.lasting {
            sandbox.control("POST", "/faults", &fault.to_string());
        }
        self.runtime.block_on(async {
            // What was already fetched, ahead of its turn, may have failed.
            let (so_far, failed) = (reading.read.clone(), plan.read_ahead + 1);
            reading.read_on = pages.read_to_the_end(so_far, failed).await;
            pages.reload();
            reading.read_anew = pages.read_to_the_end(Vec::new(), 0).await;
        });
        reading
    }
}

fn client(sandbox: &Sandbox, plan: &Plan) -> Client {
    let mut options = sandbox.options();
    options.read_ahead = plan.read_ahead;
    options.transport.attempt_timeout = Duration::from_millis(80);
    options.retry = RetryPolicy {
        max_attempts: plan.max_attempts,
        first_delay: Duration::from_millis(1),
        max_wait: Duration::from_millis(100),
    };
    Client::new(sandbox.info("org_id"), sandbox.credentials(), options)
        .expect("the options are good")
}

async fn read_under_faults(pages: &mut Pages, plan: &Plan, reading: &mut Reading) {
    while reading.errors.len() < plan.patience {
        let (cancel, mut call) = (Cancel::new(), CallOptions::new().timeout(plan.deadline));
        if plan.cancel_after.is_some() {
            call = call.cancel(cancel.clone());
        }
        let cancelling = async {
            if let Some(time) = plan.cancel_after {
                tokio::time::sleep(time).await;
                cancel.trigger();
            }
            std::future::pending().await
        };
        let page = tokio::select! {
            page = pages.next(&call) => page,
            () = cancelling => unreachable!("it never ends"),
        };
        match page {
            Ok(Some(items)) => reading.read.extend(items),
            Ok(None) => {
                reading.ended = true;
                break;
            }
            Err(error) => reading.errors.push(error),
        }
    }
}

/// The faults that struck, without those that only shape the answers.
fn faults_met(sandbox: &Sandbox) -> Vec<String> {
    let rules = sandbox.control("GET", "/faults", "");
    let struck = rules.as_array().into_iter().flatten().filter(|line| {
        line["rule"]["fault"]["rewrite"]["remove"][0] != plan::LAST_PAGE
            && line["hits"].as_u64() > Some(0)
    });
    struck
        .filter_map(|line| Some(line["rule"]["fault"].as_object()?.keys().next()?.clone()))
        .collect()
}

/// A listing of whichever kind, as the names of its items.
enum Pages {
    Users(UserPages),
    Groups(GroupPages),
}

impl Pages {
    fn open(client: &Client, listing: &Listing) -> Self {
        match listing {
            Listing::Users => Pages::Users(client.users(UsersQuery::new())),
            Listing::Members(group) => {
                let mut query = UsersQuery::new();
                query.group(group).expect("the name is good");
                Pages::Users(client.users(query))
            }
            Listing::Groups => Pages::Groups(client.groups()),
            Listing::UserGroups => Pages::Groups(client.user_groups()),
        }
    }

    async fn next(&mut self, call: &CallOptions) -> Result<Option<Vec<String>>> {
        let users = |page: Page<_>| page.users().map(|u| text(u.email())).collect();
        let groups = |page: Page<_>| page.groups().map(|g| text(g.name())).collect();
        match self {
            Pages::Users(pages) => Ok(pages.next_page(call).await?.map(users)),
            Pages::Groups(pages) => Ok(pages.next_page(call).await?.map(groups)),
        }
    }

    /// Puts up with so many failures.
    async fn read_to_the_end(
        &mut self,
        mut items: Vec<String>,
        mut failures: u32,
    ) -> Result<Vec<String>> {
        loop {
            match self.next(&CallOptions::new()).await {
                Ok(Some(page)) => items.extend(page),
                Ok(None) => return Ok(items),
                Err(error) if failures == 0 => return Err(error),
                Err(_) => failures -= 1,
            }
        }
    }

    fn reload(&mut self) {
        match self {
            Pages::Users(pages) => pages.reload(),
            Pages::Groups(pages) => pages.reload(),
        }
    }
}

fn text(text: Option<umapi::Text<'_>>) -> String {
    text.map_or(String::new(), |text| text.as_str().to_owned())
}
