//! Keys of users and groups for the order between actions.

/// A user or group in the order between actions: names are compared without regard to letter case.
pub(crate) type Key = u64;

/// The prefixes of the admin groups that belong to a group, product profile or product.
const ADMIN_PREFIXES: [&str; 3] = ["_admin_", "_product_admin_", "_developer_"];

/// The group that a name is about: of `_admin_Design` it is `Design`, with which it comes and goes.
pub(crate) fn group_of(name: &str) -> &str {
    let after = |prefix: &str| {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        (start.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
    };
    match name.starts_with('_') {
        true => ADMIN_PREFIXES.into_iter().find_map(after).unwrap_or(name),
        false => name,
    }
}

pub(crate) fn group_key(name: &str) -> Key {
    key("group", group_of(name))
}

pub(crate) fn user_key(name: &str) -> Key {
    key("user", name)
}

/// Two names with one key would only keep an order that they need not.
fn key(noun: &str, name: &str) -> Key {
    let noun = add(noun.len() as u64, noun);
    match name.is_ascii() {
        true => add(noun, name),
        false => add(noun, &name.to_lowercase()),
    }
}

/// Mixes a text in, eight bytes at a time, with ASCII letters as small ones.
fn add(hash: Key, text: &str) -> Key {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ (word | SMALL)).wrapping_mul(ODD);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().fold(rest.len() as u64, |word, byte| {
        (word << 8) | u64::from(*byte | 0x20)
    });
    words.chain([rest]).fold(hash, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_whatever_their_case_and_otherwise_differ() {
        assert_eq!(
            key("user", "Zoë@Example.COM"),
            key("user", "ZOË@example.com")
        );
        let mut keys = std::collections::HashSet::new();
        for number in 0..200_000 {
            assert!(keys.insert(key("user", &format!("person{number}@example.com"))));
        }
        for noun in ["user", "group"] {
            for name in [
                "",
                "a",
                "aa",
                "b",
                "ab",
                "ba",
                "abcdefgh",
                "abcdefg",
                "abcdefghi",
            ] {
                assert!(keys.insert(key(noun, name)), "{noun} {name}");
            }
        }
    }
}
