//! Writing two files that belong together: both, or neither.

use crate::error::{Error, Result};
use crate::process::random_u64;
use crate::shortage;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Unix modes; other systems ignore them.
pub(super) const OWNER_ONLY: u32 = 0o600;
pub(super) const WORLD_READABLE: u32 = 0o644;

/// A file to be created. `argument` is the name of the argument that gave the path, for messages.
pub(super) struct NewFile<'a> {
    pub argument: &'a str,
    pub path: &'a Path,
    pub content: &'a str,
    pub mode: u32,
}

/// Creates both files. An existing file is an error and stays as it is, unless `replace` is true. After an error both
/// paths are as they were before.
pub(super) fn write_both(files: [NewFile; 2], replace: bool) -> Result<()> {
    let second = files[1].argument;
    let same_file = || Error::invalid_argument(second, "is the path of the other file");
    if files[0].path == files[1].path {
        return Err(same_file());
    }
    let mut rollback = Rollback(Vec::new());
    for file in files {
        let NewFile {
            argument,
            path,
            content,
            mode,
        } = file;
        let refuse = |words: &str, error: io::Error| {
            let what = format!("{}: {words}", path.display());
            match shortage::to_error(&error) {
                Some(shortage) => shortage.context(format_args!("{argument}: {what}")),
                None => Error::invalid_argument(argument, format_args!("{what}: {error}")),
            }
        };
        if replace {
            rollback
                .move_aside(path)
                .map_err(|error| refuse("cannot be replaced", error))?;
            if rollback.has_moved_own_file() {
                return Err(same_file());
            }
        }
        let mut file = rollback
            .create(path, mode)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Error::invalid_argument(
                    argument,
                    format_args!(
                        "{}: exists already and was not changed; choose another path, or allow replacing it",
                        path.display()
                    ),
                ),
                _ => refuse("cannot be created", error),
            })?;
        file.write_all(content.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| refuse("cannot be written", error))?;
    }
    rollback.commit();
    Ok(())
}

enum UndoStep {
    Created(PathBuf),
    MovedAside { from: PathBuf, to: PathBuf },
}

/// The steps done so far. Dropping it undoes them, the last first; [`Rollback::commit`] keeps their result.
struct Rollback(Vec<UndoStep>);

impl Rollback {
    /// Creates a file with its mode from the start, so that other users can read it at no time.
    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        let file = options.open(path)?;
        self.0.push(UndoStep::Created(path.to_owned()));
        Ok(file)
    }

    /// Renames an existing file to a unique name next to it.
    fn move_aside(&mut self, path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:016x}.old", random_u64()));
        fs::rename(path, &name)?;
        self.0.push(UndoStep::MovedAside {
            from: path.to_owned(),
            to: name.into(),
        });
        Ok(())
    }

    /// Whether the second path was another spelling of the first, which only the file system can tell.
    fn has_moved_own_file(&self) -> bool {
        self.0.iter().any(|step| match step {
            UndoStep::Created(path) => fs::symlink_metadata(path).is_err(),
            UndoStep::MovedAside { .. } => false,
        })
    }

    fn commit(mut self) {
        for step in self.0.drain(..) {
            if let UndoStep::MovedAside { to, .. } = step {
                let _ = fs::remove_file(to);
            }
        }
    }
}

impl Drop for Rollback {
    fn drop(&mut self) {
        for step in self.0.drain(..).rev() {
            let _ = match step {
                UndoStep::Created(path) => fs::remove_file(path),
                UndoStep::MovedAside { from, to } => fs::rename(to, from),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("umapi-{:016x}", fastrand::u64(..)));
            fs::create_dir(&path).expect("the temporary directory is writable");
            Folder(path)
        }

        fn write_both(&self, names: [&str; 2], replace: bool) -> Result<()> {
            let [key, certificate] = names.map(|name| self.0.join(name));
            let key = NewFile {
                argument: "key_path",
                path: &key,
                content: "new key",
                mode: OWNER_ONLY,
            };
            let certificate = NewFile {
                argument: "certificate_path",
                path: &certificate,
                content: "new certificate",
                mode: WORLD_READABLE,
            };
            write_both([key, certificate], replace)
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.0.join(name), content).expect("it can be written");
        }

        /// Names and contents, in order.
        fn content(&self) -> Vec<(String, String)> {
            let mut all: Vec<_> = fs::read_dir(&self.0)
                .expect("it is readable")
                .map(|entry| entry.expect("it is readable"))
                .filter(|entry| entry.path().is_file())
                .map(|entry| {
                    let text = fs::read_to_string(entry.path()).expect("it is text");
                    (entry.file_name().to_string_lossy().into_owned(), text)
                })
                .collect();
            all.sort();
            all
        }

        fn assert_content(&self, expected: &[(&str, &str)]) {
            let content = self.content();
            let content: Vec<_> = content.iter().map(|(n, c)| (&**n, &**c)).collect();
            assert_eq!(content, expected);
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_existing_file_is_kept() {
        let folder = Folder::new();
        folder.write("c", "old certificate");
        let error = folder.write_both(["k", "c"], false).unwrap_err();
        assert!(error.message().contains("exists already"), "{error}");
        assert!(error.message().starts_with("certificate_path: "), "{error}");
        folder.assert_content(&[("c", "old certificate")]);
    }

    #[test]
    fn existing_files_are_replaced_on_request() {
        let folder = Folder::new();
        folder.write("k", "old key");
        folder.write("c", "old certificate");
        folder.write_both(["k", "c"], true).unwrap();
        folder.assert_content(&[("c", "new certificate"), ("k", "new key")]);
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_pair() {
        let folder = Folder::new();
        folder.write("k", "old key");
        fs::create_dir(folder.0.join("d")).unwrap();
        assert!(folder.write_both(["k", "d"], true).is_err());
        assert!(folder.write_both(["k", "missing/c"], true).is_err());
        assert!(folder.write_both(["k", "k"], true).is_err());
        let other_spelling = folder.write_both(["k", "d/../k"], true).unwrap_err();
        assert!(
            other_spelling
                .message()
                .ends_with("is the path of the other file"),
            "{other_spelling}"
        );
        folder.assert_content(&[("k", "old key")]);
        assert!(folder.write_both(["n", "missing/c"], false).is_err());
        folder.assert_content(&[("k", "old key")]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        folder.write("k", "old key");
        fs::set_permissions(folder.0.join("k"), fs::Permissions::from_mode(0o666)).unwrap();
        folder.write_both(["k", "c"], true).unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.0.join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("k") & 0o777, 0o600);
        assert_eq!(mode("c") & 0o111, 0);
    }
}
