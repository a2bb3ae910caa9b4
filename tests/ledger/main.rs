//! The truth about every action, under every fault: random actions, executed under random faults, cancels and
//! deadlines, and the outcomes that the library reports held against the sandbox's ledger of what was really applied.

#[path = "../support/mod.rs"]
mod support;

mod judge;
mod plan;
mod run;

use run::{Bench, Report};
use support::schedules::{self, Ended};

#[test]
fn outcomes_agree_with_the_ledger() {
    let met = schedules::run(2000, Bench::new, |bench, seed| {
        let report = bench.run(seed);
        Ended {
            verdict: judge::judge(&report),
            met: met(&report),
        }
    });
    if let Some(met) = met {
        assert_eq!(met["outcomes"].len(), 4, "{met:?}");
        assert!(met["faults met"].len() > 8, "{met:?}");
    }
}

fn met(report: &Report) -> Vec<(&'static str, String)> {
    let outcomes = report.outcomes.values().flatten();
    let plan = &report.plan;
    let happened = [
        ("revoked tokens", plan.revoke_after.is_some()),
        ("refused connections", plan.refusal.is_some()),
    ];
    let happened = happened.into_iter().filter(|(_, has)| *has);
    let faults = report.requests.iter().filter_map(|r| r.fault.clone());
    let faults = faults.chain(happened.map(|(what, _)| what.to_owned()));
    outcomes
        .map(|outcome| ("outcomes", format!("{:?}", outcome.kind)))
        .chain(faults.map(|fault| ("faults met", fault)))
        .collect()
}
