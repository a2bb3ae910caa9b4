//! Tests of `POST /action`: each refusal has the right code, and no refused step is applied.

use crate::client::Sandbox;
use serde_json::{Value, json};

const PERSON: &str = "person000002@example.com";

fn create(email: &str, extra: Value) -> Value {
    let mut body = json!({"email": email, "country": "US", "firstname": "A", "lastname": "B"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    json!({"createFederatedID": body})
}

#[test]
fn each_refusal_has_its_code() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let user = |steps: Value| json!({"user": PERSON, "do": steps});
    let newcomer = |steps: Value| json!({"user": "new@example.com", "do": steps});
    let group = |name: &str, steps: Value| json!({"usergroup": name, "do": steps});
    let long = "x".repeat(251);
    let long_group = "x".repeat(256);
    let eleven: Vec<_> = (0..11).map(|n| format!("Team {n}")).collect();
    let cases = [
        (json!(7), "error.command.malformed"),
        (
            json!({"do": [{"add": {}}]}),
            "error.command.user_usergroup.missing",
        ),
        (user(json!([])), "error.command.malformed"),
        (
            json!({"user": "jdoe", "do": [{"update": {}}]}),
            "error.command.domain.missing",
        ),
        (
            json!({"user": PERSON, "domain": "example.com", "do": [{"update": {}}]}),
            "error.command.domain.must_be_used_with_nonemail_username",
        ),
        (
            user(json!([{"teleport": {}}])),
            "error.command.step.unknown",
        ),
        (
            user(json!([{"add": {"group": []}, "remove": "all"}])),
            "error.command.malformed",
        ),
        (
            user(json!([{"update": {}}, create("a@example.com", json!({}))])),
            "error.command.create.not_first",
        ),
        (
            newcomer(json!([
                create("new@example.com", json!({})),
                create("new@example.com", json!({}))
            ])),
            "error.command.create.more_than_one",
        ),
        (
            user(json!([{"removeFromOrg": {}}, {"update": {}}])),
            "error.command.removefromorg.not_last",
        ),
        (user(json!([{"update": 5}])), "error.command.malformed"),
        (
            user(json!([{"add": {"group": [5]}}])),
            "error.command.malformed",
        ),
        (
            user(json!([{"add": {"group": ["_ORG_ADMIN"]}}])),
            "error.group.invalid_list",
        ),
        (
            user(json!([{"add": "all"}])),
            "error.command.add_remove.missing_list",
        ),
        (
            user(json!([{"add": {"group": "Sales"}}])),
            "error.command.add_remove.list_not_array",
        ),
        (
            user(json!([{"add": {"team": ["Sales"]}}])),
            "error.command.add_remove.key.unknown",
        ),
        (
            user(json!([{"add": {"group": eleven}}])),
            "error.command.add_remove.list_too_long",
        ),
        (
            user(json!([{"add": {"group": ["Ghosts"]}}])),
            "error.group.not_found",
        ),
        (
            user(json!([{"add": {"group": ["_org_admin"]}}])),
            "error.group.invalid_list",
        ),
        (
            user(json!([{"add": {"group": ["Synced from AD"]}}])),
            "error.usergroup.readonly.add_user_not_allowed",
        ),
        (
            user(json!([{"update": {"country": "DE"}}])),
            "error.update.country.no_update",
        ),
        (
            user(json!([{"update": {"firstname": long}}])),
            "error.command.string.too_long",
        ),
        (
            user(json!([{"update": {"email": "a@other.example"}}])),
            "error.update.domain.mismatch",
        ),
        (
            user(json!([{"update": {"email": "person000003@example.com"}}])),
            "error.user.email.name_in_use",
        ),
        (
            user(json!([{"update": {"email": "PERSON000002@example.com"}}])),
            "error.user.email.invalid",
        ),
        (
            json!({"user": "person000000@mail.example", "do": [{"update": {"firstname": "A"}}]}),
            "error.update.adobeid.no",
        ),
        (
            json!({"user": "no@example.com", "do": [{"update": {}}]}),
            "error.user.nonexistent",
        ),
        (
            user(json!([create(PERSON, json!({}))])),
            "error.user.already_in_org",
        ),
        (
            newcomer(json!([create("no address", json!({}))])),
            "error.user.email.invalid",
        ),
        (
            newcomer(json!([create(
                "new@example.com",
                json!({"country": "Germany"})
            )])),
            "error.command.string.too_long",
        ),
        (
            newcomer(json!([create("new@example.com", json!({"country": "xx"}))])),
            "error.country.invalid",
        ),
        (
            newcomer(json!([create(
                "new@example.com",
                json!({"option": "maybe"})
            )])),
            "error.option.illegal",
        ),
        (
            newcomer(json!([create("rival@example.com", json!({}))])),
            "error.user.belongs_to_another_org",
        ),
        (
            json!({"user": "a@unclaimed.example", "do": [create("a@unclaimed.example", json!({}))]}),
            "error.domain.trust.nonexistent",
        ),
        (
            json!({"user": "a@corp.example.com", "do": [create("a@corp.example.com", json!({}))]}),
            "error.user.type_mismatch",
        ),
        (
            user(json!([{"add": {"group": ["Sales", "SALES"]}}])),
            "error.command.add_remove.duplicate.usergroup_list",
        ),
        (
            user(json!([{"remove": {"group": [long_group]}}])),
            "error.command.add_remove.group_or_product_name_too_long",
        ),
        (
            newcomer(json!([create(
                "new@example.com",
                json!({"firstname": null})
            )])),
            "error.user.firstname_missing",
        ),
        (
            newcomer(json!([create("new@example.com", json!({"lastname": ""}))])),
            "error.user.lastname_missing",
        ),
        (
            user(json!([{"removeFromOrg": {"deleteAccount": "true"}}])),
            "error.command.malformed",
        ),
        (
            json!({"user": PERSON, "requestID": long, "do": [{"update": {}}]}),
            "error.command.string.too_long",
        ),
        (
            json!({"user": format!("{long}@example.com"), "do": [{"update": {}}]}),
            "error.command.string.too_long",
        ),
        (
            json!({"user": "jdoe", "domain": long, "do": [{"update": {}}]}),
            "error.command.string.too_long",
        ),
        (
            group(&long_group, json!([{"createUserGroup": {}}])),
            "error.command.string.too_long",
        ),
        (
            group("_own", json!([{"createUserGroup": {}}])),
            "error.command.malformed",
        ),
        (
            group("Sales", json!([{"add": {"user": [PERSON, PERSON]}}])),
            "error.command.add_remove.duplicate.user_list",
        ),
        (
            group(
                "Sales",
                json!([{"add": {"productConfiguration": ["A", "A"]}}]),
            ),
            "error.command.add_remove.duplicate.product_list",
        ),
        (
            group(
                "Sales",
                json!([{"deleteUserGroup": {}}, {"updateUserGroup": {}}]),
            ),
            "error.command.removefromorg.not_last",
        ),
        (
            json!({"user": "ann.lee@example.com", "do": [{"update": {}}]}),
            "error.user.nonexistent",
        ),
        (
            group("Ghosts", json!([{"deleteUserGroup": {}}])),
            "error.usergroup.not_found",
        ),
        (
            group("Sales", json!([{"createUserGroup": {}}])),
            "error.usergroup.already_exists",
        ),
        (
            group(
                "Synced from AD",
                json!([{"updateUserGroup": {"name": "x"}}]),
            ),
            "error.usergroup.readonly.update_not_allowed",
        ),
        (
            group("Synced from AD", json!([{"deleteUserGroup": {}}])),
            "error.usergroup.readonly.remove_not_allowed",
        ),
        (
            group("Sales", json!([{"add": {"user": ["no@example.com"]}}])),
            "error.user.nonexistent",
        ),
        (
            group("Sales", json!([{"add": {"productConfiguration": ["No"]}}])),
            "error.group.not_found",
        ),
    ];
    let before = sandbox.control("GET", "/state", &Value::Null);
    for (entry, code) in cases {
        let answer = sandbox.act(&json!([entry])).json();
        assert_eq!(answer["errors"][0]["errorCode"], code, "{entry}: {answer}");
        assert_eq!(
            (&answer["completed"], &answer["notCompleted"]),
            (&json!(0), &json!(1))
        );
        assert_eq!(answer["result"], "error");
    }
    assert_eq!(sandbox.control("GET", "/state", &Value::Null), before);
}

#[test]
fn an_entry_stops_at_its_first_refusal_and_the_others_go_on() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let answer = sandbox.act(&json!([
        {"user": PERSON, "requestID": "r1", "do": [
            {"update": {"firstname": "One"}},
            {"add": {"group": ["Ghosts", "Sales", "Phantoms"]}},
            {"update": {"firstname": "Three"}}]},
        {"user": "person000003@example.com", "do": [{"update": {"firstname": "Four"}}]},
    ]));
    let answer = answer.json();
    assert_eq!(
        (&answer["result"], &answer["completed"]),
        (&json!("partial"), &json!(1))
    );
    let errors = answer["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 2);
    for error in errors {
        assert_eq!((&error["index"], &error["step"]), (&json!(0), &json!(1)));
        assert_eq!(
            (&error["requestID"], &error["user"]),
            (&json!("r1"), &json!(PERSON))
        );
    }
    assert_eq!(sandbox.applied(), 2);
}

#[test]
fn a_request_with_too_many_entries_is_refused_as_a_whole() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let entry = json!({"user": PERSON, "do": [{"update": {"firstname": "A"}}]});
    assert_eq!(sandbox.act(&json!(vec![entry; 11])).status(), 400);
    assert_eq!(sandbox.applied(), 0);
}

#[test]
fn entries_are_applied_in_a_shuffled_and_reproducible_order() {
    let order = || {
        let sandbox = Sandbox::start(&["--limits", "off", "--seed", "5"]);
        let entry =
            |n: usize| json!({"user": PERSON, "do": [{"update": {"firstname": format!("{n}")}}]});
        sandbox.act(&json!((0..10).map(entry).collect::<Vec<_>>()));
        let ledger = sandbox.control("GET", "/ledger", &Value::Null);
        let lines = ledger.as_array().expect("a list").iter();
        lines.map(|line| line["entry"].as_u64()).collect::<Vec<_>>()
    };
    let first = order();
    assert_eq!(first, order());
    assert!(!first.is_sorted());
}

#[test]
fn only_one_group_is_deleted_in_a_request() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let delete = |name: &str| json!({"usergroup": name, "do": [{"deleteUserGroup": {}}]});
    let answer = sandbox
        .act(&json!([delete("Sales"), delete("Marketing")]))
        .json();
    assert_eq!(
        (&answer["completed"], &answer["notCompleted"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn test_mode_changes_nothing_and_accepts_steps_on_users_it_would_have_created() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let before = sandbox.control("GET", "/state", &Value::Null);
    let creation =
        json!([{"user": "new@example.com", "do": [create("new@example.com", json!({}))]}]);
    let answer = sandbox.act_in_test_mode(&creation).json();
    assert_eq!(
        (&answer["completed"], &answer["completedInTestMode"]),
        (&json!(0), &json!(1))
    );
    let later = json!([{"user": "new@example.com", "do": [{"add": {"group": ["Sales"]}}]}]);
    let by_the_group =
        json!([{"usergroup": "Sales", "do": [{"add": {"user": ["NEW@example.com"]}}]}]);
    for steps in [&later, &by_the_group] {
        assert_eq!(sandbox.act_in_test_mode(steps).json()["result"], "success");
    }
    assert_eq!(
        sandbox.act(&later).json()["errors"][0]["errorCode"],
        "error.user.nonexistent"
    );
    assert_eq!(sandbox.control("GET", "/state", &Value::Null), before);
}

#[test]
fn a_step_number_is_a_text_with_that_setting() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    sandbox.control("POST", "/settings", &json!({"step_as_text": true}));
    let answer = sandbox.act(&json!([{"user": PERSON, "do": [{"add": {"group": ["Ghosts"]}}]}]));
    assert_eq!(answer.json()["errors"][0]["step"], "0");
}

#[test]
fn a_user_group_and_its_admin_group_are_created_renamed_and_deleted_together() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let act = |name: &str, step: Value| {
        let answer = sandbox
            .act(&json!([{"usergroup": name, "do": [step]}]))
            .json();
        assert_eq!(answer["result"], "success", "{answer}");
    };
    let names = || {
        let state = sandbox.control("GET", "/state", &Value::Null);
        let groups = state["groups"].as_array().expect("groups").iter();
        let names = groups.map(|group| group["groupName"].as_str().unwrap_or_default().to_owned());
        names
            .filter(|name| name.contains("shift"))
            .collect::<Vec<_>>()
    };
    act("Night shift", json!({"createUserGroup": {}}));
    assert_eq!(names(), ["Night shift", "_admin_Night shift"]);
    act(
        "Night shift",
        json!({"updateUserGroup": {"name": "Day shift"}}),
    );
    assert_eq!(names(), ["Day shift", "_admin_Day shift"]);
    act("Day shift", json!({"deleteUserGroup": {}}));
    assert!(names().is_empty());
}
