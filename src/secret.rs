//! Strings that zero themselves when dropped and never print.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

/// A client secret, a token or a key. `Debug` shows a placeholder; reading it takes a deliberate [`Secret::reveal`].
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Shrinking a string may move it, and would leave a copy behind.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Secret(secret)
    }

    /// The secret itself. Every call of this is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
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
