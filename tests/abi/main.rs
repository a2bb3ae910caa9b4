//! A test that the committed header is the one generated from the source.

use std::path::Path;

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = include_str!(concat!(env!("OUT_DIR"), "/umapi.h"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/umapi.h");
    let committed = std::fs::read_to_string(path).expect("include/umapi.h is there");
    assert!(
        committed == generated,
        "include/umapi.h is out of date; `make header` renews it"
    );
}
