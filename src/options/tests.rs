//! Every option by its key: values that it takes and refuses, its default, and the places where it can be given.

use super::*;
use crate::config::read_document;
use serde_json::json;

/// For each key a value that changes the option, and values that it refuses.
const SAMPLES: &[(&str, &str, &[&str])] = &[
    (
        "endpoint",
        "https://h.example/v2",
        &["", "h", "http://h.example", "https://u:p@h"],
    ),
    (
        "ca_file",
        "CA",
        &[
            "",
            "/nowhere/ca.pem",
            "/dev/null",
            "-----BEGIN CERTIFICATE-----",
        ],
    ),
    ("platform_certificates", "false", FLAGS),
    ("danger_accept_invalid_certificates", "true", FLAGS),
    (
        "proxy",
        "http://h.example:3128",
        &["", "gopher://h", "http://u:p@h:1", "http://h/path"],
    ),
    ("proxy_user", "me", &["", "a:b", "a\nb"]),
    ("proxy_password", "p4ssw0rd", &["a\nb"]),
    (
        "user_agent_prefix",
        "acme/1",
        &["", " ", "a\nb", "caf\u{E9}"],
    ),
    ("connect_timeout_ms", "1", COUNTS),
    ("attempt_timeout_ms", "18446744073709551615", COUNTS),
    ("max_attempts", "1", COUNTS),
    ("first_retry_delay_ms", "1", COUNTS),
    ("max_retry_wait_ms", "1", COUNTS),
    ("rate_limit_users", "off", RATES),
    ("rate_limit_user", "1/1", RATES),
    ("rate_limit_groups", "4294967295/1000", RATES),
    ("rate_limit_user_groups", "6/60000", RATES),
    ("rate_limit_action", "11/60000", RATES),
    ("rate_limit_token", "12/60000", RATES),
    ("rate_limit_status", "13/60000", RATES),
    ("entries_per_request", "20", COUNTS),
    ("steps_per_entry", "1", COUNTS),
    ("names_per_step", "20", COUNTS),
    ("test_mode", "1", FLAGS),
    ("account_deletes_in_test_mode", "true", FLAGS),
    ("read_ahead", "1", COUNTS),
    ("log_level", "debug", &["", "DEBUG", "trace", "4"]),
];

const FLAGS: &[&str] = &["", "yes", "True", "2", "-1", "on"];
const COUNTS: &[&str] = &["", "0", "-1", "1.5", "5 s", "0x10", "99999999999999999999"];
const RATES: &[&str] = &[
    "",
    "0/1",
    "1/0",
    "25",
    "-1/1",
    "1/",
    "/1",
    "1/1/1",
    "OFF",
    "25 / 60000",
];

/// Options that any key can be set in: with a proxy, a login and a log.
fn prepared() -> ClientOptions {
    let mut options = ClientOptions::default();
    options
        .set_proxy("http://first.example:1", Some(("first", "first".into())))
        .unwrap();
    options.set_logger(Logger::new(crate::log::LogLevel::Error, |_, _| {}));
    options
}

/// A file with a certificate, which is removed at the end.
struct CaFile(std::path::PathBuf);

impl CaFile {
    fn new(test: &str) -> Self {
        let name = format!("umapi-options-{test}-{}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        let made = rcgen::generate_simple_self_signed(["ca.example".to_owned()]);
        let der = made.expect("a certificate can be made").cert.der().to_vec();
        std::fs::write(&path, crate::pem::encode("CERTIFICATE", &der).as_bytes()).unwrap();
        CaFile(path)
    }

    fn value(&self, sample: &str) -> String {
        match sample {
            "CA" => self.0.display().to_string(),
            sample => sample.to_owned(),
        }
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What the options hold, with the password that `Debug` hides.
fn state(options: &ClientOptions) -> String {
    let authorization = match &options.transport.proxy {
        crate::http::proxy::ProxyChoice::Given(proxy) => proxy.authorization(),
        _ => None,
    };
    let authorization = authorization.map(|header| header.as_bytes().to_vec());
    format!("{options:?} {authorization:?}")
}

#[test]
fn the_samples_are_for_every_key_once() {
    let keys: Vec<_> = OPTIONS.iter().map(OptionSpec::key).collect();
    let of_samples: Vec<_> = SAMPLES.iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, of_samples);
    for (position, key) in keys.iter().enumerate() {
        assert!(!keys[..position].contains(key), "{key} stands there twice");
        assert!(!keys::IDENTITY.contains(key));
        assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        let spec = find(key).unwrap();
        assert!(
            spec.needs()
                .iter()
                .all(|needed| keys[..position].contains(needed))
        );
        assert!(spec.description().ends_with('.') && !spec.description().contains('\n'));
    }
}

#[test]
fn a_good_value_sets_the_option_and_a_bad_one_changes_nothing() {
    let ca = CaFile::new("values");
    for (key, good, bad) in SAMPLES {
        let mut options = prepared();
        let before = state(&options);
        for value in *bad {
            let error = options.set(key, value).expect_err(key);
            assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
            assert!(error.message().starts_with(&format!("{key}: ")), "{error}");
            assert!(!error.message().contains("umapi_"), "{error}");
            assert_eq!(state(&options), before, "{key}: {value:?}");
        }
        options.set(key, &ca.value(good)).unwrap();
        assert_ne!(state(&options), before, "{key}");
    }
}

#[test]
fn the_default_of_the_table_is_the_one_of_new_options() {
    let ca = CaFile::new("defaults");
    for (spec, (key, good, _)) in OPTIONS.iter().zip(SAMPLES) {
        if spec.default_text().is_empty() {
            continue;
        }
        let (new, mut options) = (ClientOptions::default(), ClientOptions::default());
        options.set(key, &ca.value(good)).unwrap();
        assert_ne!(state(&options), state(&new), "{key}");
        options.set(key, spec.default_text()).unwrap();
        assert_eq!(state(&options), state(&new), "{key}");
    }
}

#[test]
fn a_file_has_every_key_and_names_a_bad_value_by_it() {
    let ca = CaFile::new("file");
    let as_json = |form, text: String| match form {
        ValueForm::Text => json!(text),
        ValueForm::Flag => json!(matches!(&*text, "true" | "1")),
        ValueForm::Count | ValueForm::Milliseconds => json!(text.parse::<u64>().unwrap()),
    };
    let document = |key: &str, value: serde_json::Value| {
        let mut document = json!({"org_id": "o", "client_id": "c", "client_secret": "s"});
        for needed in find(key).unwrap().needs() {
            document[*needed] = match *needed {
                "proxy" => json!("http://h.example:1"),
                _ => json!("u"),
            };
        }
        document[key] = value;
        document.to_string()
    };
    for (spec, (key, good, bad)) in OPTIONS.iter().zip(SAMPLES) {
        let json = document(key, as_json(spec.form(), ca.value(good)));
        let read = read_document(json.as_bytes()).unwrap();
        let mut options = prepared();
        let before = state(&options);
        read.apply_settings(&mut options).unwrap();
        assert_ne!(
            state(&options),
            before,
            "{key}: the operator wins over the program"
        );
        let mut wrong = vec![json!(null), json!([1]), json!({})];
        wrong.push(match spec.form() {
            ValueForm::Text => json!(7),
            _ => json!("7"),
        });
        if spec.form() == ValueForm::Text {
            wrong.extend(bad.iter().map(|bad| json!(bad)));
        }
        for value in wrong {
            let error = read_document(document(key, value).as_bytes()).expect_err(key);
            let start = format!("configuration.json: {key}: ");
            assert!(error.message().starts_with(&start), "{error}");
        }
    }
}

#[test]
fn a_login_follows_its_proxy() {
    let mut options = ClientOptions::default();
    let error = |result: Result<()>| result.unwrap_err().message().to_owned();
    assert_eq!(
        error(options.set("proxy_user", "me")),
        "proxy_user: is for a proxy, and none is given; set the option proxy first"
    );
    options.set("proxy", "http://h.example:1").unwrap();
    assert_eq!(
        error(options.set("proxy_password", "pw")),
        "proxy_password: is for a user, and none is given; set the option proxy_user first"
    );
    options.set("proxy_user", "me").unwrap();
    options.set("proxy_password", "pw").unwrap();
    let mut typed = ClientOptions::default();
    typed
        .set_proxy("http://h.example:1", Some(("me", "pw".into())))
        .unwrap();
    assert_eq!(state(&options), state(&typed));
    options.set("proxy", "off").unwrap();
    typed.disable_proxy();
    assert_eq!(state(&options), state(&typed));
    assert_eq!(
        error(options.set("proxy_user", "me")),
        "proxy_user: is for a proxy, and the option proxy is off"
    );
}

#[test]
fn keys_that_are_no_options_are_told_where_they_belong_or_what_is_near() {
    let mut options = ClientOptions::default();
    let mut refusal = |key| options.set(key, "x").unwrap_err().message().to_owned();
    for key in keys::IDENTITY {
        let said = refusal(key);
        assert!(
            said.starts_with(&format!("{key}: is no client option")),
            "{said}"
        );
    }
    let said = refusal("conect_timeout_ms");
    assert!(
        said.starts_with("key: unknown key \"conect_timeout_ms\"; known are endpoint, ca_file, "),
        "{said}"
    );
    assert!(
        said.ends_with("; the nearest is connect_timeout_ms"),
        "{said}"
    );
    assert!(refusal("Endpoint").ends_with("; the nearest is endpoint"));
    assert!(!refusal("quite_another_thing").contains("nearest"));
    assert!(!refusal("").contains("nearest"));
}
