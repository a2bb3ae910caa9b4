//! Strings that are zeroed when dropped and never printed.

use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use zeroize::Zeroize;

/// A client secret, a token, a password or a key.
///
/// `Debug` shows a placeholder; only [`Secret::reveal`] returns the text. Clones share one text, which is zeroed when the
/// last clone is dropped.
#[derive(Clone, Debug)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes the text over. A `String` is copied once and zeroed.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // `SecretString::from(String)` shrinks the string, which may move it and leave an unzeroed copy behind.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Secret(Arc::new(secret))
    }

    /// The text of the secret. Reviews look at every call of this function.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
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
}
