//! Runs schedules, each drawn from its seed alone, on both cores, until one breaks or enough have run.
//!
//! `SCHEDULES_SEED` and `SCHEDULES_COUNT` choose which run; with `SCHEDULES_SECONDS` fresh ones run for so long.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

fn setting<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// How often what was met, under a heading each.
pub type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What came of one schedule.
pub struct Ended {
    pub verdict: Result<(), String>,
    pub met: Vec<(&'static str, String)>,
}

#[derive(Default)]
struct Tally {
    schedules: u64,
    met: Counts,
    mismatch: Option<String>,
}

impl Tally {
    fn add(&mut self, seed: u64, ended: Ended) {
        self.schedules += 1;
        for (heading, what) in ended.met {
            *self
                .met
                .entry(heading)
                .or_default()
                .entry(what)
                .or_default() += 1;
        }
        if let Err(words) = ended.verdict {
            self.mismatch.get_or_insert(format!(
                "seed {seed}: {words}\n(SCHEDULES_SEED={seed} SCHEDULES_COUNT=1 repeats it)"
            ));
        }
    }
}

/// Runs `count` schedules, or those that the environment asks for; panics with the first that breaks. Gives back what
/// was met, if enough ran for it to tell anything.
pub fn run<B>(
    count: u64,
    bench: impl Fn() -> B + Sync,
    schedule: impl Fn(&mut B, u64) -> Ended + Sync,
) -> Option<Counts> {
    let first: u64 = setting("SCHEDULES_SEED").unwrap_or(1);
    let last = first + setting("SCHEDULES_COUNT").unwrap_or(count);
    let end = setting("SCHEDULES_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    let is_over = |seed| end.map_or(seed >= last, |end| Instant::now() >= end);
    let (next, broken) = (AtomicU64::new(first), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    let work = || {
        let mut bench = bench();
        while !broken.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if is_over(seed) {
                break;
            }
            let ended = schedule(&mut bench, seed);
            broken.fetch_or(ended.verdict.is_err(), Ordering::Relaxed);
            lock(&tally).add(seed, ended);
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
    for (heading, counts) in &tally.met {
        println!("{heading}: {}", listed(counts));
    }
    if let Some(mismatch) = tally.mismatch {
        panic!("{mismatch}");
    }
    (tally.schedules >= 200).then_some(tally.met)
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    let items = counts.iter().map(|(what, count)| format!("{what} {count}"));
    items.collect::<Vec<_>>().join(", ")
}
