//! RSA keys: reading private keys in every usual format, generating key pairs, and saving them.

pub(crate) mod pair;
mod passphrase;
pub(crate) mod private_key;
mod problem;
mod save;
