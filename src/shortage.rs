//! Shortages of the operating system: no more descriptors, memory or buffers. They have nothing to do with the peer, the
//! file or the name that was asked for, and every operation may meet them.

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

/// The error that a shortage amounts to, in the operating system's words; `None` if it is none.
pub(crate) fn explained(error: &io::Error) -> Option<Error> {
    let code = error.raw_os_error()?;
    let remedy = if DESCRIPTORS.contains(&code) {
        "raise the process's limit of open files (ulimit -n), or look for what leaves files or connections open"
    } else if MEMORY.contains(&code) {
        "give the process or the machine more memory"
    } else {
        return None;
    };
    let message = format!("the operating system has no more to give: {error}");
    Some(Error::new(ErrorKind::Internal, message).with_remedy(remedy))
}

/// Whether there is no descriptor left. Name lookups and the loading of certificates tell a shortage as "not found".
pub(crate) fn of_descriptors() -> Option<io::Error> {
    let error = File::open("/dev/null").err()?;
    DESCRIPTORS
        .contains(&error.raw_os_error()?)
        .then_some(error)
}

impl Error {
    /// The error for an operating system that refuses `what`, in the system's words. A shortage comes with what to do
    /// about it.
    pub fn from_system(what: &str, error: &io::Error) -> Self {
        match explained(error) {
            Some(shortage) => shortage.context(what),
            None => Error::new(ErrorKind::Internal, format!("{what}: {error}")),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_in_the_words_of_the_system() {
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS] {
            let cause = io::Error::from_raw_os_error(code);
            let error = explained(&cause).expect("it is a shortage");
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.message().contains(&cause.to_string()), "{error}");
            assert!(error.remedy().is_some());
        }
        for other in [libc::ENOENT, libc::ECONNREFUSED, libc::EACCES] {
            assert!(explained(&io::Error::from_raw_os_error(other)).is_none());
        }
        assert!(of_descriptors().is_none());
    }
}
