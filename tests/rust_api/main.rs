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
    query.set_group("Design/UX").expect("the name is good");
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
    let mut call = CallOptions::new();
    call.set_cancel(cancel);
    call.set_progress(move |progress| {
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

#[tokio::test]
async fn users_are_read_one_by_one() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off", "--page-size", "25"]);
    let client = client(&sandbox);
    let call = CallOptions::new();
    let id = |user: &umapi::User| user.id().expect("every user has an id").as_str().to_owned();
    let mut by_page = Vec::new();
    let mut pages = client.users(UsersQuery::new());
    while let Some(page) = pages.next_page(&call).await.expect("a page") {
        by_page.extend(page.users().map(|user| id(&user)));
    }
    assert!(by_page.len() > 50, "{}", by_page.len());

    let mut users = client.users(UsersQuery::new()).into_items();
    let mut kept = Vec::new();
    while let Some(user) = users.next(&call).await.expect("a user or the end") {
        kept.push(user);
    }
    assert!(users.next(&call).await.expect("still the end").is_none());
    let total = users.stats().total_count.expect("the service counts");
    assert!(total >= by_page.len() as u64, "{total}");
    drop((users, client));
    // Users outlive their page, listing and client.
    assert_eq!(kept.iter().map(id).collect::<Vec<_>>(), by_page);
}

#[tokio::test]
async fn a_cancelled_call_takes_no_item_from_a_page_that_was_read() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off", "--page-size", "25"]);
    let client = client(&sandbox);
    let (call, mut cancelled, cancel) = (CallOptions::new(), CallOptions::new(), Cancel::new());
    cancel.trigger();
    cancelled.set_cancel(cancel);
    let email = |user: Option<umapi::User>| {
        let user = user.expect("a user");
        user.email().expect("an email").as_str().to_owned()
    };
    let mut users = client.users(UsersQuery::new()).into_items();
    assert!(!users.is_buffered());
    assert!(users.next_buffered().is_none());
    let first = email(users.next(&call).await.expect("an answer"));
    assert!(users.is_buffered());
    let error = users.next(&cancelled).await.expect_err("it is cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let second = email(users.next_buffered());

    users.reload();
    assert!(!users.is_buffered());
    assert_eq!(users.stats(), umapi::PageStats::default());
    let error = users.next(&cancelled).await.expect_err("it is cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(email(users.next(&call).await.expect("an answer")), first);
    assert_eq!(email(users.next(&call).await.expect("an answer")), second);
}

#[tokio::test]
async fn groups_are_read_one_by_one_or_by_the_page() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off", "--page-size", "4"]);
    let client = client(&sandbox);
    let call = CallOptions::new();
    let mut names = Vec::new();
    let mut groups = client.groups().into_items();
    while let Some(group) = groups.next(&call).await.expect("a group or the end") {
        names.push(group.name().expect("a name").as_str().to_owned());
    }
    assert!(names.len() > 8, "{names:?}");

    // A page passes over what is left of the one before it.
    groups.reload();
    groups
        .next(&call)
        .await
        .expect("an answer")
        .expect("a group");
    let page = groups
        .next_page(&call)
        .await
        .expect("an answer")
        .expect("a page");
    let names_of = |page: &umapi::GroupPage| -> Vec<String> {
        let names = page
            .groups()
            .filter_map(|group| Some(group.name()?.as_str().to_owned()));
        names.collect()
    };
    assert_eq!(names_of(&page), names[4..8]);
    assert!(!groups.is_buffered());

    let user_groups = client.user_groups().into_items().next(&call).await;
    let is_read_only = user_groups
        .expect("an answer")
        .expect("a group")
        .is_read_only();
    assert!(is_read_only.is_some());
}
