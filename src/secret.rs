//! Strings that zero themselves when dropped and never print.

use bytes::Bytes;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use zeroize::Zeroize;

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
