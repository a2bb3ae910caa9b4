//! The meaning of an answer for each entry of the request. Where the service does not say enough, the end of an entry is
//! unknown; nothing is guessed.

use super::entry_report::{EntryEnd, EntryReport};
use super::outcome::{Finding, Severity};
use super::repeat::{self, Refusal, Repeat};
use super::split::Entry;
use crate::error::{Delivery, Error, ErrorKind};
use crate::model::action::Action;
use crate::model::answer::{ActionAnswer, WireFinding};
use crate::model::error_body::quote;

/// What the request asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub test_mode: bool,
    /// An earlier sending of the same entries may have been applied.
    pub repeated: bool,
}

/// The reports of the entries that an answer is about, in their order. `actions` are those that the entries belong to.
pub(crate) fn interpret(
    entries: &[Entry],
    actions: &[&Action],
    answer: ActionAnswer,
    asked: Asked,
) -> Vec<EntryReport> {
    let summary = Summary::of(&answer, entries.len());
    let (errors, unplaced) = by_entry(answer.errors, actions);
    let (warnings, unplaced_warnings) = by_entry(answer.warnings, actions);
    let named = errors.iter().filter(|errors| !errors.is_empty()).count();
    let wrong_mode = summary.wrong_mode(asked.test_mode);
    let unnamed = summary.end_of_unnamed(named, &unplaced, asked.test_mode);
    let with_findings = entries.iter().zip(errors).zip(warnings);
    with_findings
        .map(|((entry, errors), mut warnings)| {
            let (end, severity) = match (&wrong_mode, errors.is_empty()) {
                (Some(error), _) => (EntryEnd::Failed(error.clone()), Severity::Error),
                (None, true) => (unnamed.clone(), Severity::Error),
                (None, false) => end_of_named(entry, &errors, asked.repeated),
            };
            let errors = errors
                .into_iter()
                .map(|e| finding(e, severity, Some(entry)));
            let mut findings: Vec<_> = errors.collect();
            let own = warnings.drain(..).map(|w| (w, Some(entry)));
            // A warning that names no entry may be about any of them.
            let shared = unplaced_warnings.iter().cloned().map(|w| (w, None));
            findings.extend(
                own.chain(shared)
                    .map(|(warning, entry)| finding(warning, Severity::Warning, entry)),
            );
            EntryReport { end, findings }
        })
        .collect()
}

type ByEntry = Vec<Vec<WireFinding>>;

/// The findings about each entry, and those that may be about any.
fn by_entry(findings: Vec<WireFinding>, actions: &[&Action]) -> (ByEntry, Vec<WireFinding>) {
    let mut by_entry: ByEntry = actions.iter().map(|_| Vec::new()).collect();
    let mut unplaced = Vec::new();
    for finding in findings {
        match entry_of(&finding, actions) {
            Some(entry) => by_entry[entry].push(finding),
            None => unplaced.push(finding),
        }
    }
    (by_entry, unplaced)
}

/// The end of an entry that errors name: a command of it was refused, or, in a repeat, found done already.
fn end_of_named(entry: &Entry, errors: &[WireFinding], repeated: bool) -> (EntryEnd, Severity) {
    let refusals: Vec<_> = errors
        .iter()
        .map(|error| Refusal {
            step: error.step.map(|step| step as usize),
            code: error.error_code.as_deref(),
        })
        .collect();
    let meaning = match repeated {
        true => repeat::reinterpret(entry, &refusals),
        false => Repeat::Refused,
    };
    match meaning {
        Repeat::Done => (EntryEnd::Applied, Severity::Warning),
        Repeat::Unclear => (EntryEnd::Failed(unclear_repeat(errors)), Severity::Error),
        Repeat::Refused => {
            let commands = errors.iter().map(|error| command(error, entry));
            // `None` as soon as the service does not name the command of one error: it could be any.
            let first_bad_command = commands.min().flatten();
            (EntryEnd::Refused { first_bad_command }, Severity::Error)
        }
    }
}

fn unclear_repeat(errors: &[WireFinding]) -> Error {
    quoting(
        Error::protocol(
            "the first answer was lost, and the repeat was refused for what the first may have done; \
             what became of the other commands is not known",
        ),
        errors,
    )
}

/// The result and the counts of an answer, which must agree.
#[derive(Debug)]
struct Summary {
    result: Option<String>,
    completed: Option<u64>,
    not_completed: Option<u64>,
    in_test_mode: Option<u64>,
    entries: u64,
}

/// How many entries failed, by the counts.
enum Failed {
    NotGiven,
    Count(u64),
    Contradiction,
}

impl Summary {
    fn of(answer: &ActionAnswer, entries: usize) -> Self {
        Summary {
            result: answer.result.clone(),
            completed: answer.completed,
            not_completed: answer.not_completed,
            in_test_mode: answer.completed_in_test_mode,
            entries: entries as u64,
        }
    }

    /// The error if the service worked in the other mode: a test completes nothing, and a request that is no test completes
    /// nothing in test mode.
    fn wrong_mode(&self, test_mode: bool) -> Option<Error> {
        let (count, told) = match test_mode {
            true => (
                self.completed,
                "done for real, although a test was asked for",
            ),
            false => (
                self.in_test_mode,
                "done in test mode, although no test was asked for",
            ),
        };
        let count = count.filter(|count| *count > 0)?;
        let message = format!(
            "the service counts {count} of {} actions as {told}",
            self.entries
        );
        Some(Error::new(ErrorKind::WrongMode, message).with_delivery(Delivery::Unknown))
    }

    fn failed(&self, test_mode: bool) -> Failed {
        let done = match test_mode {
            true => self.in_test_mode,
            false => self.completed,
        };
        match (done, self.not_completed) {
            (None, None) => Failed::NotGiven,
            (Some(done), None) if done <= self.entries => Failed::Count(self.entries - done),
            (None, Some(failed)) if failed <= self.entries => Failed::Count(failed),
            (Some(done), Some(failed)) if done.checked_add(failed) == Some(self.entries) => {
                Failed::Count(failed)
            }
            _ => Failed::Contradiction,
        }
    }

    /// The end of the entries that no error names, where errors name `named` others.
    ///
    /// They were applied if the result, the counts and the errors agree that only the named ones failed, and refused if all
    /// failed. In between, or where these contradict each other, their end is unknown.
    fn end_of_unnamed(&self, named: usize, unplaced: &[WireFinding], test_mode: bool) -> EntryEnd {
        let named = named as u64;
        let result = self.result.as_deref();
        let is_success = result == Some("success");
        match self.failed(test_mode) {
            Failed::NotGiven if !unplaced.is_empty() => {}
            Failed::NotGiven if is_success => return EntryEnd::Applied,
            Failed::NotGiven if result == Some("partial") && named > 0 => return EntryEnd::Applied,
            // An unplaced error may be a second one of an entry that is named.
            Failed::Count(failed)
                if failed <= named && (named > 0 || is_success && unplaced.is_empty()) =>
            {
                return EntryEnd::Applied;
            }
            Failed::Count(failed) if failed == self.entries && !is_success => {
                return EntryEnd::Failed(refused_without_a_name(unplaced));
            }
            _ => {}
        }
        EntryEnd::Failed(self.doubt(unplaced))
    }

    fn doubt(&self, unplaced: &[WireFinding]) -> Error {
        let count = |count: Option<u64>| count.map_or("not given".into(), |n| n.to_string());
        let error = Error::protocol(format!(
            "the answer does not tell what became of this action: result {:?}, completed {}, notCompleted {}, \
             completedInTestMode {}, for {} actions",
            self.result.as_deref().unwrap_or("not given"),
            count(self.completed),
            count(self.not_completed),
            count(self.in_test_mode),
            self.entries,
        ));
        match unplaced.is_empty() {
            true => error,
            false => quoting(error, unplaced),
        }
    }
}

fn refused_without_a_name(unplaced: &[WireFinding]) -> Error {
    let error =
        |words: &str| Error::new(ErrorKind::Rejected, words).with_delivery(Delivery::Answered);
    match unplaced.is_empty() {
        true => error(
            "the service refused every action of the request, and says nothing about this one",
        ),
        false => quoting(
            error(
                "the service refused every action of the request, and does not say which error is about which action",
            ),
            unplaced,
        ),
    }
}

/// Adds the messages of the service, and its first code.
fn quoting(error: Error, errors: &[WireFinding]) -> Error {
    const MOST: usize = 3;
    let words = errors.iter().take(MOST).map(|error| {
        format!(
            "{} ({})",
            quote(error.message.as_deref().unwrap_or("no message")),
            quote(error.error_code.as_deref().unwrap_or("no code")),
        )
    });
    let words = words.collect::<Vec<_>>().join("; ");
    let code = errors.iter().find_map(|error| error.error_code.clone());
    error
        .with_source(format!("the service says: {words}"))
        .with_code(code)
}

/// The entry that a finding is about: the only one there is, or the one that its index, its `requestID` or its user
/// names. `None` where they name none, or different ones.
fn entry_of(finding: &WireFinding, actions: &[&Action]) -> Option<usize> {
    if actions.len() == 1 {
        return Some(0);
    }
    let only = |matches: &dyn Fn(&Action) -> bool| {
        let mut found = (0..actions.len()).filter(|n| matches(actions[*n]));
        found.next().filter(|_| found.next().is_none())
    };
    let by_request_id = finding
        .request_id
        .as_deref()
        .and_then(|id| only(&|action| action.request_id() == Some(id)));
    let by_user = finding
        .user
        .as_deref()
        .and_then(|user| only(&|action| is_on(action, user)));
    let by_name = by_request_id.or(by_user);
    let by_index = finding.index.map(|index| index as usize);
    match by_index.filter(|index| *index < actions.len()) {
        Some(index) if by_name.is_none_or(|named| named == index) => Some(index),
        Some(_) => None,
        None => by_name,
    }
}

fn is_on(action: &Action, name: &str) -> bool {
    let own = action.target().name();
    own.eq_ignore_ascii_case(name) || own.to_lowercase() == name.to_lowercase()
}

/// `entry` is the one that the finding is about, if that is known.
fn finding(wire: WireFinding, severity: Severity, entry: Option<&Entry>) -> Finding {
    Finding {
        severity,
        command: entry.and_then(|entry| command(&wire, entry)),
        command_json: None,
        code: wire.error_code,
        message: wire.message,
        request_id: wire.request_id,
        user: wire.user,
    }
}

/// The caller's command that a finding is about.
fn command(wire: &WireFinding, entry: &Entry) -> Option<usize> {
    let step = usize::try_from(wire.step?).ok()?;
    entry.steps.get(step).map(|step| step.command)
}

#[cfg(test)]
mod tests {
    use super::super::split::{BatchLimits, split};
    use super::*;
    use crate::model::answer;

    /// The ends of three entries (two commands each) for an answer, in a word each.
    fn ends(json: &str) -> Vec<String> {
        ends_when(Asked::default(), json)
    }

    fn ends_when(asked: Asked, json: &str) -> Vec<String> {
        let reports = reports(asked, json).into_iter();
        let word = |report: EntryReport| match report.end {
            EntryEnd::Applied => "applied".into(),
            EntryEnd::Refused { first_bad_command } => format!("refused {first_bad_command:?}"),
            EntryEnd::Failed(error) if error.kind() == ErrorKind::WrongMode => {
                assert_eq!(error.delivery(), Delivery::Unknown);
                "wrong mode".into()
            }
            EntryEnd::Failed(error) => match error.delivery() {
                Delivery::Answered => "request refused".into(),
                Delivery::NotSent => "not sent".into(),
                Delivery::Unknown => "unknown".into(),
            },
        };
        reports.map(word).collect()
    }

    fn reports(asked: Asked, json: &str) -> Vec<EntryReport> {
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
        interpret(&entries, &actions, answer, asked)
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

    #[test]
    fn counts_that_contradict_the_result_leave_it_unknown() {
        for contradiction in [
            r#"{"result":"success","completed":0,"notCompleted":3}"#,
            r#"{"result":"success","completed":1}"#,
            r#"{"result":"success","completed":1,"notCompleted":2}"#,
            r#"{"result":"success","completed":0}"#,
            r#"{"result":"success","notCompleted":1}"#,
            r#"{"result":"success","completed":4}"#,
            r#"{"result":"success","completed":3,"notCompleted":1}"#,
            r#"{"result":"success","completed":3,"errors":[{"errorCode":"e"}]}"#,
            r#"{"result":"partial","completed":3,"notCompleted":0}"#,
            r#"{"result":"error","completed":3}"#,
            r#"{"result":"error","completed":18446744073709551615,"notCompleted":4}"#,
            r#"{"result":"partial","completed":2,"notCompleted":1}"#,
            r#"{"result":"partial","completed":2,"notCompleted":1,"errors":[{"errorCode":"e"}]}"#,
        ] {
            assert_eq!(ends(contradiction), ["unknown"; 3], "{contradiction}");
        }
        let one_of_two_named =
            r#"{"result":"success","completed":1,"errors":[{"index":1,"step":0}]}"#;
        assert_eq!(
            ends(one_of_two_named),
            ["unknown", "refused Some(0)", "unknown"]
        );
    }

    #[test]
    fn counts_that_are_missing_or_agree_are_enough() {
        let named = r#""errors":[{"index":1,"step":0}]"#;
        for counts in [
            r#""result":"partial","completed":2,"notCompleted":1"#,
            r#""result":"partial","completed":2"#,
            r#""result":"partial","notCompleted":1"#,
            r#""result":"partial""#,
            r#""result":"partial","completed":null,"notCompleted":"1""#,
            // A captured answer counts what it found done already, and calls the whole an error.
            r#""result":"error","completed":3,"notCompleted":0"#,
        ] {
            let json = format!("{{{counts},{named}}}");
            let expected = ["applied", "refused Some(0)", "applied"];
            assert_eq!(ends(&json), expected, "{counts}");
        }
        for success in [
            r#"{"result":"success"}"#,
            r#"{"result":"success","completed":3,"notCompleted":0,"completedInTestMode":0}"#,
            r#"{"result":"success","notCompleted":0,"errors":[],"warnings":null}"#,
        ] {
            assert_eq!(ends(success), ["applied"; 3], "{success}");
        }
    }

    #[test]
    fn where_all_failed_an_unplaced_error_is_theirs() {
        let json = r#"{"result":"error","completed":0,"notCompleted":3,"errors":[{"errorCode":"e","message":"m"}]}"#;
        assert_eq!(ends(json), ["request refused"; 3]);
        for report in reports(Asked::default(), json) {
            let EntryEnd::Failed(error) = report.end else {
                panic!("refused")
            };
            assert_eq!(error.code(), Some("e"));
            assert!(error.message().contains("m (e)"), "{error}");
        }
        let one_more_named = r#"{"result":"error","notCompleted":3,"errors":[{"index":0,"step":1},{"errorCode":"e"}]}"#;
        assert_eq!(
            ends(one_more_named),
            ["refused Some(1)", "request refused", "request refused"]
        );
        let second_of_one = r#"{"result":"partial","completed":2,"notCompleted":1,"errors":[{"index":0},{"errorCode":"e"}]}"#;
        assert_eq!(ends(second_of_one), ["refused None", "applied", "applied"]);
    }

    #[test]
    fn an_index_that_another_name_contradicts_names_no_entry() {
        for name in [
            r#""user":"C@example.com""#,
            r#""requestID":"id-c@example.com""#,
        ] {
            let json = format!(
                r#"{{"result":"partial","completed":2,"notCompleted":1,"errors":[{{"index":0,{name}}}]}}"#
            );
            assert_eq!(ends(&json), ["unknown"; 3], "{json}");
        }
        let stranger = r#"{"result":"partial","completed":2,"notCompleted":1,
            "errors":[{"index":0,"user":"other@example.com","requestID":"other"}]}"#;
        assert_eq!(ends(stranger), ["refused None", "applied", "applied"]);
    }

    #[test]
    fn the_other_mode_than_was_asked_for_is_told() {
        let test = Asked {
            test_mode: true,
            ..Asked::default()
        };
        let real = Asked::default();
        let for_real =
            r#"{"result":"success","completed":3,"notCompleted":0,"completedInTestMode":0}"#;
        let tested =
            r#"{"result":"success","completed":0,"notCompleted":0,"completedInTestMode":3}"#;
        assert_eq!(ends_when(test, for_real), ["wrong mode"; 3]);
        assert_eq!(ends_when(test, tested), ["applied"; 3]);
        assert_eq!(ends_when(real, tested), ["wrong mode"; 3]);
        assert_eq!(ends_when(real, for_real), ["applied"; 3]);
        let some = r#"{"result":"partial","completed":1,"completedInTestMode":1,"errors":[{"index":0,"step":1}]}"#;
        assert_eq!(ends_when(test, some), ["wrong mode"; 3]);
        for unsaid in [
            r#"{"result":"success"}"#,
            r#"{"result":"success","completed":0,"notCompleted":0}"#,
        ] {
            assert_eq!(ends_when(test, unsaid), ["applied"; 3], "{unsaid}");
        }
        let short = r#"{"result":"success","completed":0,"completedInTestMode":2}"#;
        assert_eq!(ends_when(test, short), ["unknown"; 3]);
    }

    #[test]
    fn a_warning_is_never_dropped() {
        let json = r#"{"result":"success","completed":3,"warnings":[
            {"index":1,"step":1,"warningCode":"own"},{"warningCode":"shared","step":1}]}"#;
        let found: Vec<Vec<_>> = reports(Asked::default(), json)
            .into_iter()
            .map(|report| {
                let findings = report.findings.into_iter();
                let told = findings.map(|finding| {
                    assert_eq!(finding.severity, Severity::Warning);
                    (finding.code.unwrap(), finding.command)
                });
                told.collect()
            })
            .collect();
        let shared = || ("shared".to_owned(), None);
        assert_eq!(
            found,
            [
                vec![shared()],
                vec![("own".to_owned(), Some(1)), shared()],
                vec![shared()]
            ]
        );
    }

    #[test]
    fn a_refusal_of_a_repeat_can_be_a_success() {
        let repeat = Asked {
            repeated: true,
            ..Asked::default()
        };
        let json = r#"{"result":"partial","completed":2,"notCompleted":1,
            "errors":[{"index":0,"step":1,"errorCode":"error.usergroup.user.notMember","message":"m"}]}"#;
        assert_eq!(
            ends_when(Asked::default(), json),
            ["refused Some(1)", "applied", "applied"]
        );
        assert_eq!(ends_when(repeat, json), ["applied"; 3]);
        let finding = &reports(repeat, json)[0].findings[0];
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.message.as_deref(), Some("m"));
        let first_step = r#"{"result":"partial","completed":2,"notCompleted":1,
            "errors":[{"index":0,"step":0,"errorCode":"error.user.already_exists"}]}"#;
        assert_eq!(
            ends_when(repeat, first_step),
            ["unknown", "applied", "applied"]
        );
    }
}
