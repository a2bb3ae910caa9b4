//! Optional texts of a command, in one buffer.

use crate::model::write_json::ObjectWriter;
use serde_json::Value;
use std::fmt;

/// Texts under fixed names; any of them may be absent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TextFields<const N: usize> {
    names: &'static [&'static str; N],
    buffer: Box<str>,
    /// Where each text ends in the buffer. It begins where the one before it ends.
    ends: [usize; N],
}

/// The end of a text that is absent.
const ABSENT: usize = usize::MAX;

impl<const N: usize> TextFields<N> {
    pub(super) fn new(names: &'static [&'static str; N], texts: [Option<&str>; N]) -> Self {
        let length = texts.iter().flatten().map(|text| text.len()).sum();
        let mut buffer = String::with_capacity(length);
        let ends = texts.map(|text| match text {
            Some(text) => {
                buffer.push_str(text);
                buffer.len()
            }
            None => ABSENT,
        });
        TextFields {
            names,
            buffer: buffer.into_boxed_str(),
            ends,
        }
    }

    /// The texts in `fields`; `None` if there is anything else in them.
    pub(super) fn read<'v>(
        names: &'static [&'static str; N],
        fields: impl Iterator<Item = (&'v String, &'v Value)>,
    ) -> Option<Self> {
        let mut texts = [None; N];
        for (field, value) in fields {
            let position = names.iter().position(|name| name == field)?;
            texts[position] = Some(value.as_str()?);
        }
        Some(TextFields::new(names, texts))
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mut start = 0;
        let fields = self.names.iter().zip(self.ends);
        fields
            .filter(|(_, end)| *end != ABSENT)
            .map(move |(name, end)| {
                let text = &self.buffer[start..end];
                start = end;
                (*name, text)
            })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.iter();
        fields.find(|(own, _)| *own == name).map(|(_, text)| text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.iter().all(|end| *end == ABSENT)
    }

    pub(super) fn write_fields(&self, body: &mut ObjectWriter<'_>) {
        for (name, text) in self.iter() {
            body.text(name, text);
        }
    }
}

impl<const N: usize> fmt::Debug for TextFields<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_texts_and_empty_ones_differ() {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let fields = TextFields::new(&NAMES, [None, Some("Zoë"), None, Some("")]);
        let texts = NAMES.map(|name| fields.get(name));
        assert_eq!(texts, [None, Some("Zoë"), None, Some("")]);
        assert!(!fields.is_empty());
        assert!(TextFields::new(&NAMES, [None; 4]).is_empty());
    }
}
