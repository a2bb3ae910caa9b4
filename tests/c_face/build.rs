//! Tells the sources of the C face that they are not part of the core here.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(outside_the_core)");
    println!("cargo:rustc-cfg=outside_the_core");
    // The test links two copies of the C face, and calls none of their functions.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-tests=-Wl,--allow-multiple-definition");
    }
}
