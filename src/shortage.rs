//! Shortages of the operating system: no descriptors, memory or buffers left. They do not depend on the host, the file or
//! the name that an operation is about, and every operation may fail with them.

use crate::error::{Error, ErrorKind};
use std::fs::File;
use std::io;

#[cfg(unix)]
const DESCRIPTORS: [i32; 2] = [libc::EMFILE, libc::ENFILE];
#[cfg(unix)]
const MEMORY: [i32; 2] = [libc::ENOMEM, libc::ENOBUFS];

/// `ERROR_TOO_MANY_OPEN_FILES` and `WSAEMFILE`.
#[cfg(not(unix))]
const DESCRIPTORS: [i32; 2] = [4, 10024];
/// `ERROR_NOT_ENOUGH_MEMORY` and `WSAENOBUFS`.
#[cfg(not(unix))]
const MEMORY: [i32; 2] = [8, 10055];

/// The library's error for a shortage, with the operating system's message and a remedy; `None` if the error is not about
/// a shortage.
pub(crate) fn to_error(error: &io::Error) -> Option<Error> {
    let code = error.raw_os_error()?;
    let remedy = if DESCRIPTORS.contains(&code) {
        "raise the process's limit of open files (ulimit -n), or look for what leaves files or connections open"
    } else if MEMORY.contains(&code) {
        "give the process or the machine more memory"
    } else {
        return None;
    };
    let message = format!("the operating system has a shortage: {error}");
    Some(Error::new(ErrorKind::Internal, message).with_remedy(remedy))
}

/// The operating system's error if no descriptor is left. Name lookups and the loading of certificates report this shortage
/// as "not found", so their callers ask here.
pub(crate) fn missing_descriptors() -> Option<io::Error> {
    let error = File::open("/dev/null").err()?;
    DESCRIPTORS
        .contains(&error.raw_os_error()?)
        .then_some(error)
}

impl Error {
    /// An error of the kind [`ErrorKind::Internal`] that says `what` failed, with the operating system's message and, for a
    /// shortage of descriptors or memory, a remedy.
    pub fn from_system(what: &str, error: &io::Error) -> Self {
        match to_error(error) {
            Some(shortage) => shortage.context(what),
            None => Error::new(ErrorKind::Internal, format!("{what}: {error}")),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_keeps_the_message_of_the_system() {
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS] {
            let cause = io::Error::from_raw_os_error(code);
            let error = to_error(&cause).expect("it is a shortage");
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.message().contains(&cause.to_string()), "{error}");
            assert!(error.remedy().is_some());
        }
        for other in [libc::ENOENT, libc::ECONNREFUSED, libc::EACCES] {
            assert!(to_error(&io::Error::from_raw_os_error(other)).is_none());
        }
        assert!(missing_descriptors().is_none());
    }
}
