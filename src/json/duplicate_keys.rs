//! JSON that says one thing to every reader: no key stands twice in one object.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Fails if `json` is no JSON, or if a key stands twice in one object: readers differ in which of the two they take.
pub(crate) fn check(json: &str) -> serde_json::Result<()> {
    serde_json::from_str(json).map(|Checked| ())
}

struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checked)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Checked>()?;
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!("{key:?} stands twice")));
            }
            keys.insert(key);
        }
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Checked)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Checked)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Checked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_in_each_object() {
        for good in [
            r#"{"a":{"x":1},"b":{"x":-1.5e3},"c":[null,true,"s",{"x":[]},{"x":{}}]}"#,
            "7",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"x":1,"y":2,"x":1}}"#,
            r#"[{"a":1,"\u0061":2}]"#,
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains("stands twice"), "{error}");
        }
        assert!(check(r#"{"a":1"#).is_err());
    }
}
