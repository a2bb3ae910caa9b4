//! Checks of the documents against the project: what they show is what the tests run, and what they name exists.

mod names;
mod options;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl Into<PathBuf>) -> String {
    let path = root().join(path.into());
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_readmes_program_is_the_one_that_the_c_tests_run() {
    let readme = read("README.md");
    let code = readme
        .split("```c\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    assert_eq!(code, Some(read("bindings/c/examples/first.c").as_str()));
}
