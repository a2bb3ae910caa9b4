//! The checks of an entry before any step of it is tried.

use super::{Entry, Refusal};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const CREATES: [&str; 4] = [
    "addAdobeID",
    "createEnterpriseID",
    "createFederatedID",
    "createUserGroup",
];
const USER_STEPS: [&str; 7] = [
    "addAdobeID",
    "createEnterpriseID",
    "createFederatedID",
    "update",
    "add",
    "remove",
    "removeFromOrg",
];
/// The lists of a user's `add` and `remove`. `product` and `productConfiguration` are deprecated, and still work.
pub const USER_LISTS: [&str; 3] = ["group", "product", "productConfiguration"];
const GROUP_STEPS: [&str; 5] = [
    "createUserGroup",
    "updateUserGroup",
    "deleteUserGroup",
    "add",
    "remove",
];

const LONGEST_NAME: usize = 250;
const LONGEST_GROUP: usize = 255;

type StepError = (usize, Refusal);

fn wrong<T>(step: usize, code: &'static str, message: impl Into<String>) -> Result<T, StepError> {
    Err((step, Refusal::new(code, message)))
}

pub fn entry(value: &Value, names_per_list: usize) -> Result<Entry<'_>, StepError> {
    let Value::Object(object) = value else {
        return wrong(0, "error.command.malformed", "a command must be an object");
    };
    let (target, is_group) = target(object)?;
    check_lengths(object)?;
    let steps = match object.get("do") {
        Some(Value::Array(steps)) if !steps.is_empty() => steps,
        _ => {
            return wrong(
                0,
                "error.command.malformed",
                "a command needs a list of steps",
            );
        }
    };
    let entry = Entry {
        object,
        steps,
        target,
        is_group,
    };
    for (number, step) in steps.iter().enumerate() {
        check_step(&entry, number, step, names_per_list)?;
    }
    Ok(entry)
}

fn target(object: &Map<String, Value>) -> Result<(String, bool), StepError> {
    let text = |key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
    };
    if let Some(group) = text("usergroup") {
        return Ok((group.to_owned(), true));
    }
    let Some(user) = text("user") else {
        return wrong(
            0,
            "error.command.user_usergroup.missing",
            "a command needs a user or usergroup",
        );
    };
    match (user.contains('@'), text("domain")) {
        (false, None) => wrong(
            0,
            "error.command.domain.missing",
            "a username without @ needs a domain",
        ),
        (true, Some(_)) => wrong(
            0,
            "error.command.domain.must_be_used_with_nonemail_username",
            "a domain goes with a username that is no email",
        ),
        _ => Ok((user.to_owned(), false)),
    }
}

/// The documented limits on the texts of an entry.
fn check_lengths(object: &Map<String, Value>) -> Result<(), StepError> {
    for (key, most) in [
        ("user", LONGEST_NAME),
        ("domain", LONGEST_NAME),
        ("requestID", LONGEST_NAME),
        ("usergroup", LONGEST_GROUP),
    ] {
        let text = object.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.chars().count() > most {
            let message = format!("{key} is longer than {most} characters");
            return wrong(0, "error.command.string.too_long", message);
        }
    }
    Ok(())
}

pub fn creates(steps: &[Value]) -> bool {
    steps
        .iter()
        .any(|step| verb(step).is_some_and(|v| CREATES.contains(&v)))
}

/// The one key of a step.
pub fn verb(step: &Value) -> Option<&str> {
    let object = step.as_object()?;
    match object.len() {
        1 => object.keys().next().map(String::as_str),
        _ => None,
    }
}

fn check_step(
    entry: &Entry,
    number: usize,
    step: &Value,
    names_per_list: usize,
) -> Result<(), StepError> {
    let Some(verb) = verb(step) else {
        return wrong(
            number,
            "error.command.malformed",
            "a step must be an object with one key",
        );
    };
    let known: &[&str] = if entry.is_group {
        &GROUP_STEPS
    } else {
        &USER_STEPS
    };
    if !known.contains(&verb) {
        return wrong(
            number,
            "error.command.step.unknown",
            format!("unknown step {verb}"),
        );
    }
    let is_create = |step: &Value| self::verb(step).is_some_and(|v| CREATES.contains(&v));
    if CREATES.contains(&verb) && number > 0 {
        return match entry.steps[..number].iter().any(is_create) {
            true => wrong(
                number,
                "error.command.create.more_than_one",
                "only one create in a command",
            ),
            false => wrong(
                number,
                "error.command.create.not_first",
                "a create must come first",
            ),
        };
    }
    if matches!(verb, "removeFromOrg" | "deleteUserGroup") && number + 1 < entry.steps.len() {
        return wrong(
            number,
            "error.command.removefromorg.not_last",
            format!("{verb} must come last"),
        );
    }
    match verb {
        "add" | "remove" => check_lists(entry, number, verb, &step[verb], names_per_list),
        _ if !step[verb].is_object() => wrong(
            number,
            "error.command.malformed",
            format!("{verb} must be an object"),
        ),
        "removeFromOrg" if !is_flag(&step[verb]["deleteAccount"]) => wrong(
            number,
            "error.command.malformed",
            "deleteAccount must be true or false",
        ),
        _ => Ok(()),
    }
}

/// Whether the value is a boolean or absent.
fn is_flag(value: &Value) -> bool {
    value.is_null() || value.is_boolean()
}

fn check_lists(
    entry: &Entry,
    number: usize,
    verb: &str,
    lists: &Value,
    most: usize,
) -> Result<(), StepError> {
    if lists == "all" && verb == "remove" && !entry.is_group {
        return Ok(());
    }
    let lists = match lists {
        Value::Object(lists) if !lists.is_empty() => lists,
        _ => {
            return wrong(
                number,
                "error.command.add_remove.missing_list",
                "the list is missing",
            );
        }
    };
    let known: &[&str] = match entry.is_group {
        true => &["user", "productConfiguration"],
        false => &USER_LISTS,
    };
    let mut names = 0;
    for (key, list) in lists {
        if !known.contains(&key.as_str()) {
            return wrong(
                number,
                "error.command.add_remove.key.unknown",
                format!("unknown list {key}"),
            );
        }
        let Value::Array(list) = list else {
            return wrong(
                number,
                "error.command.add_remove.list_not_array",
                format!("{key} must be a list"),
            );
        };
        if !list.iter().all(Value::is_string) {
            return wrong(
                number,
                "error.command.malformed",
                format!("{key} must hold names"),
            );
        }
        let texts = list.iter().filter_map(Value::as_str);
        let mut seen = BTreeSet::new();
        for name in texts {
            if name.chars().count() > LONGEST_GROUP {
                let code = "error.command.add_remove.group_or_product_name_too_long";
                return wrong(number, code, format!("{key} holds a name that is too long"));
            }
            if !seen.insert(name.to_lowercase()) {
                let message = format!("{name} is twice in the list {key}");
                return wrong(number, duplicate_code(key), message);
            }
        }
        names += list.len();
    }
    if names > most {
        return wrong(
            number,
            "error.command.add_remove.list_too_long",
            format!("{names} names; at most {most} may be in a step"),
        );
    }
    Ok(())
}

fn duplicate_code(list: &str) -> &'static str {
    match list {
        "user" => "error.command.add_remove.duplicate.user_list",
        "group" => "error.command.add_remove.duplicate.usergroup_list",
        _ => "error.command.add_remove.duplicate.product_list",
    }
}

/// The names in a list that has been checked.
pub fn names<'a>(lists: &'a Value, key: &str) -> Vec<&'a str> {
    let list = lists.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
