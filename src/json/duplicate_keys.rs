//! The check that no key occurs twice in one JSON object.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Fails if `json` is not valid JSON, or if a key occurs twice in one object: JSON parsers differ in which of the two
/// values they take.
pub(crate) fn reject_duplicate_keys(json: &str) -> serde_json::Result<()> {
    serde_json::from_str(json).map(|UniqueKeys| ())
}

/// Any JSON value, read only to find duplicate keys.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeys)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<UniqueKeys>()?;
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!(
                    "the key {key:?} occurs twice in one object"
                )));
            }
            keys.insert(key);
        }
        Ok(UniqueKeys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(UniqueKeys)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(UniqueKeys)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(UniqueKeys)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(UniqueKeys)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(UniqueKeys)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(UniqueKeys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_and_invalid_json_are_refused() {
        for good in [
            r#"{"a":{"x":1},"b":{"x":-1.5e3},"c":[null,true,"s",{"x":[]},{"x":{}}]}"#,
            "7",
        ] {
            assert!(reject_duplicate_keys(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"x":1,"y":2,"x":1}}"#,
            r#"[{"a":1,"\u0061":2}]"#,
        ] {
            let error = reject_duplicate_keys(bad).unwrap_err().to_string();
            assert!(error.contains("occurs twice"), "{error}");
        }
        assert!(reject_duplicate_keys(r#"{"a":1"#).is_err());
    }
}
