//! The runner of random schedules: each is drawn from its seed alone, and two run at a time, until one fails or enough
//! have run.
//!
//! `SCHEDULES_SEED` and `SCHEDULES_COUNT` select the seeds; with `SCHEDULES_SECONDS` schedules run for that time.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

fn setting<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// How many times each event was observed, by heading.
pub type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// The result of one schedule, and the events that it observed, each with its heading.
pub struct ScheduleResult {
    pub result: Result<(), String>,
    pub observed: Vec<(&'static str, String)>,
}

#[derive(Default)]
struct Tally {
    schedules: u64,
    observed: Counts,
    mismatch: Option<String>,
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: ScheduleResult) {
        self.schedules += 1;
        for (heading, what) in outcome.observed {
            *self
                .observed
                .entry(heading)
                .or_default()
                .entry(what)
                .or_default() += 1;
        }
        if let Err(message) = outcome.result {
            self.mismatch.get_or_insert(format!(
                "seed {seed}: {message}\n(SCHEDULES_SEED={seed} SCHEDULES_COUNT=1 repeats it)"
            ));
        }
    }
}

/// Runs `count` schedules, or those that the environment selects, and panics with the first failure. Returns what was
/// observed, if at least 200 ran, so that a test can check the coverage.
pub fn run<B>(
    count: u64,
    fixture: impl Fn() -> B + Sync,
    schedule: impl Fn(&mut B, u64) -> ScheduleResult + Sync,
) -> Option<Counts> {
    let first: u64 = setting("SCHEDULES_SEED").unwrap_or(1);
    let last = first + setting("SCHEDULES_COUNT").unwrap_or(count);
    let end = setting("SCHEDULES_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    let is_finished = |seed| end.map_or(seed >= last, |end| Instant::now() >= end);
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    let work = || {
        let mut fixture = fixture();
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if is_finished(seed) {
                break;
            }
            let outcome = schedule(&mut fixture, seed);
            failed.fetch_or(outcome.result.is_err(), Ordering::Relaxed);
            lock(&tally).add(seed, outcome);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{} schedules from seed {first}, {} mismatches",
        tally.schedules,
        u64::from(tally.mismatch.is_some())
    );
    for (heading, counts) in &tally.observed {
        println!("{heading}: {}", join_counts(counts));
    }
    if let Some(mismatch) = tally.mismatch {
        panic!("{mismatch}");
    }
    (tally.schedules >= 200).then_some(tally.observed)
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join_counts(counts: &BTreeMap<String, u64>) -> String {
    let items = counts.iter().map(|(what, count)| format!("{what} {count}"));
    items.collect::<Vec<_>>().join(", ")
}
