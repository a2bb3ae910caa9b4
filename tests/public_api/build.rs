//! Marks the sources of the C functions as compiled outside the core.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(outside_the_core)");
    println!("cargo:rustc-cfg=outside_the_core");
    // The test links two copies of the C functions, and calls none of them.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-tests=-Wl,--allow-multiple-definition");
    }
}
