//! The steps on a user.

use super::refusal::refuse;
use super::{Entry, Refusal, Rules, Warning, check};
use crate::options::AlreadyMember;
use crate::org::{Identity, Org, USER_GROUP, User, UserKey};
use serde_json::Value;
use std::collections::BTreeSet;

/// The group of organisation administrators, which this API neither gives nor takes.
const ORG_ADMIN: &str = "_org_admin";

type StepResult = Result<Vec<Warning>, Vec<Refusal>>;

pub fn apply(org: &mut Org, entry: &Entry, step: &Value, rules: &Rules) -> StepResult {
    let verb = check::verb(step).unwrap_or_default();
    let body = &step[verb];
    match verb {
        "addAdobeID" => create(org, entry, body, Identity::Adobe),
        "createEnterpriseID" => create(org, entry, body, Identity::Enterprise),
        "createFederatedID" => create(org, entry, body, Identity::Federated),
        "removeFromOrg" => {
            // The service reports success whether or not the user exists.
            if let Some(key) = find(org, entry) {
                org.remove(key);
            }
            Ok(Vec::new())
        }
        _ => {
            let Some(key) = find(org, entry) else {
                return Err(vec![Refusal::no_user(&entry.target)]);
            };
            match verb {
                "update" => update(org, key, body),
                "add" => add(org, key, body, rules),
                "remove" if body == "all" => {
                    let groups = &mut org.user_mut(key).groups;
                    groups.retain(|group| group.eq_ignore_ascii_case(ORG_ADMIN));
                    Ok(Vec::new())
                }
                _ => remove(org, key, body, rules),
            }
        }
    }
}

fn find(org: &Org, entry: &Entry) -> Option<UserKey> {
    let domain = entry.object.get("domain").and_then(Value::as_str);
    let use_adobe_id = entry.object.get("useAdobeID") == Some(&Value::Bool(true));
    org.find(&entry.target, domain, use_adobe_id)
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn check_texts(body: &Value) -> Result<(), Vec<Refusal>> {
    for (key, most) in [
        ("email", 60),
        ("firstname", 250),
        ("lastname", 250),
        ("country", 2),
    ] {
        if text(body, key).is_some_and(|t| t.chars().count() > most) {
            return refuse(
                "error.command.string.too_long",
                format!("{key} is longer than {most} characters"),
            );
        }
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    let mut parts = text.split('@');
    let (local, domain) = (parts.next(), parts.next());
    parts.next().is_none()
        && local.is_some_and(|l| !l.is_empty() && !l.contains(char::is_whitespace))
        && domain.is_some_and(|d| d.contains('.') && !d.starts_with('.') && !d.ends_with('.'))
}

fn domain_of(name: &str) -> String {
    name.rsplit('@').next().unwrap_or_default().to_lowercase()
}

fn create(org: &mut Org, entry: &Entry, body: &Value, identity: Identity) -> StepResult {
    check_texts(body)?;
    let Some(email) = text(body, "email").filter(|email| is_email(email)) else {
        return refuse(
            "error.user.email.invalid",
            "the email is missing or invalid",
        );
    };
    let country = text(body, "country");
    let is_code = |c: &str| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
    if country.is_some_and(|c| !is_code(c)) || country.is_none() && identity == Identity::Federated
    {
        return refuse("error.country.invalid", "the country is missing or invalid");
    }
    let is_missing = |key| text(body, key).is_none_or(str::is_empty);
    if identity != Identity::Adobe && is_missing("firstname") {
        return refuse("error.user.firstname_missing", "the first name is missing");
    }
    if identity != Identity::Adobe && is_missing("lastname") {
        return refuse("error.user.lastname_missing", "the last name is missing");
    }
    let option = text(body, "option");
    if !matches!(
        option,
        None | Some("ignoreIfAlreadyExists" | "updateIfAlreadyExists")
    ) {
        return refuse("error.option.illegal", "unknown option");
    }
    if org.belonging_elsewhere.contains(&email.to_lowercase()) {
        return refuse(
            "error.user.belongs_to_another_org",
            format!("{email} belongs to another organisation"),
        );
    }
    let domain = match text(&Value::Object(entry.object.clone()), "domain") {
        Some(domain) => domain.to_lowercase(),
        None => domain_of(&entry.target),
    };
    if identity != Identity::Adobe {
        match org.domains.get(&domain) {
            None => {
                return refuse(
                    "error.domain.trust.nonexistent",
                    format!("no claim or trust for domain {domain}"),
                );
            }
            Some(kind) if *kind != identity => {
                return refuse(
                    "error.user.type_mismatch",
                    format!("domain {domain} is not for this type of account"),
                );
            }
            Some(_) => {}
        }
    }
    if let Some(key) = existing(org, entry, email, identity) {
        return already_there(org, key, body, option);
    }
    org.insert(User {
        id: format!("{:016X}@AdobeID", fastrand::u64(..)),
        email: email.to_owned(),
        status: "active".into(),
        username: entry.target.clone(),
        domain,
        firstname: text(body, "firstname").map(str::to_owned),
        lastname: text(body, "lastname").map(str::to_owned),
        country: country.map(str::to_owned),
        identity,
        groups: BTreeSet::new(),
        without_licence: BTreeSet::new(),
        technical: false,
    });
    Ok(Vec::new())
}

fn existing(org: &Org, entry: &Entry, email: &str, identity: Identity) -> Option<UserKey> {
    let domain = entry.object.get("domain").and_then(Value::as_str);
    let mut keys = org.find_all(&entry.target, domain);
    keys.extend(org.find_all(email, None));
    let is_adobe = identity == Identity::Adobe;
    keys.into_iter()
        .find(|key| (org.user(*key).identity == Identity::Adobe) == is_adobe)
}

fn already_there(org: &mut Org, key: UserKey, body: &Value, option: Option<&str>) -> StepResult {
    let email = org.user(key).email.clone();
    match option {
        None => refuse(
            "error.user.already_in_org",
            format!("{email} is in the organisation"),
        ),
        Some("updateIfAlreadyExists") if org.user(key).identity != Identity::Adobe => {
            let user = org.user_mut(key);
            if let Some(name) = text(body, "firstname") {
                user.firstname = Some(name.to_owned());
            }
            if let Some(name) = text(body, "lastname") {
                user.lastname = Some(name.to_owned());
            }
            Ok(Vec::new())
        }
        Some(_) => Ok(vec![Warning {
            code: "warning.user.already_exists",
            message: format!("{email} is in the organisation and stays as it is"),
        }]),
    }
}

fn update(org: &mut Org, key: UserKey, body: &Value) -> StepResult {
    if body.get("country").is_some() {
        return refuse(
            "error.update.country.no_update",
            "a country cannot be changed",
        );
    }
    check_texts(body)?;
    let user = org.user(key).clone();
    if user.identity == Identity::Adobe {
        return refuse("error.update.adobeid.no", "an Adobe ID cannot be changed");
    }
    let taken = |name: &str| org.find_all(name, None).iter().any(|k| *k != key);
    if let Some(email) = text(body, "email") {
        if !is_email(email)
            || email.to_lowercase() == user.email.to_lowercase() && email != user.email
        {
            return refuse("error.user.email.invalid", "the email is invalid");
        }
        if org.domains.get(&domain_of(email)) != Some(&user.identity) {
            return refuse(
                "error.update.domain.mismatch",
                "the domain is not for this account",
            );
        }
        if taken(email) {
            return refuse("error.user.email.name_in_use", format!("{email} is in use"));
        }
    }
    if let Some(username) = text(body, "username")
        && taken(username)
    {
        return refuse("error.user.name_in_use", format!("{username} is in use"));
    }
    org.rename(key, |user| {
        if let Some(email) = text(body, "email") {
            if user.username == user.email {
                user.username = email.to_owned();
            }
            user.email = email.to_owned();
        }
        if let Some(username) = text(body, "username") {
            user.username = username.to_owned();
        }
        if let Some(name) = text(body, "firstname") {
            user.firstname = Some(name.to_owned());
        }
        if let Some(name) = text(body, "lastname") {
            user.lastname = Some(name.to_owned());
        }
    });
    Ok(Vec::new())
}

/// The groups' names in their own letter case, or a refusal for each group that cannot be joined or left.
fn joinable(
    org: &Org,
    names: &[&str],
    readonly_code: &'static str,
) -> Result<Vec<String>, Vec<Refusal>> {
    const NEVER: [&str; 3] = [ORG_ADMIN, "_compartment_admin", "_compartment_viewer"];
    let (mut found, mut refusals) = (Vec::new(), Vec::new());
    for name in names {
        match org.group(name) {
            _ if NEVER.iter().any(|never| never.eq_ignore_ascii_case(name)) => {
                refusals.push(Refusal::new(
                    "error.group.invalid_list",
                    format!("{name} cannot be given or taken"),
                ))
            }
            None => refusals.push(Refusal::new(
                "error.group.not_found",
                format!("no group {name}"),
            )),
            Some(group) if group.read_only && group.kind == USER_GROUP => {
                refusals.push(Refusal::new(
                    readonly_code,
                    format!("{name} is managed by directory sync"),
                ))
            }
            Some(group) => found.push(group.group_name.clone()),
        }
    }
    match refusals.is_empty() {
        true => Ok(found),
        false => Err(refusals),
    }
}

/// The names in all lists, and a warning if one of the lists is deprecated.
fn groups_named(body: &Value) -> (Vec<&str>, Vec<Warning>) {
    let lists = check::USER_LISTS.iter();
    let names = lists.flat_map(|list| check::names(body, list)).collect();
    let is_deprecated = check::USER_LISTS[1..]
        .iter()
        .any(|list| body.get(list).is_some());
    let warning = is_deprecated.then(|| Warning {
        code: "warning.command.deprecated",
        message: "product and productConfiguration are deprecated; use group".into(),
    });
    (names, warning.into_iter().collect())
}

fn add(org: &mut Org, key: UserKey, body: &Value, rules: &Rules) -> StepResult {
    let (names, warnings) = groups_named(body);
    let groups = joinable(org, &names, "error.usergroup.readonly.add_user_not_allowed")?;
    if rules.already_member == AlreadyMember::Error {
        let own = &org.user(key).groups;
        let there = groups.iter().filter(|group| own.contains(*group));
        let message = |group| format!("the user is already a member of {group}");
        let refusals: Vec<_> = there
            .map(|group| Refusal::new("error.user.already_exists", message(group)))
            .collect();
        if !refusals.is_empty() {
            return Err(refusals);
        }
    }
    let is_full = |group: &&String| super::is_full(org, group, rules);
    if let Some(full) = groups.iter().find(is_full) {
        return super::refuse_full(full);
    }
    org.user_mut(key).groups.extend(groups);
    Ok(warnings)
}

fn remove(org: &mut Org, key: UserKey, body: &Value, rules: &Rules) -> StepResult {
    let (names, warnings) = groups_named(body);
    let code = "error.usergroup.readonly.remove_user_not_allowed";
    let groups = joinable(org, &names, code)?;
    let own = &mut org.user_mut(key).groups;
    if rules.already_member == AlreadyMember::Error && groups.iter().all(|g| !own.contains(g)) {
        return refuse(
            "error.usergroup.user_list.invalid",
            "the list did not change the membership",
        );
    }
    own.retain(|group| !groups.contains(group));
    Ok(warnings)
}
