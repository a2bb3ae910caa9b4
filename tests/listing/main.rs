//! The completeness of every listing, under every fault. A listing is read page by page or item by item, by slow
//! consumers, with callbacks that block, by two clients of one client id, and around a fork; it is complete and
//! correct, or it ends with an error, and is never short and never contains an item twice. After the faults it can be
//! continued or restarted, and is complete.

#[path = "../support/mod.rs"]
mod support;

mod by_c;
mod by_rust;
mod plan;

use plan::{Api, Plan};
use std::time::Duration;
use support::Sandbox;
use support::c_api::{Failure, Result};
use support::schedules::{self, ScheduleResult};
use umapi::ffi::status::{UMAPI_STATUS_THROTTLED, UMAPI_STATUS_TIMEOUT};

#[test]
fn a_listing_is_complete_or_an_error() {
    let observed = schedules::run(1000, Fixture::new, |fixture, seed| {
        let reading = fixture.run(&Plan::new(seed));
        ScheduleResult {
            result: reading.check(),
            observed: reading.observed(),
        }
    });
    if let Some(observed) = observed {
        assert!(
            observed["ends"].len() > 5 && observed["faults met"].len() > 8,
            "{observed:?}"
        );
        assert_eq!(observed["schedules"].len(), 9, "{observed:?}");
    }
}

/// What was read under faults, and what was read once they had ended.
struct Reading {
    expected: Vec<String>,
    read: Vec<String>,
    /// The errors meanwhile.
    errors: Vec<Failure>,
    /// Whether the listing reported its end.
    ended: bool,
    /// What a second client read meanwhile, and whether its listing reported its end.
    second_client: Option<(Vec<String>, bool)>,
    /// The result of the checks other than of listings: of a forked child, and of a call from a callback.
    other_checks: std::result::Result<(), String>,
    faults: Vec<String>,
    /// The kinds of the schedule, for the coverage.
    schedule: Vec<String>,
    interrupted: bool,
    /// Whether the clients have a rate limit, which may require a longer wait than the call allows.
    rate_limited: bool,
    out_of_reach: bool,
    continued: Result<Vec<String>>,
    restarted: Result<Vec<String>>,
}

impl Reading {
    fn check(&self) -> std::result::Result<(), String> {
        let expect = |good: bool, message: &str| match good {
            true => Ok(()),
            false => Err(format!(
                "{message}\nexpected {:?}\nread     {:?}\nerrors {:#?}\nfaults {:?}",
                self.expected, self.read, self.errors, self.faults
            )),
        };
        expect(
            self.expected.starts_with(&self.read),
            "what was read is not the beginning of the listing",
        )?;
        expect(
            !self.ended || self.read == self.expected,
            "the listing ended short",
        )?;
        if let Some((read, ended)) = &self.second_client {
            let message = format!("the second client read {read:?}, ended {ended}");
            let good = self.expected.starts_with(read) && (!ended || *read == self.expected);
            expect(good, &message)?;
        }
        self.other_checks.clone()?;
        let is_slow_only = !self.errors.is_empty() && self.errors.iter().all(is_slow);
        if self.out_of_reach {
            let nothing = self.read.is_empty() && !self.ended;
            let failed = self.continued.is_err() && self.restarted.is_err();
            return expect(nothing && failed, "a listing out of reach was read");
        }
        let waits_or_is_slow =
            |error: &Failure| error.status == UMAPI_STATUS_THROTTLED || is_slow(error);
        let is_limited_only = self.rate_limited && self.errors.iter().all(waits_or_is_slow);
        let had_cause =
            !self.faults.is_empty() || self.interrupted || is_slow_only || is_limited_only;
        expect(
            had_cause || self.ended,
            "the listing has no end, without a cause",
        )?;
        for (how, result) in [
            ("continued", &self.continued),
            ("restarted", &self.restarted),
        ] {
            match result {
                Ok(items) => expect(*items == self.expected, &format!("{how}: {items:?}"))?,
                // A fault rule asked all clients for a pause of an hour.
                Err(error) if error.status == UMAPI_STATUS_THROTTLED || is_slow(error) => {}
                Err(error) => expect(false, &format!("{how}: {error:?}"))?,
            }
        }
        Ok(())
    }

    fn observed(&self) -> Vec<(&'static str, String)> {
        let ends = self
            .errors
            .iter()
            .map(|error| format!("status {}", error.status));
        let complete = self.ended.then(|| "complete".to_owned());
        let faults = self.faults.iter().cloned();
        ends.chain(complete)
            .map(|end| ("ends", end))
            .chain(faults.map(|fault| ("faults met", fault)))
            .chain(self.schedule.iter().map(|what| ("schedules", what.clone())))
            .collect()
    }
}

/// Whether an attempt timed out, as it may on a busy machine, since the attempt timeout is short here.
fn is_slow(error: &Failure) -> bool {
    error.status == UMAPI_STATUS_TIMEOUT
}

struct Fixture {
    sandbox: Sandbox,
}

/// A listing through either API.
trait Reader {
    /// The names of the next page's items, or of the next item.
    fn next(&mut self, limits: Limits) -> Result<Option<Vec<String>>>;
    fn reload(&mut self);
    /// Checks that calls from within the callback were refused.
    fn check(&self) -> std::result::Result<(), String>;
}

#[derive(Clone, Copy, Default)]
struct Limits {
    deadline: Option<Duration>,
    cancel_after: Option<Duration>,
}

/// The number of deliveries that are followed by a pause, and of calls in which a callback blocks.
const PAUSES: u32 = 2;
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(80);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

impl Fixture {
    fn new() -> Self {
        Fixture {
            sandbox: Sandbox::start(&["--limits", "off", "--users", "25"]),
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
        let mut reading = Reading {
            expected: plan.expected(&state),
            read: Vec::new(),
            errors: Vec::new(),
            ended: false,
            second_client: None,
            other_checks: Ok(()),
            faults: Vec::new(),
            schedule: schedule(plan),
            interrupted: plan.interrupts(),
            rate_limited: plan.rate_limit.is_some(),
            out_of_reach: plan.is_out_of_reach(),
            continued: Ok(Vec::new()),
            restarted: Ok(Vec::new()),
        };
        match plan.api {
            Api::Rust => {
                let client = by_rust::client(sandbox, plan);
                let second_reader = || by_rust::Reading::new(&by_rust::client(sandbox, plan), plan);
                let own = by_rust::Reading::new(&client, plan);
                self.read(own, second_reader, || Ok(()), plan, &mut reading);
            }
            Api::C | Api::CByItem => {
                let client = by_c::client(sandbox, plan);
                let second = plan.two_clients.then(|| by_c::client(sandbox, plan));
                let second_reader = || by_c::Reading::new(second.as_ref().unwrap_or(&client), plan);
                let own = by_c::Reading::new(&client, plan);
                let fork = || by_c::fork(sandbox, &client, plan);
                self.read(own, second_reader, fork, plan, &mut reading);
            }
        }
        reading
    }

    fn read<R: Reader>(
        &self,
        mut own: R,
        second_reader: impl Fn() -> R + Sync,
        fork: impl Fn() -> std::result::Result<(), String> + Sync,
        plan: &Plan,
        reading: &mut Reading,
    ) {
        std::thread::scope(|scope| {
            let fork = scope.spawn(&fork);
            let second = plan.two_clients.then(|| {
                scope.spawn(|| {
                    let (mut read, mut errors) = (Vec::new(), Vec::new());
                    let ended =
                        read_under_faults(&mut second_reader(), plan, &mut read, &mut errors);
                    (read, ended)
                })
            });
            let (read, errors) = (&mut reading.read, &mut reading.errors);
            reading.ended = read_under_faults(&mut own, plan, read, errors);
            reading.second_client =
                second.map(|second| second.join().expect("the thread does not panic"));
            reading.other_checks = fork.join().expect("the thread does not panic");
        });
        reading.other_checks = reading.other_checks.clone().and(own.check());
        reading.faults = faults_met(&self.sandbox);
        self.sandbox.control("DELETE", "/faults", "");
        for fault in &plan.lasting {
            self.sandbox.control("POST", "/faults", &fault.to_string());
        }
        // The pages that were read ahead may have failed already.
        let (so_far, failed) = (reading.read.clone(), plan.read_ahead + 1);
        reading.continued = read_to_the_end(&mut own, so_far, failed);
        own.reload();
        reading.restarted = read_to_the_end(&mut own, Vec::new(), 0);
    }
}

fn schedule(plan: &Plan) -> Vec<String> {
    let is_by_c = plan.api != Api::Rust;
    let kinds = [
        (format!("by {:?}", plan.api), true),
        ("slow".to_owned(), plan.slow_between.is_some()),
        ("blocking callback".to_owned(), plan.blocking.is_some()),
        ("paced".to_owned(), plan.rate_limit.is_some()),
        ("two clients".to_owned(), plan.two_clients),
        ("slash separates".to_owned(), plan.is_out_of_reach()),
        ("fork".to_owned(), is_by_c && plan.fork_after.is_some()),
    ];
    let kinds = kinds.into_iter().filter(|(_, is)| *is);
    kinds.map(|(what, _)| what).collect()
}

/// Reads until the end or too many errors. Returns whether the listing reported its end.
fn read_under_faults(
    reader: &mut impl Reader,
    plan: &Plan,
    read: &mut Vec<String>,
    errors: &mut Vec<Failure>,
) -> bool {
    let limits = Limits {
        deadline: plan.deadline,
        cancel_after: plan.cancel_after,
    };
    let mut deliveries = 0;
    while errors.len() < plan.max_errors {
        match reader.next(limits) {
            Ok(Some(items)) => {
                read.extend(items);
                deliveries += 1;
                if let Some(pause) = plan.slow_between.filter(|_| deliveries <= PAUSES) {
                    std::thread::sleep(pause);
                }
            }
            Ok(None) => return true,
            Err(error) => errors.push(error),
        }
    }
    false
}

/// Reads to the end, and tolerates `failures` errors.
fn read_to_the_end(
    reader: &mut impl Reader,
    mut items: Vec<String>,
    mut failures: u32,
) -> Result<Vec<String>> {
    loop {
        match reader.next(Limits::default()) {
            Ok(Some(page)) => items.extend(page),
            Ok(None) => return Ok(items),
            Err(error) if failures == 0 => return Err(error),
            Err(_) => failures -= 1,
        }
    }
}

/// The faults that struck, without the rules that only determine the form of the answers.
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
