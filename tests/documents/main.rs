//! A test that the program in the README is the one that the C tests run.

use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
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
