//! What the answer to a request says about each entry in it. Where the service does not say enough, the end is
//! unknown: nothing is guessed.

use super::outcome::{EntryEnd, Finding, Severity};
use super::split::Entry;
use crate::error::{Error, ErrorKind};
use crate::model::answer::{ActionAnswer, Finding as WireFinding};
use crate::model::command::Action;

/// The end of one entry and what was found about it.
#[derive(Debug)]
pub(crate) struct EntryReport {
    pub end: EntryEnd,
    pub findings: Vec<Finding>,
}

/// `actions` are those that the entries belong to, in the order of the entries.
pub(crate) fn interpret(
    entries: &[Entry],
    actions: &[&Action],
    answer: ActionAnswer,
) -> Vec<EntryReport> {
    let mut findings: Vec<Vec<Finding>> = entries.iter().map(|_| Vec::new()).collect();
    let mut unplaced = None;
    for error in answer.errors {
        match place(&error, actions) {
            Some(entry) => {
                findings[entry].push(finding(error, Severity::Error, &entries[entry]));
            }
            None => unplaced = Some(error),
        }
    }
    for warning in answer.warnings {
        if let Some(entry) = place(&warning, actions) {
            findings[entry].push(finding(warning, Severity::Warning, &entries[entry]));
        }
    }
    let has_error =
        |findings: &Vec<Finding>| findings.iter().any(|f| f.severity == Severity::Error);
    let refused = findings.iter().filter(|f| has_error(f)).count();
    let unnamed = match unplaced {
        Some(error) => EntryEnd::Unknown(unplaced_error(&error)),
        None => end_of_unnamed(
            answer.result.as_deref(),
            answer.not_completed,
            refused,
            entries.len(),
        ),
    };
    findings
        .into_iter()
        .map(|findings| EntryReport {
            end: match has_error(&findings) {
                true => EntryEnd::Refused {
                    first_bad_command: first_bad_command(&findings),
                },
                false => unnamed.clone(),
            },
            findings,
        })
        .collect()
}

/// The entry that a finding is about: by its index or, where that is missing or impossible, by whatever else names
/// one entry and no other.
fn place(finding: &WireFinding, actions: &[&Action]) -> Option<usize> {
    let by_index = finding.index.map(|index| index as usize);
    if let Some(index) = by_index.filter(|index| *index < actions.len()) {
        return Some(index);
    }
    let only = |matches: &dyn Fn(&Action) -> bool| {
        let mut found = (0..actions.len()).filter(|n| matches(actions[*n]));
        found.next().filter(|_| found.next().is_none())
    };
    let by_request_id = finding
        .request_id
        .as_deref()
        .and_then(|id| only(&|action| action.request_id() == Some(id)));
    by_request_id.or_else(|| {
        let user = finding.user.as_deref()?;
        only(&|action| action.target().name().eq_ignore_ascii_case(user))
    })
}

fn finding(wire: WireFinding, severity: Severity, entry: &Entry) -> Finding {
    let step = wire
        .step
        .and_then(|step| entry.steps.get(usize::try_from(step).ok()?));
    Finding {
        severity,
        command: step.map(|step| step.command),
        command_json: None,
        code: wire.error_code,
        message: wire.message,
        request_id: wire.request_id,
        user: wire.user,
    }
}

/// `None` as soon as the service leaves one error's command unsaid: it could be any.
fn first_bad_command(findings: &[Finding]) -> Option<usize> {
    findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .map(|f| f.command)
        .min()
        .flatten()
}

/// The end of the entries that no error names.
fn end_of_unnamed(
    result: Option<&str>,
    not_completed: Option<u64>,
    refused: usize,
    entries: usize,
) -> EntryEnd {
    match (result, not_completed.map(|n| n as usize)) {
        (Some("success"), _) => EntryEnd::Applied,
        (_, Some(failed)) if failed <= refused && refused > 0 => EntryEnd::Applied,
        (_, Some(failed)) if failed >= entries => EntryEnd::RequestRefused(Error::new(
            ErrorKind::Rejected,
            "the service refused every action of the request without a word about this one",
        )),
        (Some("partial"), None) if refused > 0 => EntryEnd::Applied,
        _ => EntryEnd::Unknown(Error::protocol(
            "the service says that actions of the request failed, but not which",
        )),
    }
}

fn unplaced_error(error: &WireFinding) -> Error {
    Error::protocol(format!(
        "the service reports an error without saying for which action: {} ({})",
        error.message.as_deref().unwrap_or("no message"),
        error.error_code.as_deref().unwrap_or("no code"),
    ))
    .with_code(error.error_code.clone())
}

#[cfg(test)]
mod tests {
    use super::super::split::{BatchLimits, split};
    use super::*;
    use crate::model::answer;

    /// The ends of three entries (two commands each) for an answer, in a word each.
    fn ends(json: &str) -> Vec<String> {
        let actions: Vec<_> = ["a@example.com", "b@example.com", "c@example.com"]
            .map(|user| {
                let mut action = Action::on_user(user, None).unwrap();
                action.set_request_id(&format!("id-{user}")).unwrap();
                action.add_to_groups(&["G"]).unwrap();
                action.remove_from_groups(&["H"]).unwrap();
                action
            })
            .into();
        let entries: Vec<_> = actions
            .iter()
            .flat_map(|a| split(a, 0, &BatchLimits::default()))
            .collect();
        let actions: Vec<_> = actions.iter().collect();
        let answer = answer::parse(json.as_bytes()).unwrap();
        interpret(&entries, &actions, answer)
            .into_iter()
            .map(|report| match report.end {
                EntryEnd::Applied => "applied".into(),
                EntryEnd::Refused { first_bad_command } => format!("refused {first_bad_command:?}"),
                EntryEnd::RequestRefused(_) => "request refused".into(),
                EntryEnd::NotSent(_) => "not sent".into(),
                EntryEnd::Unknown(_) => "unknown".into(),
            })
            .collect()
    }

    #[test]
    fn an_error_is_its_entrys_own() {
        assert_eq!(
            ends(
                r#"{"result":"partial","completed":2,"notCompleted":1,"errors":[{"index":1,"step":"1","errorCode":"e"}]}"#
            ),
            ["applied", "refused Some(1)", "applied"]
        );
        assert_eq!(
            ends(r#"{"result":"success","completed":3}"#),
            ["applied"; 3]
        );
    }

    #[test]
    fn a_lost_index_is_found_by_request_id_or_user() {
        assert_eq!(
            ends(
                r#"{"result":"partial","notCompleted":1,"errors":[{"index":77,"step":9,"requestID":"id-c@example.com"}]}"#
            ),
            ["applied", "applied", "refused None"]
        );
        assert_eq!(
            ends(
                r#"{"result":"partial","notCompleted":1,"errors":[{"user":"A@example.com","step":0}]}"#
            ),
            ["refused Some(0)", "applied", "applied"]
        );
    }

    #[test]
    fn what_cannot_be_known_is_not_guessed() {
        let unplaced = r#"{"result":"partial","notCompleted":1,"errors":[{"errorCode":"e"}]}"#;
        assert_eq!(ends(unplaced), ["unknown"; 3]);
        assert_eq!(ends(r#"{"result":"partial"}"#), ["unknown"; 3]);
        assert_eq!(ends(r#"{"result":"error"}"#), ["unknown"; 3]);
        let one_of_two_named =
            r#"{"result":"partial","notCompleted":2,"errors":[{"index":0,"step":0}]}"#;
        assert_eq!(
            ends(one_of_two_named),
            ["refused Some(0)", "unknown", "unknown"]
        );
        assert_eq!(
            ends(r#"{"result":"error","notCompleted":3}"#),
            ["request refused"; 3]
        );
    }
}
