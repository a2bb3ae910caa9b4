use super::handle::{Owned, free, handle, read};
use super::output::{c_text, optional_pointer};
use crate::ServiceStatus;
use std::ffi::{CString, c_char};
use std::ptr::null;

/// The status of the service, as the service reports it. Every accessor accepts NULL. It can be read and freed on any
/// thread.
///
/// @since 0.1.0
pub struct umapi_service {
    state: Option<CString>,
    version: Option<CString>,
    build: Option<CString>,
    json: CString,
}

handle!(umapi_service as "service");
impl Owned for umapi_service {}

impl umapi_service {
    pub(super) fn new(status: &ServiceStatus) -> Self {
        umapi_service {
            state: status.state.as_deref().map(c_text),
            version: status.version.as_deref().map(c_text),
            build: status.build.as_deref().map(c_text),
            json: c_text(&status.json),
        }
    }
}

/// The state of the service, "LIVE" when it works. Borrowed from the handle; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_service_state(service: *const umapi_service) -> *const c_char {
    unsafe { read(service, null(), |s| optional_pointer(&s.state)) }
}

/// The service's version. Borrowed from the handle; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_service_version(service: *const umapi_service) -> *const c_char {
    unsafe { read(service, null(), |s| optional_pointer(&s.version)) }
}

/// The service's build. Borrowed from the handle; NULL if absent.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_service_build(service: *const umapi_service) -> *const c_char {
    unsafe { read(service, null(), |s| optional_pointer(&s.build)) }
}

/// The whole answer as JSON. Borrowed from the handle; NULL for NULL.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_service_json(service: *const umapi_service) -> *const c_char {
    unsafe { read(service, null(), |s| s.json.as_ptr()) }
}

/// Frees the status. NULL is allowed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umapi_service_free(service: *mut umapi_service) {
    unsafe { free(service) }
}
