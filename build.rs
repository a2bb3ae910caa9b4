//! Generates the C header and names the shared library for the linker.

use std::env;
use std::path::{Path, PathBuf};

/// The number in the soname. A test checks that it equals `UMAPI_ABI_VERSION` in the header.
const ABI_VERSION: u32 = 1;

fn main() {
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-env-changed=UMAPI_UPDATE_HEADER");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libumapi.so.{ABI_VERSION}");
    }
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let generated = PathBuf::from(variable("OUT_DIR")).join("umapi.h");
    write_header(&root, &generated);
    if env::var_os("UMAPI_UPDATE_HEADER").is_some() {
        write_header(&root, &root.join("include/umapi.h"));
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name}"))
}

/// The files of `src/ffi`, in the order of the header's chapters.
const CHAPTERS: &[&str] = &[
    "library",
    "status",
    "error",
    "callback",
    "credentials",
    "key_pair",
    "progress",
    "cancel",
    "call",
    "client_options",
    "user",
    "group",
    "user_query",
    "action",
    "results",
    "queue",
    "service",
    "check",
    "client",
];

fn write_header(root: &Path, path: &Path) {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))
        .expect("cbindgen.toml is well-formed");
    config.after_includes = Some(version_macros());
    let mut builder = cbindgen::Builder::new().with_config(config);
    for chapter in CHAPTERS {
        builder = builder.with_src(root.join(format!("src/ffi/{chapter}.rs")));
    }
    builder
        .generate()
        .expect("src/ffi can be written as C")
        .write_to_file(path);
}

/// The macros of the version that a program was compiled with; `umapi_version()` returns the version that it runs with.
fn version_macros() -> String {
    let part = |name: &str| variable(&format!("CARGO_PKG_VERSION_{name}"));
    format!(
        "\n/** The version of this header; umapi_version() returns the version of the library that was loaded. */\n\
         #define UMAPI_VERSION \"{}\"\n\
         #define UMAPI_VERSION_MAJOR {}\n\
         #define UMAPI_VERSION_MINOR {}\n\
         #define UMAPI_VERSION_PATCH {}",
        variable("CARGO_PKG_VERSION"),
        part("MAJOR"),
        part("MINOR"),
        part("PATCH"),
    )
}
