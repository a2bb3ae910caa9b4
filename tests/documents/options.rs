//! The lists of client options in the README and in the header are the table of the core.

use crate::read;
use umapi::{ClientOptions, OptionSpec};

/// The default in the code style of both lists, after `before` and before `after`; nothing if there is none.
fn default_between(option: &OptionSpec, before: &str, after: &str) -> String {
    match option.default_text() {
        "" => String::new(),
        default => format!("{before}`{default}`{after}"),
    }
}

#[test]
fn the_readme_has_a_row_for_each_option() {
    let readme = read("README.md");
    let rows: Vec<_> = readme
        .lines()
        .skip_while(|line| *line != "| Key | Default | |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected = ClientOptions::table().iter().map(|option| {
        let default = default_between(option, "", "");
        let description = option.description();
        format!("| `{}` | {default} | {description} |", option.key())
    });
    let expected: Vec<_> = expected.collect();
    assert_eq!(rows, expected, "write this:\n{}", expected.join("\n"));
}

#[test]
fn the_header_has_an_item_for_each_option() {
    let header = read("include/umapi.h");
    let function = header
        .find("umapi_status umapi_client_options_set(")
        .expect("the function is there");
    let comment = &header[header[..function].rfind("/**").expect("it has a comment")..function];
    let lines: Vec<_> = comment
        .lines()
        .map(|line| line.trim_start_matches(" *"))
        .collect();
    let list = lines
        .split(|line| line.is_empty())
        .find(|paragraph| paragraph[0].starts_with(" - "))
        .expect("the comment has a list");
    let list: Vec<_> = list.iter().map(|line| line.trim()).collect();
    let expected = ClientOptions::table().iter().map(|option| {
        let default = default_between(option, " (", ")");
        format!("- `{}`{default}: {}", option.key(), option.description())
    });
    let expected: Vec<_> = expected.collect();
    assert_eq!(
        list.join(" "),
        expected.join(" "),
        "write this:\n{}",
        expected.join("\n")
    );
}

#[test]
fn both_name_the_keys_of_the_organisation_and_of_the_credentials() {
    let (readme, header) = (read("README.md"), read("include/umapi.h"));
    let mut options = ClientOptions::default();
    for key in [
        "org_id",
        "client_id",
        "client_secret",
        "tech_acct_id",
        "private_key_path",
        "private_key_passphrase",
        "auth_host",
        "auth_path",
    ] {
        let refused = options.set(key, "x").expect_err("it is no client option");
        assert!(refused.message().starts_with(key), "{refused}");
        let quoted = format!("`{key}`");
        assert!(
            readme.contains(&quoted) && header.contains(&quoted),
            "{key}"
        );
    }
}
