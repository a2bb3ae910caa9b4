//! Why a private key cannot be used.

/// The input that has the problem, and the problem in words.
#[derive(Debug)]
pub(super) enum KeyProblem {
    Key(String),
    Passphrase(String),
}
