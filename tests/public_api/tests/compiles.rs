//! The test is that this program compiles: the C functions need nothing of the core that another program could not use.

#[test]
fn the_c_functions_compile_against_the_public_api() {
    assert_eq!(
        umapi_public_api::ffi::library::UMAPI_ABI_VERSION,
        umapi::ffi::library::UMAPI_ABI_VERSION
    );
}
