//! The outcome of every action, under every fault. Random actions are executed under random faults, cancels and
//! deadlines, through the Rust API and the C API, by slow callers, with callbacks that block, with two clients of one
//! client id, and with forks meanwhile. The outcomes that the library reports are compared with the sandbox's ledger
//! of what was really applied.

#[path = "../support/mod.rs"]
mod support;

mod by_c;
mod by_rust;
mod plan;
mod run;
mod verify;

use run::{Fixture, Report};
use support::schedules::{self, ScheduleResult};

#[test]
fn outcomes_agree_with_the_ledger() {
    let observed = schedules::run(2000, Fixture::new, |fixture, seed| {
        let report = fixture.run(seed);
        ScheduleResult {
            result: verify::verify(&report),
            observed: observed(&report),
        }
    });
    if let Some(observed) = observed {
        assert_eq!(observed["outcomes"].len(), 4, "{observed:?}");
        assert!(observed["faults met"].len() > 8, "{observed:?}");
        assert_eq!(observed["schedules"].len(), 16, "{observed:?}");
    }
}

fn observed(report: &Report) -> Vec<(&'static str, String)> {
    let outcomes = report.outcomes.values().flatten();
    let plan = &report.plan;
    let happened = [
        ("revoked tokens", plan.revoke_after.is_some()),
        ("refused connections", plan.refusal.is_some()),
    ];
    let is_by_c = plan.api == plan::Api::C;
    let done = [
        (format!("by {:?}", plan.api), true),
        (format!("{:?}", plan.execution), true),
        ("slow".into(), plan.slow_between.is_some()),
        ("blocking callback".into(), plan.blocking.is_some()),
        ("paced".into(), plan.rate_limit.is_some()),
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
        .map(|outcome| ("outcomes", verify::kind_name(outcome.kind).to_owned()))
        .chain(faults.map(|fault| ("faults met", fault)))
        .chain(done.map(|(what, _)| ("schedules", what)))
        .collect()
}
