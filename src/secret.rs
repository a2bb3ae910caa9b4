//! Strings that zero themselves when dropped and never print.

use crate::error::{Error, Result};
use bytes::Bytes;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// A client secret, a token or a key. `Debug` shows a placeholder; reading it takes a deliberate [`Secret::reveal`].
/// Clones share the one text, which is zeroed when the last of them is gone.
#[derive(Clone, Debug)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Shrinking a string may move it, and would leave a copy behind.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Secret(Arc::new(secret))
    }

    /// The secret itself. Every call of this is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// A header with the secret in it, which is marked as such and zeroes itself too; `None` if no header can carry it.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_maybe_shared(self.bytes()).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// For a request; zeroed when the last copy is gone.
    pub(crate) fn bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        self.reveal().as_bytes()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret::new(text)
    }
}

/// Far beyond any key with its certificates, and any configuration.
pub(crate) const LONGEST_FILE: usize = 1 << 20;

/// What is in a file that may hold secrets.
pub(crate) fn read_file(name: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    // As long as it may get, since growing would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(LONGEST_FILE + 1));
    let file = File::open(path).and_then(|file| {
        let mut start = file.take(LONGEST_FILE as u64 + 1);
        start.read_to_end(&mut content)
    });
    let problem = match file {
        Ok(length) if length <= LONGEST_FILE => return Ok(content),
        Ok(_) => "is longer than 1 MiB".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    Err(Error::invalid_argument(name, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_secret() {
        let shown = format!("{:?}", Secret::new("p8e-very-secret"));
        assert!(!shown.contains("very-secret"), "{shown}");
    }

    #[test]
    fn a_header_is_marked_and_a_bad_one_refused() {
        let header = Secret::new("p8e-very-secret").header().unwrap();
        assert_eq!(header.as_bytes(), b"p8e-very-secret");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(Secret::new("a\r\nb").header().is_none());
    }
}
