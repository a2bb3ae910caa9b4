//! Tests that `Debug` of a type that holds secrets shows none of them, in either of its forms.

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Debug;
use std::time::Duration;
use support::Sandbox;
use umapi::{CallOptions, Client, Credentials, Secret};

const PASSWORD: &str = "pr0xy-p4ssw0rd";

fn shows_none(what: &impl Debug, secrets: &[&str]) {
    for shown in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!shown.is_empty());
        for secret in secrets {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}

#[tokio::test]
async fn debug_output_contains_no_secret() {
    let sandbox = Sandbox::start(&["--tls", "--limits", "off"]);
    let token = sandbox.control("POST", "/tokens", "")["token"]
        .as_str()
        .expect("the sandbox issues tokens")
        .to_owned();
    let callback_token = token.clone();
    let by_callback = Credentials::callback(sandbox.info("client_id"), move || {
        Ok((
            Secret::new(callback_token.clone()),
            Duration::from_secs(3600),
        ))
    })
    .expect("the client id is valid");
    let call = CallOptions::new();
    let secrets = [sandbox.info("client_secret"), PASSWORD, &token];
    for credentials in [sandbox.credentials(), by_callback] {
        shows_none(&credentials, &secrets);
        let client = Client::new(sandbox.info("org_id"), credentials, sandbox.options())
            .expect("the options are valid");
        // The client obtains a token by this call.
        let found = client.find_user("nobody@example.com", None, &call);
        assert!(found.await.expect("the sandbox answers").is_none());
        shows_none(&client, &secrets);
    }
    for proxy in ["http://127.0.0.1:1", "socks5h://127.0.0.1:1"] {
        let mut options = sandbox.options();
        options
            .set_proxy(proxy, Some(("me", Secret::new(PASSWORD))))
            .expect("the proxy's address is valid");
        shows_none(&options, &secrets);
        let client = Client::new(sandbox.info("org_id"), sandbox.credentials(), options)
            .expect("the options are valid");
        let found = client.find_user("nobody@example.com", None, &call);
        shows_none(&found.await.expect_err("no proxy listens there"), &secrets);
        shows_none(&client, &secrets);
    }
}
