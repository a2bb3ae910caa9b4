//! The truth about every action, under every fault: random actions, executed under random faults, cancels and
//! deadlines, through the Rust API and through the C functions, by slow callers with callbacks that block, with two
//! clients of one client id and forks in the midst of it; the outcomes that the library reports are held against the
//! sandbox's ledger of what was really applied.

#[path = "../support/mod.rs"]
mod support;

mod by_c;
mod by_rust;
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
        assert_eq!(met["schedules"].len(), 16, "{met:?}");
    }
}

fn met(report: &Report) -> Vec<(&'static str, String)> {
    let outcomes = report.outcomes.values().flatten();
    let plan = &report.plan;
    let happened = [
        ("revoked tokens", plan.revoke_after.is_some()),
        ("refused connections", plan.refusal.is_some()),
    ];
    let is_by_c = plan.face == plan::Face::C;
    let done = [
        (format!("by {:?}", plan.face), true),
        (format!("{:?}", plan.way), true),
        ("slow".into(), plan.slow_between.is_some()),
        ("blocking callback".into(), plan.blocking.is_some()),
        ("paced".into(), plan.pace.is_some()),
        ("fork".into(), is_by_c && plan.fork_after.is_some()),
        (
            format!("already_member {}", plan.settings["already_member"]),
            true,
        ),
        (format!("group_name {}", plan.settings["group_name"]), true),
        (
            format!("after_refusal {}", plan.settings["after_refusal"]),
            true,
        ),
    ];
    let done = done.into_iter().filter(|(_, was)| *was);
    let happened = happened.into_iter().filter(|(_, has)| *has);
    let faults = report.requests.iter().filter_map(|r| r.fault.clone());
    let faults = faults.chain(happened.map(|(what, _)| what.to_owned()));
    outcomes
        .map(|outcome| ("outcomes", judge::kind_name(outcome.kind).to_owned()))
        .chain(faults.map(|fault| ("faults met", fault)))
        .chain(done.map(|(what, _)| ("schedules", what)))
        .collect()
}
