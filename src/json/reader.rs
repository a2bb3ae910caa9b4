//! A JSON reader that makes one pass over an answer and leaves its texts in place.
//!
//! It reads what answers mostly consist of: objects, lists and texts without escapes. serde_json reads everything else.

use super::text::Span;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt;

/// Why an answer cannot be read: what is wrong, and at which byte.
#[derive(Debug)]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Unreadable(problem.to_string())
    }

    /// The same problem, preceded by the part of the answer that has it.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        Unreadable(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) type Result<T> = std::result::Result<T, Unreadable>;

/// Reads an answer value by value, in the answer's order. It does not check that the answer is UTF-8.
#[derive(Debug)]
pub struct Reader<'j> {
    json: &'j [u8],
    position: usize,
    found: Found,
}

/// What the reader collected besides the values it returned.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Texts that had to be decoded, each followed by a NUL. Their spans count from the start of the answer, as if this
    /// string were appended to it.
    pub decoded: String,
    /// The positions of the closing quotes of the texts that stay in place.
    pub closing_quotes: Vec<u32>,
    /// The texts of all lists, list by list.
    pub lists: Vec<Span>,
}

/// A list of texts: a range in [`Found::lists`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextList {
    pub start: u32,
    pub end: u32,
}

impl<'j> Reader<'j> {
    pub(crate) fn new(json: &'j [u8]) -> Self {
        Reader {
            json,
            position: 0,
            found: Found::default(),
        }
    }

    /// Ends reading. Anything but white space after the last value is an error.
    pub(crate) fn finish(mut self) -> Result<Found> {
        match self.peek() {
            None => Ok(self.found),
            Some(_) => Err(self.unexpected("the end")),
        }
    }

    /// Reads an object field by field. `name` converts each key to the `K` by which `value` decides how to read the
    /// value.
    pub(crate) fn object<K>(
        &mut self,
        name: impl Fn(&[u8]) -> K,
        mut value: impl FnMut(&mut Self, K) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'{', "an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key(&name)?;
            self.expect(b':', "a colon")?;
            value(self, key)?;
            if !self.take(b',') {
                return self.expect(b'}', "a comma or the end of the object");
            }
        }
    }

    /// Reads a list element by element. `false`: the value is null instead.
    pub(crate) fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<bool> {
        if self.take_null() {
            return Ok(false);
        }
        self.expect(b'[', "a list")?;
        if self.take(b']') {
            return Ok(true);
        }
        loop {
            element(self)?;
            if !self.take(b',') {
                self.expect(b']', "a comma or the end of the list")?;
                return Ok(true);
            }
        }
    }

    /// Reads a value with `read` and returns its span too.
    pub(crate) fn with_span<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(Span, T)> {
        self.peek();
        let start = self.position;
        let value = read(self)?;
        Ok((Span::new(start, self.position), value))
    }

    /// Reads a text. Null gives [`Span::ABSENT`]; numbers and booleans become texts with the answer's spelling.
    pub(crate) fn text(&mut self) -> Result<Span> {
        if self.peek() != Some(b'"') {
            return self.unquoted_text();
        }
        match self.plain_text() {
            Some(span) => {
                self.found.closing_quotes.push(span.end() as u32);
                Ok(span)
            }
            None => {
                let text: String = self.value()?;
                Ok(self.append_decoded(&text))
            }
        }
    }

    /// Reads a list of texts. Null gives an empty list, and nulls in the list are skipped.
    pub(crate) fn texts(&mut self) -> Result<TextList> {
        let start = self.found.lists.len() as u32;
        self.list(|reader| {
            let text = reader.text()?;
            if text != Span::ABSENT {
                reader.found.lists.push(text);
            }
            Ok(())
        })?;
        let end = self.found.lists.len() as u32;
        Ok(TextList { start, end })
    }

    /// Reads true, false or null.
    pub(crate) fn flag(&mut self) -> Result<Option<bool>> {
        match self.peek() {
            Some(b't') => self.expect_word("true").map(|()| Some(true)),
            Some(b'f') => self.expect_word("false").map(|()| Some(false)),
            _ if self.take_null() => Ok(None),
            _ => Err(self.unexpected("true or false")),
        }
    }

    /// Skips a value of any kind; invalid JSON is an error.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.value::<IgnoredAny>().map(drop)
    }

    /// Reads a value of any kind with serde_json.
    pub(crate) fn value<T: Deserialize<'j>>(&mut self) -> Result<T> {
        let rest = &self.json[self.position..];
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
        let value = values.next();
        let start = self.position;
        self.position += values.byte_offset();
        match value {
            Some(Err(e)) => Err(Unreadable::new(format_args!(
                "{e}, counted from byte {start}"
            ))),
            Some(Ok(value)) => Ok(value),
            None => Err(self.unexpected("a value")),
        }
    }

    /// Reads null, if the next value is null.
    pub(crate) fn take_null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.expect_word("null").is_ok()
    }

    /// The text of a number or a boolean as the answer spells it; null gives [`Span::ABSENT`].
    fn unquoted_text(&mut self) -> Result<Span> {
        if self.take_null() {
            return Ok(Span::ABSENT);
        }
        if matches!(self.peek(), Some(b'{' | b'[')) {
            return Err(self.unexpected("a text"));
        }
        let start = self.position;
        self.skip()?;
        let spelling = std::str::from_utf8(&self.json[start..self.position]);
        Ok(self.append_decoded(spelling.map_err(Unreadable::new)?))
    }

    /// Appends a text to [`Found::decoded`].
    fn append_decoded(&mut self, text: &str) -> Span {
        let decoded = &mut self.found.decoded;
        let start = self.json.len() + decoded.len();
        decoded.push_str(text);
        decoded.push('\0');
        Span::new(start, start + text.len())
    }

    fn key<K>(&mut self, name: impl Fn(&[u8]) -> K) -> Result<K> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key"));
        }
        match self.plain_text() {
            Some(span) => Ok(name(&self.json[span.start()..span.end()])),
            None => self.value::<String>().map(|key| name(key.as_bytes())),
        }
    }

    /// Reads the text whose opening quote is at the current position. `None`: it contains something to decode, and the
    /// position has not changed.
    fn plain_text(&mut self) -> Option<Span> {
        let start = self.position + 1;
        let end = start + plain_length(&self.json[start..]);
        (self.json.get(end) == Some(&b'"')).then(|| {
            self.position = end + 1;
            Span::new(start, end)
        })
    }

    /// The first byte of the next token, after white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.json.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                next => return next.copied(),
            }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<()> {
        match self.take(byte) {
            true => Ok(()),
            false => Err(self.unexpected(what)),
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if !self.json[self.position..].starts_with(word.as_bytes()) {
            return Err(self.unexpected(word));
        }
        self.position += word.len();
        Ok(())
    }

    #[cold]
    fn unexpected(&self, expected: &str) -> Unreadable {
        let at = self.position;
        match self.json.get(at) {
            Some(byte) => {
                let byte = byte.escape_ascii();
                Unreadable::new(format_args!("'{byte}' instead of {expected} at byte {at}"))
            }
            None => Unreadable::new(format_args!("the answer ends before {expected}")),
        }
    }
}

/// How many bytes of a text JSON writes unchanged: those before the first quote, backslash or control character.
pub(crate) fn plain_length(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return number * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let end = words.len() * 8;
    let rest = text[end..].iter().position(is_special);
    rest.map_or(text.len(), |position| end + position)
}

/// Sets the highest bit of the lowest byte of the word that ends a plain text. Bits of higher bytes may be set wrongly.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_byte_is_found_at_every_position() {
        for length in 0..40 {
            for byte in 0..=u8::MAX {
                for position in 0..length {
                    let mut text = vec![0xE9; length];
                    text[position] = byte;
                    let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let plain = if is_special { position } else { length };
                    assert_eq!(
                        plain_length(&text),
                        plain,
                        "{byte:#x} at {position} of {length}"
                    );
                }
            }
        }
    }

    /// The texts that this reader reads, and those that serde_json reads.
    fn read_by_both(json: &str) -> (Option<Vec<String>>, Option<Vec<String>>) {
        let mut reader = Reader::new(json.as_bytes());
        let list = reader.texts();
        let ours = list.and_then(|_| reader.finish()).ok().map(|found| {
            let page = [json, &found.decoded].concat();
            let text = |span: &Span| page[span.start()..span.end()].to_owned();
            found.lists.iter().map(text).collect()
        });
        let theirs = serde_json::from_str::<Option<Vec<Option<String>>>>(json).ok();
        (
            ours,
            theirs.map(|list| list.into_iter().flatten().flatten().collect()),
        )
    }

    #[test]
    fn texts_are_read_and_refused_as_by_serde_json() {
        let texts = [
            "",
            "a",
            "12345678",
            "1234567\\n",
            "\\u00eb",
            "\\ud83d\\ude00",
            "\\ud83d",
            "\\ude00",
            "\\u12",
            "\\x",
            "\\",
            "\\\"",
            "\u{1}",
            "\u{7f}",
            "Zoë",
            "李",
            "\\u0000",
            "a\tb",
            "a\nb",
            "sixteen bytes..\"",
        ];
        let around = |text: &str| {
            [
                format!("[\"{text}\"]"),
                format!(" [ \"{text}\" , null,\"x\"\r\n] "),
                format!("[\"{text}\",]"),
                format!("[,\"{text}\"]"),
                format!("[\"{text}\" \"{text}\"]"),
                format!("[\"{text}"),
                format!("[\"{text}\""),
                format!("[\"{text}\"]]"),
                format!("[nul,\"{text}\"]"),
                format!("\"{text}\""),
            ]
        };
        for json in texts
            .iter()
            .flat_map(|text| around(text))
            .chain(["null".into(), "[]".into()])
        {
            let (ours, theirs) = read_by_both(&json);
            assert_eq!(ours, theirs, "{json}");
        }
    }

    #[test]
    fn numbers_keep_their_spelling_and_objects_are_not_texts() {
        let (ours, _) = read_by_both("[1e400, -0.50, true, 18446744073709551616]");
        assert_eq!(
            ours.unwrap(),
            ["1e400", "-0.50", "true", "18446744073709551616"]
        );
        for json in ["[{}]", "[[]]", "[01]", "[1.]", "[-]", "[truth]", "[tru]"] {
            assert_eq!(read_by_both(json).0, None, "{json}");
        }
    }
}
