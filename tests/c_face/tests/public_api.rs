//! That this program compiles is the test: the C face needs nothing of the core that other programs could not use.

#[test]
fn the_c_face_compiles_against_the_public_api() {
    assert_eq!(
        umapi_c_face::ffi::library::UMAPI_ABI_VERSION,
        umapi::ffi::library::UMAPI_ABI_VERSION
    );
}
