//! Tests of the options with which the sandbox is started.

use crate::client::Sandbox;
use serde_json::{Value, json};

#[test]
fn the_organisation_comes_from_a_file_and_grows() {
    let small = Sandbox::start(&[]);
    let mut state = small.control("GET", "/state", &Value::Null);
    state["users"].as_array_mut().expect("users").truncate(3);
    let file =
        std::env::temp_dir().join(format!("umapi-sandbox-state-{}.json", std::process::id()));
    std::fs::write(&file, state.to_string()).expect("a file");
    let path = file.to_str().expect("a plain path");
    let same = Sandbox::start(&["--state", path]);
    assert_eq!(same.control("GET", "/state", &Value::Null), state);
    let bigger = Sandbox::start(&["--state", path, "--users", "500", "--groups", "100"]);
    std::fs::remove_file(&file).expect("it is still there");
    let state = bigger.control("GET", "/state", &Value::Null);
    let count = |key: &str| state[key].as_array().map_or(0, Vec::len);
    assert!(count("users") == 500 && count("groups") >= 100);
}

#[test]
fn the_page_size_and_the_latency_are_as_the_options_say() {
    let sandbox = Sandbox::start(&["--page-size", "7", "--latency-ms", "40"]);
    let start = std::time::Instant::now();
    let page = sandbox.get("/users/12345ABCDE@AdobeOrg/0");
    assert!(start.elapsed().as_millis() >= 40);
    assert_eq!(page.json()["users"].as_array().map(Vec::len), Some(7));
    assert_eq!(page.header("x-page-size").as_deref(), Some("7"));
    assert_eq!(page.json()["lastPage"], json!(false));
}

#[test]
fn reading_page_0_too_often_causes_the_long_block_with_the_option() {
    let sandbox = Sandbox::start(&["--page0-block", "3244", "--limits", "off"]);
    let pages =
        [0, 1, 0, 0, 1, 0].map(|page| sandbox.get(&format!("/users/12345ABCDE@AdobeOrg/{page}")));
    let statuses = pages.each_ref().map(|page| page.status());
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    assert_eq!(pages[5].header("retry-after").as_deref(), Some("3244"));
}

#[test]
fn a_full_listing_begins_once_in_two_hours_with_the_option() {
    let options = ["--two-hour-rule", "--limits", "off", "--time-scale", "7200"];
    let sandbox = Sandbox::start(&options);
    let listings = ["users", "groups", "users", "groups"];
    let statuses = listings.map(|which| {
        let end = sandbox.get(&format!("/{which}/12345ABCDE@AdobeOrg/0"));
        end.status()
    });
    assert_eq!(statuses, [200, 200, 429, 429]);
    let page = sandbox.get("/users/12345ABCDE@AdobeOrg/1");
    assert_eq!(page.status(), 200);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(sandbox.get("/users/12345ABCDE@AdobeOrg/0").status(), 200);
}
