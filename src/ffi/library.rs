use std::ffi::c_char;

/// The version of the binary interface that this header describes. It is the number in the soname, `libumapi.so.1`.
/// Under one number functions are added, and never changed.
///
/// @since 0.1.0
pub const UMAPI_ABI_VERSION: u32 = 1;

/// The version of the library that was loaded, such as "0.1.0". Static; never NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The `UMAPI_ABI_VERSION` of the library that was loaded. A program that loads the library at run time compares it
/// with the version that the program was written for.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn umapi_abi_version() -> u32 {
    UMAPI_ABI_VERSION
}
