//! The rows of one page in flat memory: the answer itself, one arena of decoded texts, fixed-size rows.
//!
//! A user is then a row number; handing one out, or keeping one, copies no text.

use super::text::{Arena, Span, Text};
use crate::error::Error;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rows of type `R` with the texts that they point into.
#[derive(Debug)]
pub struct Table<R> {
    raw: String,
    texts: Texts,
    rows: Vec<(Span, R)>,
}

/// What a row writes into while it is read.
#[derive(Debug, Default)]
pub struct Texts {
    arena: Arena,
    lists: Vec<Span>,
}

/// A list of texts: a range in the table's lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextList {
    start: u32,
    end: u32,
}

/// A row that knows how to read itself from its JSON object.
pub trait Row: Sized {
    fn read(json: &str, texts: &mut Texts) -> serde_json::Result<Self>;
}

impl<R: Row> Table<R> {
    /// Reads the objects that `items` points at, which must be slices of `body`.
    pub(crate) fn read(body: &str, items: &[&RawValue], noun: &str) -> Result<Self, Error> {
        let mut raw = String::with_capacity(body.len() + items.len());
        let mut texts = Texts {
            arena: Arena::with_capacity(body.len() / 2),
            lists: Vec::new(),
        };
        let mut rows = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let row = R::read(item.get(), &mut texts)
                .map_err(|e| Error::protocol(format!("{noun} {position} of the page: {e}")))?;
            let start = raw.len();
            raw.push_str(item.get());
            rows.push((Span::new(start, raw.len()), row));
            raw.push('\0');
        }
        Ok(Table { raw, texts, rows })
    }
}

impl<R> Table<R> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn row(&self, index: u32) -> &R {
        &self.rows[index as usize].1
    }

    pub(crate) fn raw(&self, index: u32) -> Text<'_> {
        self.rows[index as usize]
            .0
            .text(&self.raw)
            .expect("every row has its JSON")
    }

    pub(crate) fn text(&self, span: Span) -> Option<Text<'_>> {
        self.texts.arena.get(span)
    }

    pub(crate) fn list(&self, list: TextList) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.texts.lists[list.start as usize..list.end as usize]
            .iter()
            .map(|span| self.text(*span).expect("lists hold no absent text"))
    }

    /// The same for a table with as many rows and the same first and last row; `None` for an empty one.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        let last = (self.rows.len() as u32).checked_sub(1)?;
        let mut hasher = DefaultHasher::new();
        (
            self.rows.len(),
            self.raw(0).as_str(),
            self.raw(last).as_str(),
        )
            .hash(&mut hasher);
        Some(hasher.finish())
    }
}

/// Reads a text into the arena; null is absent, numbers and booleans keep their spelling.
pub(crate) struct TextSeed<'t>(pub &'t mut Texts);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = Span;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Span, E> {
        Ok(self.0.arena.push(text))
    }

    fn visit_unit<E>(self) -> Result<Span, E> {
        Ok(Span::ABSENT)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Span, E> {
        Ok(self.0.arena.push(if value { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Span, E> {
        Ok(self.0.arena.push(&value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Span, E> {
        Ok(self.0.arena.push(&value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Span, E> {
        Ok(self.0.arena.push(&value.to_string()))
    }
}

/// Reads a list of texts; null is the empty list.
pub(crate) struct ListSeed<'t>(pub &'t mut Texts);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = TextList;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TextList, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = TextList;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_unit<E>(self) -> Result<TextList, E> {
        Ok(TextList::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<TextList, A::Error> {
        let start = self.0.lists.len() as u32;
        while let Some(span) = items.next_element_seed(TextSeed(self.0))? {
            if span != Span::ABSENT {
                self.0.lists.push(span);
            }
        }
        let end = self.0.lists.len() as u32;
        Ok(TextList { start, end })
    }
}
