//! The keys of a configuration: the ones for the identity of the program, and what all keys have in common.

pub(crate) const ORG_ID: &str = "org_id";
pub(crate) const CLIENT_ID: &str = "client_id";
pub(crate) const CLIENT_SECRET: &str = "client_secret";
pub(crate) const TECH_ACCT_ID: &str = "tech_acct_id";
pub(crate) const PRIVATE_KEY_PATH: &str = "private_key_path";
pub(crate) const PRIVATE_KEY_PASSPHRASE: &str = "private_key_passphrase";
pub(crate) const AUTH_HOST: &str = "auth_host";
pub(crate) const AUTH_PATH: &str = "auth_path";

/// The organisation and the credentials, which are no client options.
pub(crate) const IDENTITY: [&str; 8] = [
    ORG_ID,
    CLIENT_ID,
    CLIENT_SECRET,
    TECH_ACCT_ID,
    PRIVATE_KEY_PATH,
    PRIVATE_KEY_PASSPHRASE,
    AUTH_HOST,
    AUTH_PATH,
];

/// The variable of the environment for a key.
pub(crate) fn variable(key: &str) -> String {
    format!("UMAPI_{}", key.to_uppercase())
}

/// The part of a foreign key that a message may quote.
pub(crate) fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The words about a key that is not one of `known`, with the nearest of them if one is near. `further` ends their list.
pub(crate) fn unknown(
    key: &str,
    known: impl Iterator<Item = &'static str>,
    further: &str,
) -> String {
    let key = shown(key);
    let known: Vec<_> = known.collect();
    let list = known.join(", ");
    let distances = known
        .iter()
        .map(|known| (strsim::osa_distance(&key, known), known));
    let nearest = distances
        .min()
        .filter(|(distance, _)| *distance <= key.len() / 3);
    let nearest = nearest.map_or_else(String::new, |(_, near)| format!("; the nearest is {near}"));
    format!("unknown key {key:?}; known are {list}{further}{nearest}")
}
