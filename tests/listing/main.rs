//! The truth about every listing, under every fault: read page by page or item by item, by slow consumers and with
//! callbacks that block, by two clients of one client id and around a fork, it is complete and correct, or it is an
//! error; never short, never with an item twice. Read on after the faults, or begun anew, it is complete.

#[path = "../support/mod.rs"]
mod support;

mod by_c;
mod by_rust;
mod plan;

use plan::{Face, Plan};
use std::time::Duration;
use support::Sandbox;
use support::c_face::{Failure, Result};
use support::schedules::{self, Ended};
use umapi::ffi::status::{UMAPI_STATUS_THROTTLED, UMAPI_STATUS_TIMEOUT};

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
        assert_eq!(met["schedules"].len(), 9, "{met:?}");
    }
}

/// How a reading under faults went, and what it came to once they were gone.
struct Reading {
    expected: Vec<String>,
    read: Vec<String>,
    /// The errors on the way, and whether the end was told.
    errors: Vec<Failure>,
    ended: bool,
    /// What a second client read meanwhile, and whether it was told the end.
    beside: Option<(Vec<String>, bool)>,
    /// What went wrong beside the listings: a forked child, or a call from a callback.
    apart: std::result::Result<(), String>,
    faults: Vec<String>,
    /// What kind of schedule it was.
    schedule: Vec<String>,
    interrupted: bool,
    /// A pace of a few requests may ask for a longer wait than the call puts up with.
    paced: bool,
    out_of_reach: bool,
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
        if let Some((read, ended)) = &self.beside {
            let words = format!("the second client read {read:?}, ended {ended}");
            let good = self.expected.starts_with(read) && (!ended || *read == self.expected);
            expect(good, &words)?;
        }
        self.apart.clone()?;
        let is_slow_only = !self.errors.is_empty() && self.errors.iter().all(is_slow);
        if self.out_of_reach {
            let nothing = self.read.is_empty() && !self.ended;
            let failed = self.read_on.is_err() && self.read_anew.is_err();
            return expect(nothing && failed, "a listing out of reach was read");
        }
        let waits_or_is_slow =
            |error: &Failure| error.status == UMAPI_STATUS_THROTTLED || is_slow(error);
        let is_paced_only = self.paced && self.errors.iter().all(waits_or_is_slow);
        let had_cause =
            !self.faults.is_empty() || self.interrupted || is_slow_only || is_paced_only;
        expect(had_cause || self.ended, "no end without a cause")?;
        for (how, result) in [("read on", &self.read_on), ("begun anew", &self.read_anew)] {
            match result {
                Ok(items) => expect(*items == self.expected, &format!("{how}: {items:?}"))?,
                // The service was told to shut everyone out for an hour.
                Err(error) if error.status == UMAPI_STATUS_THROTTLED || is_slow(error) => {}
                Err(error) => expect(false, &format!("{how}: {error:?}"))?,
            }
        }
        Ok(())
    }

    fn met(&self) -> Vec<(&'static str, String)> {
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

/// Attempts have little time here, and a machine that does other work as well may not keep to it.
fn is_slow(error: &Failure) -> bool {
    error.status == UMAPI_STATUS_TIMEOUT
}

struct Bench {
    sandbox: Sandbox,
}

/// A client of either face, with its listing.
trait Reader {
    /// The names of the next page's items, or of the next item.
    fn next(&mut self, limits: Limits) -> Result<Option<Vec<String>>>;
    fn reload(&mut self);
    /// Whether the callback was answered as it should be.
    fn check(&self) -> std::result::Result<(), String>;
}

#[derive(Clone, Copy, Default)]
struct Limits {
    deadline: Option<Duration>,
    cancel_after: Option<Duration>,
}

/// So many deliveries are followed by a pause, and so many calls of a callback block.
const PAUSES: u32 = 2;
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(80);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

impl Bench {
    fn new() -> Self {
        Bench {
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
            beside: None,
            apart: Ok(()),
            faults: Vec::new(),
            schedule: schedule(plan),
            interrupted: plan.interrupts(),
            paced: plan.pace.is_some(),
            out_of_reach: plan.is_out_of_reach(),
            read_on: Ok(Vec::new()),
            read_anew: Ok(Vec::new()),
        };
        match plan.face {
            Face::Rust => {
                let client = by_rust::client(sandbox, plan);
                let beside = || by_rust::Reading::new(&by_rust::client(sandbox, plan), plan);
                let own = by_rust::Reading::new(&client, plan);
                self.read(own, beside, || Ok(()), plan, &mut reading);
            }
            Face::C | Face::CByItem => {
                let client = by_c::client(sandbox, plan);
                let second = plan.beside.then(|| by_c::client(sandbox, plan));
                let beside = || by_c::Reading::new(second.as_ref().unwrap_or(&client), plan);
                let own = by_c::Reading::new(&client, plan);
                let fork = || by_c::fork(sandbox, &client, plan);
                self.read(own, beside, fork, plan, &mut reading);
            }
        }
        reading
    }

    fn read<R: Reader>(
        &self,
        mut own: R,
        beside: impl Fn() -> R + Sync,
        fork: impl Fn() -> std::result::Result<(), String> + Sync,
        plan: &Plan,
        reading: &mut Reading,
    ) {
        std::thread::scope(|scope| {
            let fork = scope.spawn(&fork);
            let second = plan.beside.then(|| {
                scope.spawn(|| {
                    let (mut read, mut errors) = (Vec::new(), Vec::new());
                    let ended = read_under_faults(&mut beside(), plan, &mut read, &mut errors);
                    (read, ended)
                })
            });
            let (read, errors) = (&mut reading.read, &mut reading.errors);
            reading.ended = read_under_faults(&mut own, plan, read, errors);
            reading.beside = second.map(|second| second.join().expect("it does not panic"));
            reading.apart = fork.join().expect("it does not panic");
        });
        reading.apart = reading.apart.clone().and(own.check());
        reading.faults = faults_met(&self.sandbox);
        self.sandbox.control("DELETE", "/faults", "");
        for fault in &plan.lasting {
            self.sandbox.control("POST", "/faults", &fault.to_string());
        }
        // What was already fetched, ahead of its turn, may have failed.
        let (so_far, failed) = (reading.read.clone(), plan.read_ahead + 1);
        reading.read_on = read_to_the_end(&mut own, so_far, failed);
        own.reload();
        reading.read_anew = read_to_the_end(&mut own, Vec::new(), 0);
    }
}

fn schedule(plan: &Plan) -> Vec<String> {
    let is_by_c = plan.face != Face::Rust;
    let kinds = [
        (format!("by {:?}", plan.face), true),
        ("slow".to_owned(), plan.slow_between.is_some()),
        ("blocking callback".to_owned(), plan.blocking.is_some()),
        ("paced".to_owned(), plan.pace.is_some()),
        ("two clients".to_owned(), plan.beside),
        ("slash separates".to_owned(), plan.is_out_of_reach()),
        ("fork".to_owned(), is_by_c && plan.fork_after.is_some()),
    ];
    let kinds = kinds.into_iter().filter(|(_, is)| *is);
    kinds.map(|(what, _)| what).collect()
}

/// Whether the end was told.
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
    while errors.len() < plan.patience {
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

/// Puts up with so many failures.
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
