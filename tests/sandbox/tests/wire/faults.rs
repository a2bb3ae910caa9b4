//! Tests of each fault: what arrives on the wire, and whether the work was done.

use crate::client::{End, Sandbox};
use serde_json::{Value, json};

const USERS: &str = "/users/12345ABCDE@AdobeOrg/0";

fn join_sales() -> Value {
    json!([{"user": "person000002@example.com", "do": [{"add": {"group": ["Sales"]}}]}])
}

#[test]
fn a_reset_is_seen_as_a_reset_at_every_stage() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let mut done = 0;
    for (stage, work_is_done) in [
        ("before_read", false),
        ("before_work", false),
        ("after_work", true),
        ("in_headers", true),
        ("in_body", true),
    ] {
        sandbox.fault(json!({"endpoint": "action", "fault": {"reset": {"at": stage}}}));
        let end = sandbox.act(&join_sales());
        assert!(matches!(end, End::Reset(_)), "{stage}: {end:?}");
        match stage {
            "in_headers" => assert!(end.status() == 200 && end.body().is_empty(), "{end:?}"),
            "in_body" => assert!(
                end.body().starts_with('{') && end.json().is_null(),
                "{end:?}"
            ),
            _ => assert_eq!(end.status(), 0),
        }
        done += usize::from(work_is_done);
        assert_eq!(sandbox.applied(), done, "{stage}");
    }
}

#[test]
fn a_stall_lasts_for_ever_or_for_the_given_time() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    for stage in [
        "before_read",
        "before_work",
        "after_work",
        "in_headers",
        "in_body",
    ] {
        sandbox.fault(json!({"endpoint": "users", "fault": {"stall": {"at": stage}}}));
        let end = sandbox.get(USERS);
        assert!(matches!(end, End::Hangs(_)), "{stage}: {end:?}");
    }
    for stage in [
        "before_read",
        "before_work",
        "after_work",
        "in_headers",
        "in_body",
    ] {
        sandbox.fault(json!({"endpoint": "users", "fault": {"stall": {"at": stage, "ms": 20}}}));
        assert_eq!(sandbox.get(USERS).json()["result"], "success", "{stage}");
    }
}

#[test]
fn a_status_is_sent_instead_of_the_work_or_after_it() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    for (after_work, applied) in [(false, 0), (true, 1)] {
        sandbox.fault(json!({
            "endpoint": "action",
            "fault": {"status": {"code": 503, "after_work": after_work, "retry_after": "soon"}}
        }));
        let end = sandbox.act(&join_sales());
        assert_eq!(
            (end.status(), end.header("retry-after")),
            (503, Some("soon".into()))
        );
        assert_eq!(sandbox.applied(), applied);
    }
}

#[test]
fn errors_are_sent_in_every_shape() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    for (shape, key) in [
        ("gateway", "error_code"),
        ("result", "result"),
        ("error_message_code", "errorCode"),
        ("error_message", "errorMessage"),
        ("ims", "error"),
    ] {
        sandbox.fault(json!({"fault": {"status": {"code": 400, "body": shape}}}));
        assert!(sandbox.get(USERS).json()[key].is_string(), "{shape}");
    }
    sandbox.fault(json!({"fault": {"status": {"code": 504, "body": "empty"}}}));
    assert_eq!(sandbox.get(USERS).body(), "");
    sandbox.fault(json!({"fault": {"status": {"code": 502, "body": "html"}}}));
    assert!(sandbox.get(USERS).body().contains("<html>"));
}

#[test]
fn retry_after_is_in_seconds_or_a_date_by_the_servers_clock() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    sandbox.fault(json!({"fault": {"status": {"code": 429, "retry_after": 3244}}}));
    assert_eq!(
        sandbox.get(USERS).header("retry-after").as_deref(),
        Some("3244")
    );
    sandbox.control("POST", "/settings", &json!({"date_offset_s": 3600}));
    sandbox.fault(json!({"fault": {"status": {"code": 429, "retry_after": {"date_in": 10}}}}));
    let end = sandbox.get(USERS);
    let date = |name| {
        let text = end.header(name).unwrap_or_default();
        httpdate::parse_http_date(&text).expect("a date")
    };
    let pause = date("retry-after")
        .duration_since(date("date"))
        .expect("later");
    assert!((9..=11).contains(&pause.as_secs()), "{pause:?}");
    let ahead = date("date")
        .duration_since(std::time::SystemTime::now())
        .expect("later");
    assert!(ahead.as_secs() > 3500);
}

#[test]
fn bodies_are_truncated_replaced_and_extended() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let whole = sandbox.get(USERS);
    let faulty = |fault: Value| {
        sandbox.fault(json!({"endpoint": "users", "fault": fault}));
        sandbox.get(USERS)
    };
    let stated_length = |end: &End| {
        end.header("content-length")
            .and_then(|n| n.parse::<usize>().ok())
    };

    let end = faulty(json!({"truncate": {"after": 20}}));
    assert_eq!((stated_length(&end), end.body().len()), (Some(20), 20));
    let end = faulty(json!({"truncate": {"after": 20, "keep_length": true}}));
    assert_eq!(
        (stated_length(&end), end.body().len()),
        (stated_length(&whole), 20)
    );
    let end = faulty(json!({"wrong_length": {"by": -10}}));
    assert_eq!(stated_length(&end).map(|n| n + 10), Some(end.body().len()));
    let end = faulty(json!({"wrong_length": {"by": 10}}));
    assert_eq!(stated_length(&end), Some(end.body().len() + 10));
    let end = faulty(json!({"deep": {"levels": 5000}}));
    assert!(end.body().starts_with("[[[[") && end.body().len() == 10_000);
    let end = faulty(json!({"gzip": {}}));
    assert_eq!(end.header("content-encoding").as_deref(), Some("gzip"));
    assert!(end.json().is_null());
    let end = faulty(json!({"redirect": {"to": "https://example.com/", "code": 307}}));
    assert_eq!(
        (end.status(), end.header("location")),
        (307, Some("https://example.com/".into()))
    );
    for kind in ["bytes", "html"] {
        let end = faulty(json!({"garbage": {"kind": kind}}));
        assert_eq!((end.status(), end.json()), (200, Value::Null));
    }
    assert!(faulty(json!({"endless": {}})).body().len() > 1_000_000);
}

#[test]
fn an_answer_is_rewritten_and_a_page_replaced() {
    let sandbox = Sandbox::start(&["--limits", "off", "--page-size", "30"]);
    sandbox.fault(json!({"endpoint": "users", "fault": {"rewrite": {
        "set": {"/users": [], "/extra": null, "/lastPage": false}, "remove": ["/result"]}}}));
    let answer = sandbox.get(USERS).json();
    assert_eq!(
        answer,
        json!({"lastPage": false, "users": [], "extra": null})
    );
    sandbox.fault(json!({"endpoint": "users", "fault": {"serve_page": {"page": 1}}}));
    let replaced = sandbox.get(USERS).json();
    sandbox.control("DELETE", "/faults", &Value::Null);
    assert_eq!(replaced, sandbox.get("/users/12345ABCDE@AdobeOrg/1").json());
}

#[test]
fn headers_of_an_answer_are_set_and_removed() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    sandbox.fault(json!({"endpoint": "users", "fault": {"rewrite": {
        "headers": {"X-Page-Count": "3", "X-Total-Count": null}}}}));
    let end = sandbox.get(USERS);
    assert_eq!(end.header("x-page-count").as_deref(), Some("3"));
    assert_eq!(end.header("x-total-count"), None);
    assert_eq!(end.header("x-current-page").as_deref(), Some("0"));
    assert_eq!(end.json()["result"], "success");
}

#[test]
fn a_scripted_answer_is_sent_as_it_is_written() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let script = |answer: Value| {
        sandbox.fault(json!({"endpoint": "action", "fault": {"answer": answer}}));
        sandbox.act(&join_sales())
    };
    let end = script(json!({"body": {"result": "error.organization.migrating"}}));
    assert_eq!(
        (end.status(), end.json()),
        (200, json!({"result": "error.organization.migrating"}))
    );
    let end = script(
        json!({"status": 418, "headers": {"X-A": 7, "content-type": "text/x"}, "body": "{\"a\":1e999"}),
    );
    assert_eq!((end.status(), end.body()), (418, "{\"a\":1e999"));
    assert_eq!(end.header("x-a").as_deref(), Some("7"));
    assert_eq!(end.header("content-type").as_deref(), Some("text/x"));
    let end = script(json!({"status": 401}));
    assert_eq!((end.status(), end.body()), (401, ""));
    assert_eq!(end.header("content-type"), None);
    assert_eq!(sandbox.applied(), 0);
    assert_eq!(
        script(json!({"after_work": true, "status": 504})).status(),
        504
    );
    assert_eq!(sandbox.applied(), 1);
}

#[test]
fn a_rule_that_cannot_be_sent_is_refused() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    for fault in [
        json!({"answer": {"status": 99}}),
        json!({"answer": {"headers": {"content-length": "5"}}}),
        json!({"rewrite": {"headers": {"a b": "5"}}}),
        json!({"answer": {"headers": {"a": "b\r\nc: d"}}}),
        json!({"answer": {"stauts": 200}}),
    ] {
        let end = sandbox.control_request("POST", "/faults", &json!({"fault": fault}));
        assert_eq!(end.status(), 400, "{fault}");
    }
}

#[test]
fn a_request_is_echoed_in_every_shape() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let head = "POST /ims/token/v2 HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    let body = "client_id=a&client_secret=hush%2Fhush";
    for (shape, key) in [
        ("html", None),
        ("text", None),
        ("error_message", Some("/errorMessage")),
        ("gateway", Some("/message")),
        ("ims", Some("/error_description")),
        ("json", Some("/blocked/request")),
    ] {
        sandbox.fault(json!({"fault": {"echo": {"status": 403, "as": shape}}}));
        let end = sandbox.send(head, body);
        assert_eq!(end.status(), 403, "{shape}");
        let json = end.json();
        let text = match key {
            None => end.body(),
            Some(key) => json.pointer(key).and_then(Value::as_str).expect(key),
        };
        assert!(
            text.contains("POST /ims/token/v2 HTTP/1.1"),
            "{shape}: {text}"
        );
        assert!(
            text.contains("client_secret=hush%2Fhush"),
            "{shape}: {text}"
        );
        assert!(
            text.contains("client_secret = hush/hush"),
            "{shape}: {text}"
        );
        let end = sandbox.get(USERS);
        assert!(
            end.body().contains("authorization: Bearer sandbox."),
            "{shape}"
        );
    }
}

#[test]
fn connections_are_refused_for_the_given_time() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    sandbox.control("POST", "/refuse", &json!({"ms": 100}));
    assert!(matches!(sandbox.get(USERS), End::Refused));
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(sandbox.get(USERS).status(), 200);
    sandbox.control("POST", "/refuse", &json!({"ms": 60_000}));
    assert!(matches!(sandbox.get(USERS), End::Refused));
    sandbox.control("POST", "/reset", &Value::Null);
    assert_eq!(sandbox.get(USERS).status(), 200);
}

#[test]
fn tokens_are_shown_by_number_and_secrets_not_at_all() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    let body = "client_id=sandbox-client-id&client_secret=hush&grant_type=client_credentials&scope=user_management_sdk";
    let head = "POST /ims/token/v2 HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    assert_eq!(sandbox.send(head, body).status(), 401);
    sandbox.get(USERS);
    let requests = sandbox.control("GET", "/requests", &Value::Null);
    assert_eq!(requests[1]["headers"]["authorization"], "Bearer (token 1)");
    assert!(!requests.to_string().contains("hush"));
    sandbox.control("POST", "/tokens/revoke", &Value::Null);
    let stale =
        "GET /v2/usermanagement/users/12345ABCDE@AdobeOrg/0 HTTP/1.1\r\nauthorization: Bearer gone";
    let end = sandbox.send(stale, "");
    assert_eq!((end.status(), end.body()), (401, ""));
    assert_eq!(
        end.header("www-authenticate").as_deref(),
        Some(r#"Bearer realm="JIL", error="invalid_token""#)
    );
}

#[test]
fn a_key_that_is_not_permitted_is_refused_with_an_empty_body() {
    let sandbox = Sandbox::start(&["--limits", "off"]);
    sandbox.control("POST", "/settings", &json!({"client_id": "another-client"}));
    let token = sandbox.token();
    let head = format!(
        "GET /v2/usermanagement{USERS} HTTP/1.1\r\nauthorization: Bearer {token}\r\nx-api-key: sandbox-client-id"
    );
    let end = sandbox.send(&head, "");
    assert_eq!((end.status(), end.body()), (403, ""));
    let others = json!({"other_client_ids": ["sandbox-client-id"]});
    sandbox.control("POST", "/settings", &others);
    assert_eq!(sandbox.send(&head, "").status(), 200);
}

#[test]
fn all_clients_of_the_application_share_a_limit() {
    let sandbox = Sandbox::start(&[]);
    let limit = json!({"requests": 3, "window_ms": 60_000});
    sandbox.control(
        "POST",
        "/limits",
        &json!({"endpoint": "users", "of": "application", "limit": limit}),
    );
    let ids = json!(["b", "c", "d"]);
    sandbox.control("POST", "/settings", &json!({"other_client_ids": ids}));
    let token = sandbox.token();
    let statuses = ["sandbox-client-id", "b", "c", "d"].map(|id| {
        let head = format!(
            "GET /v2/usermanagement{USERS} HTTP/1.1\r\nauthorization: Bearer {token}\r\nx-api-key: {id}"
        );
        sandbox.send(&head, "").status()
    });
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[test]
fn the_documented_limit_is_enforced() {
    let sandbox = Sandbox::start(&["--time-scale", "600"]);
    let answers: Vec<_> = (0..11).map(|_| sandbox.act(&join_sales())).collect();
    assert!(answers[..10].iter().all(|end| end.status() == 200));
    assert_eq!(answers[10].status(), 429);
    assert_eq!(answers[10].header("retry-after").as_deref(), Some("1"));
    std::thread::sleep(std::time::Duration::from_millis(110));
    assert_eq!(sandbox.act(&join_sales()).status(), 200);
}
