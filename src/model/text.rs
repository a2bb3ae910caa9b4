//! Text of a page, decoded once into one arena and handed out in place.

use std::sync::Arc;

/// UTF-8 text that a NUL follows in memory, so that C can read it without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    with_nul: &'a str,
}

impl<'a> Text<'a> {
    pub fn as_str(self) -> &'a str {
        &self.with_nul[..self.with_nul.len() - 1]
    }

    /// The text and the NUL behind it.
    pub fn as_bytes_with_nul(self) -> &'a [u8] {
        self.with_nul.as_bytes()
    }
}

/// A text of its own, shared, with its NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedText(Arc<str>);

impl SharedText {
    pub(crate) fn new(mut text: String) -> Self {
        text.push('\0');
        SharedText(text.into())
    }

    pub fn as_text(&self) -> Text<'_> {
        Text { with_nul: &self.0 }
    }

    pub fn as_str(&self) -> &str {
        self.as_text().as_str()
    }
}

/// Where a text stands in its arena. Pages are far below 4 GiB (answers are bounded).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// A field that the service left out or set to null.
    pub(crate) const ABSENT: Span = Span { start: 1, end: 0 };

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    /// Reads the text in `arena`, where a NUL must stand at its end.
    pub(crate) fn text(self, arena: &str) -> Option<Text<'_>> {
        let range = self.start as usize..self.end as usize + 1;
        (self != Span::ABSENT).then(|| Text {
            with_nul: &arena[range],
        })
    }
}

/// One growing string that holds every decoded text of a page, each followed by a NUL.
#[derive(Debug, Default)]
pub(crate) struct Arena(String);

impl Arena {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Arena(String::with_capacity(bytes))
    }

    pub(crate) fn push(&mut self, text: &str) -> Span {
        let start = self.0.len();
        self.0.push_str(text);
        self.0.push('\0');
        Span::new(start, start + text.len())
    }

    pub(crate) fn get(&self, span: Span) -> Option<Text<'_>> {
        span.text(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_with_their_nul() {
        let mut arena = Arena::default();
        let (first, empty, second) = (arena.push("Zoë"), arena.push(""), arena.push("李"));
        assert_eq!(arena.get(first).unwrap().as_str(), "Zoë");
        assert_eq!(arena.get(empty).unwrap().as_bytes_with_nul(), b"\0");
        assert_eq!(
            arena.get(second).unwrap().as_bytes_with_nul(),
            "李\0".as_bytes()
        );
        assert_eq!(arena.get(Span::ABSENT), None);
    }
}
