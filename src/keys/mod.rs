//! RSA keys: opening private keys of every usual form, making key pairs, and saving them.

pub mod pair;
mod passphrase;
pub(crate) mod private_key;
mod save;
