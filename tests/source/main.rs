//! Checks of the source text: the core names no function of the C API.

use std::path::{Path, PathBuf};

/// The C API itself, the only code that may name its functions.
const C_API: &str = "src/ffi";

/// The Rust files of the core, relative to the project's folder.
fn core_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            match path.is_dir() {
                true if path == root.join(C_API) => {}
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
                false => {}
            }
        }
    }
    files
}

/// The names of C functions and types in a text, with the numbers of their lines. Environment variables and constants
/// (`UMAPI_...`) are no such names.
fn c_names(text: &str) -> Vec<(usize, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = line.split(|c| !is_name(c));
        names.extend(
            words
                // The prefix alone names nothing.
                .filter(|word| word.starts_with("umapi_") && *word != "umapi_")
                .map(|word| (index + 1, word)),
        );
    }
    names
}

#[test]
fn the_search_finds_names_of_the_c_api_and_nothing_else() {
    let text = "set umapi_client_options_set_proxy;\n\"UMAPI_PROXY\", umapi::Client, libumapi\n/// [`umapi_error`]\n";
    assert_eq!(
        c_names(text),
        [(1, "umapi_client_options_set_proxy"), (3, "umapi_error")]
    );
}

/// Messages and comments of the core name options by their configuration keys, which all languages share.
#[test]
fn the_core_names_no_function_of_the_c_api() {
    let files = core_files();
    let has_file = |end: &str| files.iter().any(|file| file.ends_with(end));
    assert!(has_file("src/lib.rs") && has_file("src/http/failure/mod.rs"));
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("the file can be read");
        let names = c_names(&text).into_iter();
        found.extend(names.map(|(line, name)| format!("{}:{line}: {name}", file.display())));
    }
    assert!(
        found.is_empty(),
        "C names in the core:\n{}",
        found.join("\n")
    );
}

/// The same search finds the names of the C API where they are, so that it cannot miss them in the core.
#[test]
fn the_search_finds_the_exports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(C_API)
        .join("client.rs");
    let text = std::fs::read_to_string(path).expect("the file can be read");
    assert!(
        c_names(&text)
            .iter()
            .any(|(_, name)| *name == "umapi_client_free")
    );
}
