//! The fuzz targets: functions that parse bytes from outside, namely answers of a server, key files and configurations,
//! and assert what must hold for every input.
//!
//! They are built only with `--cfg fuzzing` and for the unit tests, which run them on the seeds and on every input that
//! once failed. A function is named like its target in `tests/fuzz`.

use crate::action::interpret::{Asked, interpret};
use crate::action::split::{BatchLimits, split};
use crate::auth::credentials::Credentials;
use crate::config;
use crate::http::retry_after;
use crate::model::action::{Action, NewUser};
use crate::model::answer;
use crate::model::command::OnConflict;
use crate::model::error_body;
use crate::model::group::{Group, GroupRow};
use crate::model::page::{Page, PageAnswer};
use crate::model::token::{self, LifetimeUnit};
use crate::model::user::{IdentityType, User, UserRow, parse_one_user};
use crate::redaction::Secrets;
use serde_json::value::RawValue;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// A page of users: every field of every user can be read.
pub fn users(answer: &[u8]) {
    if let Ok(PageAnswer::Page(page)) = Page::<UserRow>::parse(answer.into(), "users") {
        assert!(page.get(page.len()).is_none());
        page.users().for_each(|user| read_user(&user));
    }
}

/// A page of groups, in the formats of the current and of the deprecated listing.
pub fn groups(answer: &[u8]) {
    let pages = [
        Page::<GroupRow>::parse(answer.into(), "groups"),
        Page::<GroupRow>::parse_array(answer.into(), "user groups"),
    ];
    for page in pages {
        if let Ok(PageAnswer::Page(page)) = page {
            page.groups().for_each(|group| read_group(&group));
        }
    }
}

/// The answer to a query for one user.
pub fn one_user(answer: &[u8]) {
    if let Ok(user) = parse_one_user(answer.into()) {
        read_user(&user);
    }
}

fn read_user(user: &User) {
    let texts = [
        user.id(),
        user.email(),
        user.status(),
        user.username(),
        user.domain(),
        user.first_name(),
        user.last_name(),
        user.country(),
    ];
    for text in texts.into_iter().flatten() {
        assert_eq!(text.as_bytes_with_nul().last(), Some(&0));
        black_box(text.as_str());
    }
    assert!(
        user.groups()
            .chain(user.tags())
            .chain(user.admin_roles())
            .all(|text| text.as_str().len() < usize::MAX)
    );
    assert!(serde_json::from_str::<&RawValue>(user.json().as_str()).is_ok());
}

fn read_group(group: &Group) {
    for text in [group.name(), group.kind(), group.license_quota()]
        .into_iter()
        .flatten()
    {
        black_box(text.as_str());
    }
    black_box((group.id(), group.member_count(), group.is_read_only()));
    assert!(serde_json::from_str::<&RawValue>(group.json().as_str()).is_ok());
}

/// The answer to an action request: whatever it says, each entry gets exactly one result, and no finding refers to a
/// command that does not exist.
pub fn action_answer(body: &[u8]) {
    let actions = ["a@example.com", "b@example.com", "c@example.com"].map(three_commands);
    let limits = BatchLimits::default();
    let entries: Vec<_> = (0..)
        .zip(&actions)
        .flat_map(|(n, action)| split(action, n, &limits))
        .collect();
    let owners: Vec<_> = actions.iter().collect();
    for (test_mode, repeated) in [(false, false), (false, true), (true, false), (true, true)] {
        let Ok(answer) = answer::parse(body) else {
            return;
        };
        let asked = Asked {
            test_mode,
            repeated,
        };
        let reports = interpret(&entries, &owners, answer, asked);
        assert_eq!(reports.len(), entries.len());
        let commands = reports
            .iter()
            .flat_map(|report| &report.findings)
            .filter_map(|finding| finding.command);
        assert!(commands.into_iter().all(|command| command < 3));
    }
}

fn three_commands(email: &str) -> Action {
    let mut action = Action::on_user(email, None).expect("the email is good");
    action
        .create(NewUser {
            identity: IdentityType::AdobeId,
            email,
            first_name: None,
            last_name: None,
            country: None,
            on_conflict: OnConflict::Ignore,
        })
        .and_then(|action| action.add_to_groups(&["Sales"]))
        .and_then(|action| action.remove_from_groups(&["Marketing"]))
        .expect("the commands are good");
    action
}

/// The error in an answer with an error status or a success status: its texts are bounded.
pub fn error_bodies(body: &[u8]) {
    let said = error_body::parse(body, &Secrets::default());
    let longest = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() < 4096);
    assert!(longest(&said.code) && longest(&said.message));
    if let Some(said) = error_body::parse_success(body, &Secrets::default()) {
        assert!(said.code.is_some() || said.message.is_some());
        assert!(longest(&said.code) && longest(&said.message));
    }
}

/// The answer to a token request: the token is not empty, and its lifetime can be added to a time.
pub fn token_answer(body: &[u8]) {
    for unit in [LifetimeUnit::Seconds, LifetimeUnit::Milliseconds] {
        if let Ok(token) = token::parse(body, unit) {
            assert!(!token.secret.reveal().is_empty());
            let ends = |lifetime| std::time::Instant::now().checked_add(lifetime).is_some();
            assert!(token.lifetime.is_none_or(ends));
        }
    }
}

/// The headers of a postponed request: the first line is the value of `Retry-After`, the second of `Date`. A wait is
/// never zero.
pub fn retry_after(headers: &[u8]) {
    let text = String::from_utf8_lossy(headers);
    let mut lines = text.lines();
    let wait = retry_after::parse(lines.next(), lines.next(), SystemTime::UNIX_EPOCH);
    assert!(wait != Some(Duration::ZERO));
}

/// An action as JSON: one that is accepted reads back the same from its own JSON, and can be split into entries.
pub fn action(json: &[u8]) {
    let Ok(json) = std::str::from_utf8(json) else {
        return;
    };
    match Action::from_json(json) {
        Ok(action) => {
            let written = action.to_json();
            let again = Action::from_json(&written).expect("the library reads what it writes");
            assert_eq!(again.to_json(), written);
            if !action.commands().is_empty() {
                black_box(split(&action, 0, &BatchLimits::default()));
            }
        }
        Err(error) => assert!(error.message().starts_with("json: ")),
    }
}

/// A private key, with and without a passphrase: an error message quotes nothing of the key.
pub fn key(pem: &[u8]) {
    for passphrase in [None, Some("correct horse")] {
        let Err(error) = Credentials::jwt("client", "secret", "account", pem, passphrase) else {
            continue;
        };
        let message = error.message();
        assert!(message.starts_with("private_key: ") || message.starts_with("passphrase: "));
        // Sixteen characters of base64 in a row are key material: no message of the library and no label contains as
        // many.
        let is_key_material = |piece: &&[u8]| {
            let mut bytes = piece.iter();
            bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        };
        let message = message.as_bytes();
        let shown = pem.windows(16).filter(is_key_material);
        let mut shown = shown.filter(|piece| message.windows(16).any(|quoted| quoted == *piece));
        assert!(shown.next().is_none());
    }
}

/// A configuration file: it is complete, or the error names the file.
pub fn configuration(json: &[u8]) {
    match config::read_document(json) {
        Ok(configuration) => assert!(!configuration.org_id.is_empty()),
        Err(error) => assert!(error.message().starts_with("configuration.json: ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 10] = [
        ("users", super::users),
        ("groups", super::groups),
        ("one_user", super::one_user),
        ("action", super::action),
        ("action_answer", super::action_answer),
        ("error_bodies", super::error_bodies),
        ("token_answer", super::token_answer),
        ("retry_after", super::retry_after),
        ("key", super::key),
        ("configuration", super::configuration),
    ];

    /// The seeds are valid examples, and inputs that once failed.
    #[test]
    fn every_seed_passes_its_target() {
        for (name, target) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fuzz/seeds")
                .join(name);
            let files: Vec<_> = std::fs::read_dir(&folder)
                .expect("each target has seeds")
                .collect();
            assert!(!files.is_empty(), "{name} has no seeds");
            for file in files {
                target(&std::fs::read(file.expect("a file").path()).expect("it can be read"));
            }
        }
    }
}
