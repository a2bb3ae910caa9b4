//! Why a private key cannot be used.

/// The input that is at fault, with the problem in words.
#[derive(Debug)]
pub(super) enum KeyProblem {
    Key(String),
    Passphrase(String),
}
