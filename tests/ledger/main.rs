//! The truth about every action, under every fault: random actions, executed under random faults, cancels and
//! deadlines, and the outcomes that the library reports held against the sandbox's ledger of what was really applied.
//!
//! A schedule is made from its seed alone. `LEDGER_SEED` and `LEDGER_SCHEDULES` choose which run; with
//! `LEDGER_SECONDS` fresh ones run for so long.

#[path = "../support/mod.rs"]
mod support;

mod judge;
mod plan;
mod run;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn setting<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[derive(Default)]
struct Tally {
    schedules: u64,
    actions: u64,
    outcomes: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
}

#[test]
fn outcomes_agree_with_the_ledger() {
    let first: u64 = setting("LEDGER_SEED").unwrap_or(1);
    let last = first + setting("LEDGER_SCHEDULES").unwrap_or(2000);
    let end =
        setting("LEDGER_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut bench = run::Bench::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if end.map_or(seed >= last, |end| Instant::now() >= end) {
                        break;
                    }
                    let report = bench.run(seed);
                    if let Err(mismatch) = judge::judge(&report) {
                        panic!("seed {seed}: {mismatch}\n(LEDGER_SEED={seed} LEDGER_SCHEDULES=1 repeats it)");
                    }
                    add(&mut tally.lock().expect("nobody panicked"), &report);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("nobody panicked");
    println!(
        "{} schedules from seed {first}, {} actions, no mismatch\noutcomes: {:?}\nfaults met: {:?}",
        tally.schedules, tally.actions, tally.outcomes, tally.faults
    );
    assert!(tally.faults.len() > 8 && tally.outcomes.len() == 4 || tally.schedules < 200);
}

fn add(tally: &mut Tally, report: &run::Report) {
    tally.schedules += 1;
    tally.actions += report.plan.actions.len() as u64;
    for outcome in report.outcomes.values().flatten() {
        *tally
            .outcomes
            .entry(format!("{:?}", outcome.kind))
            .or_default() += 1;
    }
    for request in &report.requests {
        if let Some(fault) = &request.fault {
            *tally.faults.entry(fault.clone()).or_default() += 1;
        }
    }
}
