//! Tests of the questions that the documentation leaves open, with each of their answers.

use crate::client::Sandbox;
use serde_json::{Value, json};

const PERSON: &str = "person000002@example.com";

fn set(sandbox: &Sandbox, key: &str, value: Value) {
    sandbox.control("POST", "/settings", &json!({ key: value }));
}

fn code(sandbox: &Sandbox, entry: &Value) -> Value {
    let answer = sandbox.act(&json!([entry])).json();
    answer["errors"][0]["errorCode"].clone()
}

#[test]
fn an_existing_membership_is_an_error_or_a_success() {
    let sandbox = Sandbox::start(&["--limits", "off", "--already-member", "error"]);
    let by_user =
        |step: &str, groups: Value| json!({"user": PERSON, "do": [{step: {"group": groups}}]});
    let by_group =
        |step: &str| json!({"usergroup": "Marketing", "do": [{step: {"user": [PERSON]}}]});
    let everything_left = json!({"user": PERSON, "do": [{"remove": "all"}]});
    assert_eq!(code(&sandbox, &everything_left), Value::Null);
    let cases = [
        (
            by_user("add", json!(["Sales"])),
            "error.user.already_exists",
        ),
        (by_group("add"), "error.usergroup.user_list.invalid"),
        (
            by_user("remove", json!(["sales"])),
            "error.usergroup.user_list.invalid",
        ),
        (by_group("remove"), "error.usergroup.user_list.invalid"),
    ];
    for (entry, second) in &cases {
        assert_eq!(code(&sandbox, entry), Value::Null, "{entry}");
        assert_eq!(code(&sandbox, entry), *second, "{entry}");
    }
    // Each group that the user is already in is refused, and the step is not applied.
    assert_eq!(
        code(&sandbox, &by_user("add", json!(["Sales"]))),
        Value::Null
    );
    let both = by_user("add", json!(["Sales", "Marketing"]));
    let answer = sandbox.act(&json!([both])).json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(code(&sandbox, &by_group("add")), Value::Null);
    let answer = sandbox.act(&json!([both])).json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2));
    // Any other list is refused only if it changes nothing.
    let mut all = by_group("add");
    all["do"][0]["add"]["user"] = json!([PERSON, "person000003@example.com"]);
    assert_eq!(code(&sandbox, &all), Value::Null);
    assert_eq!(code(&sandbox, &everything_left), Value::Null);
    assert_eq!(code(&sandbox, &everything_left), Value::Null);

    set(&sandbox, "already_member", json!("success"));
    for (entry, _) in &cases {
        assert_eq!(code(&sandbox, entry), Value::Null, "{entry}");
        assert_eq!(code(&sandbox, entry), Value::Null, "{entry}");
    }
}

#[test]
fn the_steps_after_a_refused_one_are_applied_or_not() {
    let sandbox = Sandbox::start(&["--limits", "off", "--after-refusal", "go-on"]);
    let steps = json!([{"user": PERSON, "do": [
        {"add": {"group": ["Ghosts"]}},
        {"update": {"firstname": "Changed"}},
        {"add": {"group": ["Phantoms"]}}]}]);
    let answer = sandbox.act(&steps).json();
    let errors = answer["errors"].as_array().expect("errors");
    let numbers: Vec<_> = errors.iter().map(|error| &error["step"]).collect();
    assert_eq!(numbers, [0, 2]);
    assert_eq!(
        (&answer["completed"], &answer["notCompleted"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(sandbox.applied(), 1);

    sandbox.control("POST", "/reset", &Value::Null);
    set(&sandbox, "after_refusal", json!("stop"));
    let answer = sandbox.act(&steps).json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(sandbox.applied(), 0);
}

#[test]
fn an_encoded_slash_is_part_of_a_name_or_not() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let path = "/users/12345ABCDE@AdobeOrg/0/Design%2FUX";
    assert_eq!(sandbox.get(path).status(), 200);
    set(&sandbox, "encoded_slash", json!("separator"));
    assert_eq!(sandbox.get(path).status(), 404);
}

#[test]
fn a_new_group_may_need_a_name() {
    let sandbox = Sandbox::start(&["--limits", "off", "--group-name", "required"]);
    let group =
        |body: Value| json!({"usergroup": "Night shift", "do": [{"createUserGroup": body}]});
    assert_eq!(
        code(&sandbox, &group(json!({}))),
        "error.usergroup.command.missing.arguments"
    );
    let named = group(json!({"name": "Night shift"}));
    assert_eq!(code(&sandbox, &named), Value::Null);
}

#[test]
fn a_full_group_takes_no_more_members() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    set(&sandbox, "most_members", json!(1));
    let join = |email: &str| json!({"user": email, "do": [{"add": {"group": ["Team A"]}}]});
    let create = json!({"usergroup": "Team A", "do": [{"createUserGroup": {}}]});
    assert_eq!(code(&sandbox, &create), Value::Null);
    assert_eq!(code(&sandbox, &join(PERSON)), Value::Null);
    let by_group =
        json!({"usergroup": "Team A", "do": [{"add": {"user": ["person000007@example.com"]}}]});
    for entry in [join("person000007@example.com"), by_group] {
        assert_eq!(
            code(&sandbox, &entry),
            "error.usergroup.exceeds_maximum_member_count"
        );
    }
}

#[test]
fn an_administrator_of_the_organisation_stays_one() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let email = "person000004@example.com";
    let groups = || {
        let state = sandbox.control("GET", "/state", &Value::Null);
        let users = state["users"].as_array().expect("users").iter();
        let mut users = users.filter(|user| user["email"] == email);
        users.next().expect("there is one")["groups"].clone()
    };
    assert!(groups().as_array().map_or(0, Vec::len) > 1);
    let entry = json!({"user": email, "do": [{"remove": "all"}]});
    assert_eq!(code(&sandbox, &entry), Value::Null);
    assert_eq!(groups(), json!(["_org_admin"]));
}

#[test]
fn deprecated_lists_still_work_with_a_warning() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    for list in ["product", "productConfiguration"] {
        let entry = json!([{"user": PERSON, "do": [{"add": {list: ["Acrobat Pro DC"]}}]}]);
        let answer = sandbox.act(&entry).json();
        assert_eq!(answer["completed"], 1, "{answer}");
        assert_eq!(
            answer["warnings"][0]["warningCode"],
            "warning.command.deprecated"
        );
    }
}
