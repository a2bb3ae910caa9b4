//! Tests of reading, by the documentation: which users are listed and found, and with which fields.

use crate::client::{End, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ORG: &str = "12345ABCDE@AdobeOrg";

fn sandbox() -> Sandbox {
    Sandbox::start(&["--limits", "off"])
}

fn users(sandbox: &Sandbox, of: &str) -> Vec<Value> {
    let end = sandbox.get(&format!("/users/{ORG}/0{of}"));
    assert_eq!(end.status(), 200, "{of}: {end:?}");
    end.json()["users"].as_array().cloned().unwrap_or_default()
}

fn user(sandbox: &Sandbox, of: &str) -> End {
    sandbox.get(&format!("/organizations/{ORG}/users/{of}"))
}

fn change_user(sandbox: &Sandbox, email: &str, key: &str, value: Value) {
    let mut state = sandbox.control("GET", "/state", &Value::Null);
    let users = state["users"].as_array_mut().expect("users");
    let user = users.iter_mut().find(|user| user["email"] == email);
    user.expect("there is such a user")[key] = value;
    sandbox.control("PUT", "/state", &state);
}

fn emails(users: &[Value]) -> BTreeSet<&str> {
    users
        .iter()
        .filter_map(|user| user["email"].as_str())
        .collect()
}

#[test]
fn only_active_users_are_listed_and_found() {
    let sandbox = sandbox();
    let email = "person000002@example.com";
    change_user(&sandbox, email, "status", json!("disabled"));
    change_user(&sandbox, email, "groups", json!(["Sales"]));
    let all = users(&sandbox, "");
    assert!(all.len() > 60 && all.iter().all(|user| user["status"] == "active"));
    assert!(!emails(&all).contains(email));
    let end = user(&sandbox, email);
    assert_eq!(
        (end.status(), &end.json()["result"]),
        (404, &json!("error.user.not_found"))
    );
    let members = users(&sandbox, "/Sales");
    assert!(emails(&members).contains(email), "{members:?}");
}

#[test]
fn a_status_is_about_the_licence_in_a_profile() {
    let sandbox = sandbox();
    let email = "person000002@example.com";
    change_user(
        &sandbox,
        email,
        "groups",
        json!(["Acrobat Pro DC", "Sales"]),
    );
    change_user(
        &sandbox,
        email,
        "without_licence",
        json!(["Acrobat Pro DC"]),
    );
    let has = |of: &str| emails(&users(&sandbox, of)).contains(email);
    assert!(has("/Acrobat%20Pro%20DC"));
    assert!(has("/Acrobat%20Pro%20DC?status=inactive"));
    assert!(!has("/Acrobat%20Pro%20DC?status=active"));
    for of in [
        "/Sales?status=active",
        "/Sales?status=inactive",
        "?status=inactive",
    ] {
        assert!(has(of), "{of}");
    }
    let shown = user(&sandbox, email).json();
    assert!(shown["user"].get("without_licence").is_none(), "{shown}");
}

#[test]
fn a_domain_is_known_or_not_found() {
    let sandbox = sandbox();
    for domain in ["EXAMPLE.com", "mail.example"] {
        assert!(!users(&sandbox, &format!("?domain={domain}")).is_empty());
    }
    let end = sandbox.get(&format!("/users/{ORG}/0?domain=unknown.example"));
    assert_eq!(end.status(), 404);
}

#[test]
fn a_domain_distinguishes_accounts_with_one_email() {
    let sandbox = sandbox();
    let kind = |of: &str| user(&sandbox, of).json()["user"]["type"].clone();
    assert_eq!(kind("twin@example.com?domain=AdobeID"), "adobeID");
    assert_eq!(kind("TWIN@example.com?domain=example.com"), "federatedID");
    assert_eq!(
        kind("twin@example.com?domain=corp.example.com"),
        Value::Null
    );
    assert_eq!(kind("person000002@example.com?domain=AdobeID"), Value::Null);
    assert_eq!(kind("jdoe?domain=example.com"), "federatedID");
    assert_eq!(kind("alee@example.com"), "federatedID");
    assert_eq!(kind("ann.lee@example.com"), Value::Null);
}

#[test]
fn a_page_states_how_many_entries_it_has() {
    let sandbox = Sandbox::start(&["--limits", "off", "--page-size", "30"]);
    let pages: Vec<_> = (0..3)
        .map(|page| sandbox.get(&format!("/users/{ORG}/{page}")))
        .collect();
    let mut listed = 0;
    for page in &pages {
        let entries = page.json()["users"].as_array().map_or(0, Vec::len);
        assert_eq!(page.header("x-page-size"), Some(entries.to_string()));
        listed += entries;
    }
    let last = pages.last().expect("there are three");
    assert_eq!(last.json()["lastPage"], true);
    // Two technical accounts are counted and not listed.
    assert_eq!(last.header("x-total-count"), Some((listed + 2).to_string()));
}

#[test]
fn each_type_of_group_has_its_fields() {
    let sandbox = sandbox();
    let answer = sandbox.get(&format!("/groups/{ORG}/0")).json();
    let group = |name: &str| {
        let groups = answer["groups"].as_array().expect("groups");
        let found = groups.iter().find(|group| group["groupName"] == name);
        let mut group = found.expect(name).clone();
        let object = group.as_object_mut().expect("an object");
        for key in ["groupId", "memberCount", "groupName"] {
            assert!(object.remove(key).is_some(), "{name} has no {key}");
        }
        group
    };
    let profile = "Acrobat Pro DC";
    for (name, fields) in [
        ("_org_admin", json!({"type": "SYSADMIN_GROUP"})),
        (
            "Engineering",
            json!({"type": "USER_GROUP", "adminGroupName": "_admin_Engineering"}),
        ),
        // The group has no administrators.
        ("Sales", json!({"type": "USER_GROUP"})),
        (
            "_admin_Sales",
            json!({"type": "USER_ADMIN_GROUP", "userGroupName": "Sales"}),
        ),
        (
            profile,
            json!({"type": "PRODUCT_PROFILE", "adminGroupName": "_admin_Acrobat Pro DC",
                   "productName": "Acrobat Pro DC (DC1A)", "licenseQuota": "UNLIMITED"}),
        ),
        (
            "_admin_Acrobat Pro DC",
            json!({"type": "PROFILE_ADMIN_GROUP", "productName": "Acrobat Pro DC (DC1A)",
                   "productProfileName": profile, "profileGroupName": profile}),
        ),
        (
            "_developer_Acrobat Pro DC",
            json!({"type": "DEVELOPER_GROUP", "productProfileName": profile}),
        ),
        (
            "_contract_admin_Acme VIP",
            json!({"type": "CONTRACT_ADMIN_GROUP", "contractName": "Acme VIP"}),
        ),
    ] {
        assert_eq!(group(name), fields, "{name}");
    }
    let members = users(&sandbox, "/_admin_Sales");
    assert!(members.is_empty());
}

#[test]
fn the_deprecated_listing_tells_who_manages_a_group() {
    let sandbox = sandbox();
    let answer = sandbox.get(&format!("/{ORG}/user-groups?page=1")).json();
    let groups = answer.as_array().expect("a bare list");
    let named = |name: &str| {
        let found = groups.iter().find(|group| group["name"] == name);
        found.expect(name).clone()
    };
    let engineering = named("Engineering");
    assert_eq!(engineering["adminCount"], 1);
    assert!(engineering["adminGroupId"].is_i64(), "{engineering}");
    assert_eq!(engineering["isReadOnly"], false);
    assert_eq!(named("Synced from AD")["isReadOnly"], true);
}

#[test]
fn only_a_group_is_listed_without_groups() {
    let sandbox = sandbox();
    let has_groups = |of: &str| {
        let users = users(&sandbox, of);
        users.iter().any(|user| user.get("groups").is_some())
    };
    assert!(!has_groups("/Sales?excludeGroups=true"));
    assert!(has_groups("?excludeGroups=true"));
}
