//! Files that an operator names: configurations, keys and certificates of a bounded size.

use crate::error::{Error, Result};
use crate::shortage;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The most bytes that are read of a file. Every usable key, bundle of certificates or configuration is much shorter.
pub(crate) const LONGEST_FILE: usize = 1 << 20;

/// How long a pipe may stay empty.
const PIPE_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5000 });

/// The content of a file that may hold secrets. `name` names the file in error messages.
pub(crate) fn read_file(name: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    // The buffer has its largest size from the start, since growing would leave unzeroed copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(LONGEST_FILE + 1));
    let read = open(path).and_then(|file| read_bounded(file, &mut content));
    let problem = match read {
        Ok(()) if content.len() <= LONGEST_FILE => return Ok(content),
        Ok(()) => "is longer than 1 MiB".to_owned(),
        Err(error) => match shortage::to_error(&error) {
            Some(shortage) => return Err(shortage.context(format_args!("{name}: cannot be read"))),
            None => format!("cannot be read: {error}"),
        },
    };
    Err(Error::invalid_argument(name, problem))
}

/// The name of a file in messages: the argument that the path was given as, and the path. A "path" that holds the content
/// of a key or a configuration is refused without showing it.
pub(crate) fn name_of(argument: &str, path: &Path) -> Result<String> {
    let text = path.as_os_str().as_encoded_bytes();
    let is_content = text.windows(5).any(|part| part == b"-----")
        || text.contains(&b'\n')
        || text.starts_with(b"{")
        || text.len() > LONGEST_PATH;
    match is_content {
        true => Err(Error::invalid_argument(
            argument,
            "holds what should be in a file; give the path of the file",
        )),
        false => Ok(format!("{argument}: {}", path.display())),
    }
}

/// The longest path in bytes. The base64 of every usable key is longer.
const LONGEST_PATH: usize = 1024;

/// Opens the file without blocking: a named pipe without a writer would otherwise block until there is one.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

fn read_bounded(file: File, content: &mut Vec<u8>) -> io::Result<()> {
    let is_pipe = is_pipe(&file)?;
    let mut start = file.take(LONGEST_FILE as u64 + 1);
    let begun = Instant::now();
    loop {
        match start.read_to_end(content) {
            // An empty read means either that the pipe has no writer yet or that it is at its end.
            Ok(0) if is_pipe && content.is_empty() => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result.map(drop),
        }
        if begun.elapsed() > PIPE_TIMEOUT {
            let message = format!("nothing was written to it in {PIPE_TIMEOUT:?}");
            return Err(io::Error::new(ErrorKind::TimedOut, message));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn is_pipe(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    Ok(file.metadata()?.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_place_of_its_path_is_not_shown() {
        let base64 = "MIIEvQ/BADAN".repeat(100);
        for content in [
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
            "MIIEvQIBADAN\nc2VjcmV0",
            r#"{"client_secret":"c2VjcmV0"}"#,
            &base64,
        ] {
            let error = name_of("private_key_path", Path::new(content)).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("private_key_path: holds what should be in a file"),
                "{message}"
            );
            assert!(!message.contains("c2VjcmV0") && !message.contains("MII"));
        }
        let name = name_of("ca_file", Path::new("/etc/ssl/a - b.pem")).unwrap();
        assert_eq!(name, "ca_file: /etc/ssl/a - b.pem");
    }

    #[cfg(unix)]
    #[test]
    fn reading_a_pipe_waits_for_a_writer_until_a_timeout() {
        let folder = std::env::temp_dir().join(format!("umapi-pipe-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let pipe = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let path = pipe.clone();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            std::fs::write(&path, "late").unwrap();
        });
        assert_eq!(&**read_file("x", &pipe).unwrap(), b"late");
        writer.join().unwrap();
        let error = read_file("x", &pipe).unwrap_err();
        assert!(
            error.message().contains("nothing was written to it"),
            "{error}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
