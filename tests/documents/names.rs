//! The files, links, make targets and C functions that the documents name.

use crate::{read, root};
use std::path::Path;

const DOCUMENTS: [&str; 10] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/design.md",
    "docs/c-api.md",
    "docs/code.md",
    "tests/README.md",
    "tests/fault_matrix/README.md",
    "tests/sandbox/README.md",
    "bindings/c/README.md",
];

/// The folders that a path in a document begins with.
const FOLDERS: [&str; 7] = [
    ".ci/",
    "benches/",
    "bindings/",
    "docs/",
    "include/",
    "src/",
    "tests/",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "`()[]|,;\"<>".contains(c))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty())
}

fn assert_none(missing: &[String], what: &str) {
    assert!(missing.is_empty(), "{what}:\n{}", missing.join("\n"));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let is_path = |word: &&str| FOLDERS.iter().any(|folder| word.starts_with(folder));
        // `tests/NAME` and `*` stand for many files.
        let is_one = |word: &&str| !word.contains('*') && !word.contains("NAME");
        for path in words(&text).filter(is_path).filter(is_one) {
            if !root().join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert_none(&missing, "these files are named and do not exist");
}

#[test]
fn every_link_leads_to_a_file() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let folder = Path::new(document).parent().expect("it is a file");
        let targets = text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            if !root().join(folder).join(target).exists() {
                missing.push(format!("{document}: {target}"));
            }
        }
    }
    assert_none(&missing, "these links lead nowhere");
}

#[test]
fn every_target_of_make_that_a_document_names_exists() {
    let makefile = read("Makefile");
    let is_target = |name: &str| {
        let rule = format!("{name}:");
        makefile.lines().any(|line| line.starts_with(&rule))
    };
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let quoted = text.split('`').skip(1).step_by(2).flat_map(str::lines);
        let indented = text.lines().filter_map(|line| line.strip_prefix("    "));
        let code = quoted.chain(indented);
        for command in code.filter_map(|code| code.strip_prefix("make ")) {
            let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
            // Two blanks separate a command from what a document says of it.
            let command = command.split("  ").next().unwrap_or_default();
            let arguments = command.split_whitespace();
            let names = arguments.take_while(|name| name.chars().all(is_name));
            let unknown = names.filter(|name| !is_target(name));
            missing.extend(unknown.map(|name| format!("{document}: make {name}")));
        }
    }
    assert_none(&missing, "these targets are named and do not exist");
}

#[test]
fn every_c_function_that_a_document_names_is_in_the_header() {
    let header = read("include/umapi.h");
    let known = |name: &str| {
        let mut declarations = header.split(name).skip(1);
        declarations.any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let names = text.split(|c: char| !is_name(c) && c != '*' && c != '<');
        let names =
            names.filter(|name| name.starts_with("umapi_") || name.starts_with("UMAPI_STATUS_"));
        // `umapi_<noun>` and `UMAPI_*` are patterns.
        for name in names.filter(|name| name.chars().all(is_name)) {
            if !known(name) {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert_none(&missing, "these names are not in the header");
}
