//! Two files that belong together come to their places both, or neither.

use crate::error::{Error, Result};
use crate::process::random_u64;
use crate::shortage;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

pub(super) const OWNER_ALONE: u32 = 0o600;
pub(super) const EVERYONE: u32 = 0o644;

/// The argument that gave the path, the path, what to write there, and who may read it.
pub(super) type Placed<'a> = (&'a str, &'a Path, &'a str, u32);

/// An existing file stays and is an error, unless it is to be replaced. After an error all is as it was.
pub(super) fn write_both(files: [Placed; 2], replace: bool) -> Result<()> {
    let same_file = || Error::invalid_argument(files[1].0, "is the path of the other file");
    if files[0].1 == files[1].1 {
        return Err(same_file());
    }
    let mut undo = Undo(Vec::new());
    for (argument, path, content, mode) in files {
        let refuse = |words: &str, error: io::Error| {
            let what = format!("{}: {words}", path.display());
            match shortage::to_error(&error) {
                Some(shortage) => shortage.context(format_args!("{argument}: {what}")),
                None => Error::invalid_argument(argument, format_args!("{what}: {error}")),
            }
        };
        if replace {
            undo.set_aside(path)
                .map_err(|error| refuse("cannot be replaced", error))?;
            if undo.has_set_its_own_aside() {
                return Err(same_file());
            }
        }
        let mut file = undo
            .create(path, mode)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Error::invalid_argument(
                    argument,
                    format_args!("{}: is there already, and stays as it is", path.display()),
                ),
                _ => refuse("cannot be created", error),
            })?;
        file.write_all(content.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| refuse("cannot be written", error))?;
    }
    undo.keep();
    Ok(())
}

enum Step {
    Created(PathBuf),
    SetAside { from: PathBuf, to: PathBuf },
}

/// What was done, to be undone from its end when dropped.
struct Undo(Vec<Step>);

impl Undo {
    /// The mode holds from the start, so that at no time the file is open to others.
    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        let file = options.open(path)?;
        self.0.push(Step::Created(path.to_owned()));
        Ok(file)
    }

    fn set_aside(&mut self, path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:016x}.old", random_u64()));
        fs::rename(path, &name)?;
        self.0.push(Step::SetAside {
            from: path.to_owned(),
            to: name.into(),
        });
        Ok(())
    }

    /// One file has many paths, of which only the file system knows.
    fn has_set_its_own_aside(&self) -> bool {
        self.0.iter().any(|step| match step {
            Step::Created(path) => fs::symlink_metadata(path).is_err(),
            Step::SetAside { .. } => false,
        })
    }

    fn keep(mut self) {
        for step in self.0.drain(..) {
            if let Step::SetAside { to, .. } = step {
                let _ = fs::remove_file(to);
            }
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for step in self.0.drain(..).rev() {
            let _ = match step {
                Step::Created(path) => fs::remove_file(path),
                Step::SetAside { from, to } => fs::rename(to, from),
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
            fs::create_dir(&path).expect("there is a place for tests");
            Folder(path)
        }

        fn place(&self, names: [&str; 2], replace: bool) -> Result<()> {
            let [key, certificate] = names.map(|name| self.0.join(name));
            write_both(
                [
                    ("key_path", &key, "new key", OWNER_ALONE),
                    (
                        "certificate_path",
                        &certificate,
                        "new certificate",
                        EVERYONE,
                    ),
                ],
                replace,
            )
        }

        fn put(&self, name: &str, content: &str) {
            fs::write(self.0.join(name), content).expect("it can be written");
        }

        /// Names and contents, in order.
        fn content(&self) -> Vec<(String, String)> {
            let mut all: Vec<_> = fs::read_dir(&self.0)
                .expect("it is there")
                .map(|entry| entry.expect("it is there"))
                .filter(|entry| entry.path().is_file())
                .map(|entry| {
                    let text = fs::read_to_string(entry.path()).expect("it is text");
                    (entry.file_name().to_string_lossy().into_owned(), text)
                })
                .collect();
            all.sort();
            all
        }

        fn holds(&self, expected: &[(&str, &str)]) {
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
    fn what_is_there_stays() {
        let folder = Folder::new();
        folder.put("c", "old certificate");
        let error = folder.place(["k", "c"], false).unwrap_err();
        assert!(error.message().contains("is there already"), "{error}");
        assert!(error.message().starts_with("certificate_path: "), "{error}");
        folder.holds(&[("c", "old certificate")]);
    }

    #[test]
    fn what_is_there_is_replaced_when_asked() {
        let folder = Folder::new();
        folder.put("k", "old key");
        folder.put("c", "old certificate");
        folder.place(["k", "c"], true).unwrap();
        folder.holds(&[("c", "new certificate"), ("k", "new key")]);
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_pair() {
        let folder = Folder::new();
        folder.put("k", "old key");
        fs::create_dir(folder.0.join("d")).unwrap();
        assert!(folder.place(["k", "d"], true).is_err());
        assert!(folder.place(["k", "missing/c"], true).is_err());
        assert!(folder.place(["k", "k"], true).is_err());
        let other_spelling = folder.place(["k", "d/../k"], true).unwrap_err();
        assert!(
            other_spelling
                .message()
                .ends_with("is the path of the other file"),
            "{other_spelling}"
        );
        folder.holds(&[("k", "old key")]);
        assert!(folder.place(["n", "missing/c"], false).is_err());
        folder.holds(&[("k", "old key")]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        folder.put("k", "old key");
        fs::set_permissions(folder.0.join("k"), fs::Permissions::from_mode(0o666)).unwrap();
        folder.place(["k", "c"], true).unwrap();
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
