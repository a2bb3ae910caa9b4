//! The steps on a user group.

use super::refusal::refuse;
use super::{Entry, Refusal, Rules, Warning, check};
use crate::options::{AlreadyMember, GroupName};
use crate::org::{Org, PRODUCT_PROFILE, USER_GROUP, UserKey};
use serde_json::Value;

type StepResult = Result<Vec<Warning>, Vec<Refusal>>;

pub fn apply(
    org: &mut Org,
    entry: &Entry,
    step: &Value,
    rules: &Rules,
    group_deleted: &mut bool,
) -> StepResult {
    let verb = check::verb(step).unwrap_or_default();
    let body = &step[verb];
    let name = entry.target.as_str();
    if verb == "createUserGroup" {
        if rules.group_name == GroupName::Required && text(body, "name").is_none() {
            return refuse(
                "error.usergroup.command.missing.arguments",
                "the name is missing",
            );
        }
        return create(org, name, body);
    }
    let Some(group) = org.group(name).filter(|group| group.kind == USER_GROUP) else {
        return refuse("error.usergroup.not_found", format!("no user group {name}"));
    };
    let read_only = group.read_only;
    match verb {
        "updateUserGroup" if read_only => {
            refuse_readonly("error.usergroup.readonly.update_not_allowed", name)
        }
        "updateUserGroup" => update(org, name, body),
        "deleteUserGroup" if read_only => {
            refuse_readonly("error.usergroup.readonly.remove_not_allowed", name)
        }
        "deleteUserGroup" if std::mem::replace(group_deleted, true) => refuse(
            "error.command.malformed",
            "only one user group can be deleted in a request",
        ),
        "deleteUserGroup" => {
            org.remove_user_group(name);
            Ok(Vec::new())
        }
        _ if read_only && !check::names(body, "user").is_empty() => {
            let code = match verb {
                "add" => "error.usergroup.readonly.add_user_not_allowed",
                _ => "error.usergroup.readonly.remove_user_not_allowed",
            };
            refuse_readonly(code, name)
        }
        _ => change_members(org, name, body, verb == "add", rules),
    }
}

fn refuse_readonly(code: &'static str, name: &str) -> StepResult {
    refuse(code, format!("{name} is managed by directory sync"))
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn check_name(name: &str) -> Result<(), Vec<Refusal>> {
    if name.chars().count() > 255 {
        return refuse(
            "error.command.string.too_long",
            "a name has at most 255 characters",
        );
    }
    if name.is_empty() || name.starts_with('_') {
        return refuse(
            "error.command.malformed",
            "a user group's name cannot begin with _",
        );
    }
    Ok(())
}

fn create(org: &mut Org, name: &str, body: &Value) -> StepResult {
    check_name(name)?;
    let option = text(body, "option").filter(|option| *option != "errorIfAlreadyExists");
    if !matches!(
        option,
        None | Some("ignoreIfAlreadyExists" | "updateIfAlreadyExists")
    ) {
        return refuse("error.option.illegal", "unknown option");
    }
    let description = text(body, "description").map(str::to_owned);
    match (org.group_mut(name), option) {
        (None, _) => {
            org.add_user_group(name, description);
            Ok(Vec::new())
        }
        (Some(_), None) => refuse(
            "error.usergroup.already_exists",
            format!("{name} exists already"),
        ),
        (Some(group), Some("updateIfAlreadyExists")) => {
            group.description = description.or(group.description.take());
            Ok(Vec::new())
        }
        (Some(_), Some(_)) => Ok(vec![Warning {
            code: "warning.usergroup.already_exists",
            message: format!("{name} exists already and stays as it is"),
        }]),
    }
}

fn update(org: &mut Org, name: &str, body: &Value) -> StepResult {
    let new_name = text(body, "name");
    if let Some(new_name) = new_name {
        check_name(new_name)?;
        if org
            .group(new_name)
            .is_some_and(|other| other.group_name.to_lowercase() != name.to_lowercase())
        {
            return refuse(
                "error.usergroup.already_exists",
                format!("{new_name} exists already"),
            );
        }
    }
    if let Some(group) = org.group_mut(name)
        && let Some(description) = text(body, "description")
    {
        group.description = Some(description.to_owned());
    }
    if let Some(new_name) = new_name {
        org.rename_user_group(name, new_name);
    }
    Ok(Vec::new())
}

fn change_members(org: &mut Org, name: &str, body: &Value, add: bool, rules: &Rules) -> StepResult {
    let (users, profiles) = (
        check::names(body, "user"),
        check::names(body, "productConfiguration"),
    );
    let mut refusals = Vec::new();
    let found = users.iter().filter_map(|user| {
        let key = org.find(user, None, false);
        if key.is_none() {
            refusals.push(Refusal::no_user(user));
        }
        key
    });
    let keys: Vec<_> = found.collect();
    for profile in &profiles {
        if org
            .group(profile)
            .is_none_or(|group| group.kind != PRODUCT_PROFILE)
        {
            refusals.push(Refusal::new(
                "error.group.not_found",
                format!("no product profile {profile}"),
            ));
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let own_name = org
        .group(name)
        .map_or(name.to_owned(), |group| group.group_name.clone());
    let changes = |key: &UserKey| org.user(*key).groups.contains(&own_name) != add;
    let changes_nothing = profiles.is_empty() && !keys.iter().any(changes);
    if rules.already_member == AlreadyMember::Error && changes_nothing {
        return refuse(
            "error.usergroup.user_list.invalid",
            "the list did not change the membership",
        );
    }
    if add && !keys.is_empty() && super::is_full(org, &own_name, rules) {
        return super::refuse_full(&own_name);
    }
    for key in keys {
        let groups = &mut org.user_mut(key).groups;
        match add {
            true => groups.insert(own_name.clone()),
            false => groups.remove(&own_name),
        };
    }
    if let Some(group) = org.group_mut(name) {
        for profile in profiles {
            match add {
                true => group.profiles.insert(profile.to_owned()),
                false => group.profiles.remove(profile),
            };
        }
    }
    Ok(Vec::new())
}
