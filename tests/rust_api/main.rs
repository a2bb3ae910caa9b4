//! Tests of the Rust API: users are provisioned and read back, calls run concurrently, and a call is cancelled.

#[path = "../support/mod.rs"]
mod support;

use futures_util::future::join_all;
use std::sync::{Arc, Mutex};
use support::Sandbox;
use umapi::{
    Action, CallOptions, Cancel, Client, ErrorKind, IdentityType, NewUser, OnConflict, OutcomeKind,
    Progress, UsersQuery,
};

fn client(sandbox: &Sandbox) -> Client {
    Client::new(
        sandbox.info("org_id"),
        sandbox.credentials(),
        sandbox.options(),
    )
    .expect("the options are valid")
}

fn newcomer(number: u64, group: &str) -> Action {
    let email = format!("newcomer{number}@example.com");
    let mut action = Action::on_user(&email, None).expect("the email is good");
    action
        .set_tag(number)
        .create(NewUser {
            identity: IdentityType::FederatedId,
            email: &email,
            first_name: Some("Zoë"),
            last_name: Some("O'Hara"),
            country: Some("DE"),
            on_conflict: OnConflict::Ignore,
        })
        .and_then(|action| action.add_to_groups(&[group]))
        .expect("the commands are good");
    action
}

#[tokio::test]
async fn users_are_provisioned_and_read_back() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off", "--page-size", "25"]);
    let client = client(&sandbox);
    let call = CallOptions::new();
    let mut queue = client.queue();
    for number in 0..43 {
        let group = if number == 7 { "Ghosts" } else { "Design/UX" };
        queue
            .add(&newcomer(number, group), &call)
            .await
            .expect("queued");
    }
    queue.flush(&call).await;
    let outcomes = queue.take_outcomes();
    assert_eq!(outcomes.len(), 43);
    for outcome in &outcomes {
        let expected = match outcome.tag {
            7 => OutcomeKind::Failed,
            _ => OutcomeKind::Succeeded,
        };
        assert_eq!(outcome.kind, expected, "{outcome:?}");
    }

    let mut query = UsersQuery::new();
    query.group("Design/UX").expect("the name is good");
    let mut pages = client.users(query);
    let mut found = 0;
    while let Some(page) = pages.next_page(&call).await.expect("a page") {
        let is_new = |user: &umapi::User| {
            user.email()
                .is_some_and(|email| email.as_str().starts_with("newcomer"))
        };
        found += page.users().filter(is_new).count();
    }
    assert_eq!(found, 42);
    assert_eq!(client.counters().actions_completed(), 42);
}

#[tokio::test]
async fn calls_run_concurrently_on_one_client() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off", "--latency-ms", "50"]);
    let client = client(&sandbox);
    let call = CallOptions::new();
    let emails: Vec<_> = (0..14)
        .map(|n| format!("person{:06}@example.com", n * 5 + 2))
        .collect();
    client.service_status(&call).await.expect("a status");
    let found = join_all(
        emails
            .iter()
            .map(|email| client.find_user(email, None, &call)),
    )
    .await;
    let counters = sandbox.control("GET", "/counters", "");
    assert!(counters["connections"].as_u64() > Some(5), "{counters}");
    for (user, email) in found.into_iter().zip(&emails) {
        let user = user.expect("an answer").expect("a user");
        assert_eq!(user.email().map(|e| e.as_str()), Some(email.as_str()));
    }
}

#[tokio::test]
async fn a_cancelled_call_has_reported_its_progress() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off"]);
    let client = client(&sandbox);
    sandbox.control(
        "POST",
        "/faults",
        r#"{"endpoint":"user","fault":{"status":{"code":503,"retry_after":60}}}"#,
    );
    let (cancel, reported) = (Cancel::new(), Arc::new(Mutex::new(Vec::new())));
    let (trigger, sink) = (cancel.clone(), reported.clone());
    let call = CallOptions::new().cancel(cancel).progress(move |progress| {
        if let Progress::Wait { .. } = progress {
            trigger.trigger();
        }
        sink.lock().expect("no test panicked").push(progress);
    });
    let error = client
        .find_user("person000002@example.com", None, &call)
        .await
        .expect_err("it is cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let reported = reported.lock().expect("no test panicked");
    assert!(
        matches!(reported.last(), Some(Progress::Wait { .. })),
        "{reported:?}"
    );
}
