//! Texts that a NUL follows in memory, so that C can read them without a copy.

use std::sync::Arc;

/// UTF-8 text that a NUL follows in memory, so that C can read it without a copy. It borrows from its page.
///
/// The text itself may contain further NUL characters, which JSON writes as `\u0000`; C sees it up to the first of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    with_nul: &'a str,
}

impl Default for Text<'_> {
    fn default() -> Self {
        Text { with_nul: "\0" }
    }
}

impl<'a> Text<'a> {
    /// The text without the final NUL.
    pub fn as_str(self) -> &'a str {
        &self.with_nul[..self.with_nul.len() - 1]
    }

    /// The bytes of the text, and the final NUL.
    pub fn as_bytes_with_nul(self) -> &'a [u8] {
        self.with_nul.as_bytes()
    }
}

/// Owned UTF-8 text that a NUL follows in memory. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedText(Arc<str>);

impl SharedText {
    pub(crate) fn new(mut text: String) -> Self {
        text.push('\0');
        SharedText(text.into())
    }

    pub(crate) fn copy(text: &str) -> Self {
        let mut copy = String::with_capacity(text.len() + 1);
        copy.push_str(text);
        SharedText::new(copy)
    }

    /// The text, with its final NUL.
    pub fn as_text(&self) -> Text<'_> {
        Text { with_nul: &self.0 }
    }

    /// The text without the final NUL.
    pub fn as_str(&self) -> &str {
        self.as_text().as_str()
    }
}

/// The byte range of a text in its page. 32 bits suffice, since answers are bounded far below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The span of a field that the service left out or set to null. No text has this span.
    pub(crate) const ABSENT: Span = Span {
        start: u32::MAX,
        end: 0,
    };

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    /// The text at this span of `page`. A NUL must follow it there. `None` for [`Span::ABSENT`].
    pub(crate) fn text(self, page: &str) -> Option<Text<'_>> {
        let with_nul = page.get(self.start as usize..self.end as usize + 1)?;
        Some(Text { with_nul })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_include_their_nul() {
        let page = "Zoë\0\0李\0";
        let text = |start, end| Span::new(start, end).text(page).unwrap();
        assert_eq!(text(0, 4).as_str(), "Zoë");
        assert_eq!(text(5, 5).as_bytes_with_nul(), b"\0");
        assert_eq!(text(6, 9).as_bytes_with_nul(), "李\0".as_bytes());
        assert_eq!(Span::ABSENT.text(page), None);
    }
}
