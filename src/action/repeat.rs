//! Refusals of a request that was sent before, its answer lost: the first run may have brought them about.

use super::split::Entry;
use crate::model::command::{Effect, OnConflict};

/// What the refusals of a repeated entry mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Everything that the entry asks for is so.
    Done,
    /// At least one refused step is so, and the state of the others is not known.
    Unclear,
    /// A refusal has another reason.
    Refused,
}

/// One error of the service about a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal<'a> {
    pub step: Option<usize>,
    pub code: Option<&'a str>,
}

/// How much of a step a refusal shows to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// One of the names in the step's lists.
    OneName,
    WholeStep,
    /// Either the step is done, or the refusal has the reason that it names.
    Nothing,
}

/// Reads the refusals of an entry whose earlier sending may have been applied.
///
/// "Already a member" in answer to an `add` says that the end that was asked for is there, whether the first run or
/// something before it brought it about. It says so of one name: of a step with several names each needs its own
/// refusal. And it says nothing of later steps. Whether the service goes on after a refused step is not documented:
/// if it does, the repeat has applied them; if it stops, only the first run can have, and that run may never have
/// arrived. So an entry is done if its last step is among those refused in this way, since every step before it was
/// then reached in the repeat, and either applied or refused likewise; otherwise its end cannot be known. A refusal
/// for any other reason stands as it is.
pub(crate) fn reinterpret(entry: &Entry, refusals: &[Refusal]) -> Repeat {
    let last = entry.steps.len() - 1;
    let mut refused = vec![0; entry.steps.len()];
    let mut whole = vec![false; entry.steps.len()];
    let mut is_doubtful = false;
    for refusal in refusals {
        let step = match refusal.step {
            Some(step) if step <= last => step,
            None if last == 0 => 0,
            // Which step it is about is not known.
            _ if could_be_of_any(entry, refusal) => return Repeat::Unclear,
            _ => return Repeat::Refused,
        };
        match what_it_shows(effect(entry, step), refusal.code) {
            Some(shows) => {
                refused[step] += 1;
                whole[step] |= shows == Shows::WholeStep;
                is_doubtful |= shows == Shows::Nothing;
            }
            None => return Repeat::Refused,
        }
    }
    let is_covered = |step: usize| {
        refused[step] == 0 || whole[step] || refused[step] >= entry.steps[step].names().max(1)
    };
    match refused[last] > 0 && !is_doubtful && (0..=last).all(is_covered) {
        true => Repeat::Done,
        false => Repeat::Unclear,
    }
}

/// The end that a step is to bring about.
fn effect(entry: &Entry, step: usize) -> Effect {
    entry.command_of(&entry.steps[step]).effect()
}

fn could_be_of_any(entry: &Entry, refusal: &Refusal) -> bool {
    (0..entry.steps.len()).any(|step| what_it_shows(effect(entry, step), refusal.code).is_some())
}

/// What a refusal with this code shows of a step, if the step is to bring about what the code says is so.
fn what_it_shows(effect: Effect, code: Option<&str>) -> Option<Shows> {
    let code = code?;
    match effect {
        Effect::Join | Effect::Leave if code == DID_NOT_CHANGE => Some(Shows::WholeStep),
        Effect::Join => is_already_member(code).then_some(Shows::OneName),
        Effect::Leave => is_no_member(code).then_some(Shows::OneName),
        Effect::LeaveOrg { deletes_account } => gone(code, deletes_account),
        Effect::Create(on_conflict) => created(code, on_conflict),
        Effect::Other => None,
    }
}

/// "The provided list of users did not change the group membership."
const DID_NOT_CHANGE: &str = "error.usergroup.user_list.invalid";

/// The last part of a code, since the same is said of users, groups and profiles, in small letters without underscores.
fn last_part(code: &str) -> String {
    let last = code.rsplit('.').next().unwrap_or(code);
    last.replace('_', "").to_lowercase()
}

fn is_already_member(code: &str) -> bool {
    code == "error.user.already_exists"
        || matches!(
            last_part(code).as_str(),
            "alreadymember" | "alreadyamember" | "alreadyadded"
        )
}

fn is_no_member(code: &str) -> bool {
    matches!(
        last_part(code).as_str(),
        "notmember" | "notamember" | "nomember" | "alreadyremoved"
    )
}

/// `not_in_org` is documented to mean a user of the organisation, too, whose account is another's: one that cannot be
/// deleted.
fn gone(code: &str, deletes_account: bool) -> Option<Shows> {
    match code {
        "error.user.nonexistent" | "error.user.not_found" => Some(Shows::WholeStep),
        "error.user.not_in_org" if deletes_account => Some(Shows::Nothing),
        "error.user.not_in_org" => Some(Shows::WholeStep),
        _ => None,
    }
}

/// A create that leaves what is there as it is has nothing more to do; one that updates it may not have done so.
fn created(code: &str, on_conflict: OnConflict) -> Option<Shows> {
    let is_there = matches!(
        code,
        "error.user.already_exists"
            | "error.user.already_in_org"
            | "error.user.already_invited"
            | "error.usergroup.already_exists"
    );
    match on_conflict {
        OnConflict::Ignore if is_there => Some(Shows::WholeStep),
        OnConflict::Update if is_there => Some(Shows::Nothing),
        OnConflict::Ignore | OnConflict::Update | OnConflict::Error => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{BatchLimits, split};
    use super::*;
    use crate::model::action::Action;

    fn reinterpreted(action: &Action, refusals: &[(Option<usize>, &str)]) -> Repeat {
        let entries = split(action, 0, &BatchLimits::default());
        let refusals: Vec<_> = refusals
            .iter()
            .map(|(step, code)| Refusal {
                step: *step,
                code: Some(code),
            })
            .collect();
        reinterpret(&entries[0], &refusals)
    }

    fn on_user(steps: &[&str]) -> Action {
        with_steps(Action::on_user("a@example.com", None).unwrap(), steps)
    }

    fn with_steps(mut action: Action, steps: &[&str]) -> Action {
        for step in steps {
            action.append_json(step).unwrap();
        }
        action
    }

    const ADD: &str = r#"{"add":{"group":["A"]}}"#;
    const ADD_TWO: &str = r#"{"add":{"group":["A","B"]}}"#;
    const REMOVE: &str = r#"{"remove":{"group":["C"]}}"#;
    const ALREADY: &str = "error.user.already_exists";

    #[test]
    fn a_membership_that_is_there_is_done() {
        for code in [
            ALREADY,
            "error.usergroup.user.alreadyMember",
            DID_NOT_CHANGE,
        ] {
            assert_eq!(
                reinterpreted(&on_user(&[ADD]), &[(Some(0), code)]),
                Repeat::Done
            );
            assert_eq!(
                reinterpreted(&on_user(&[ADD]), &[(None, code)]),
                Repeat::Done
            );
        }
        let gone = "error.usergroup.user.notMember";
        assert_eq!(
            reinterpreted(&on_user(&[REMOVE]), &[(Some(0), gone)]),
            Repeat::Done
        );
    }

    #[test]
    fn the_verb_must_be_the_right_one() {
        let not_member = [(Some(0), "error.usergroup.user.notMember")];
        assert_eq!(
            reinterpreted(&on_user(&[ADD]), &not_member),
            Repeat::Refused
        );
        assert_eq!(
            reinterpreted(&on_user(&[REMOVE]), &[(Some(0), ALREADY)]),
            Repeat::Refused
        );
        let other = [(Some(0), "error.group.not_found")];
        assert_eq!(reinterpreted(&on_user(&[ADD]), &other), Repeat::Refused);
        let both = [(Some(0), ALREADY), (Some(0), "error.group.not_found")];
        assert_eq!(reinterpreted(&on_user(&[ADD_TWO]), &both), Repeat::Refused);
    }

    #[test]
    fn each_name_needs_its_own_refusal() {
        let one = [(Some(0), ALREADY)];
        assert_eq!(reinterpreted(&on_user(&[ADD_TWO]), &one), Repeat::Unclear);
        let two = [(Some(0), ALREADY), (Some(0), ALREADY)];
        assert_eq!(reinterpreted(&on_user(&[ADD_TWO]), &two), Repeat::Done);
        let whole = [(Some(0), DID_NOT_CHANGE)];
        assert_eq!(reinterpreted(&on_user(&[ADD_TWO]), &whole), Repeat::Done);
    }

    #[test]
    fn what_stands_behind_the_refused_step_is_not_known() {
        let action = on_user(&[ADD, REMOVE]);
        assert_eq!(
            reinterpreted(&action, &[(Some(0), ALREADY)]),
            Repeat::Unclear
        );
        assert_eq!(reinterpreted(&action, &[(None, ALREADY)]), Repeat::Unclear);
        let reached = [(Some(0), ALREADY), (Some(1), "error.user.not_member")];
        assert_eq!(reinterpreted(&action, &reached), Repeat::Done);
        let last = on_user(&[REMOVE, ADD]);
        assert_eq!(reinterpreted(&last, &[(Some(1), ALREADY)]), Repeat::Done);
    }

    #[test]
    fn creates_and_removals_from_the_organisation() {
        let create = |option: &str| {
            on_user(&[&format!(
                r#"{{"addAdobeID":{{"email":"a@example.com","option":"{option}"}}}}"#
            )])
        };
        let there = [(Some(0), "error.user.already_in_org")];
        assert_eq!(
            reinterpreted(&create("ignoreIfAlreadyExists"), &there),
            Repeat::Done
        );
        assert_eq!(
            reinterpreted(&create("updateIfAlreadyExists"), &there),
            Repeat::Unclear
        );
        let remove = |delete: bool| {
            on_user(&[&format!(
                r#"{{"removeFromOrg":{{"deleteAccount":{delete}}}}}"#
            )])
        };
        for (code, delete, end) in [
            ("error.user.nonexistent", true, Repeat::Done),
            ("error.user.not_in_org", false, Repeat::Done),
            ("error.user.not_in_org", true, Repeat::Unclear),
        ] {
            assert_eq!(
                reinterpreted(&remove(delete), &[(Some(0), code)]),
                end,
                "{code}"
            );
        }
        let group = with_steps(
            Action::on_group("G").unwrap(),
            &[r#"{"createUserGroup":{"option":"ignoreIfAlreadyExists"}}"#],
        );
        let there = [(Some(0), "error.usergroup.already_exists")];
        assert_eq!(reinterpreted(&group, &there), Repeat::Done);
    }
}
