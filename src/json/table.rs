//! The rows of one page in flat memory: the answer itself, its texts in place, and fixed-size rows that point there.
//!
//! A user is then a row number; handing one out, or keeping one, copies no text.

use super::buffer_pool::PooledBuf;
use super::reader::{Found, Reader, Result, TextList, Unreadable};
use super::text::{Span, Text};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

/// Rows of type `R` with the texts that they point into.
#[derive(Debug)]
pub struct Table<R> {
    /// The answer with a NUL for the closing quote of every text in a row; behind it, the texts that needed decoding.
    texts: PooledBuf<String>,
    answer_length: usize,
    lists: Vec<Span>,
    rows: Vec<(Span, R)>,
    /// The answer as it came, but with a NUL behind each row. Made when somebody asks.
    answer: OnceLock<String>,
}

/// A row that knows how to read itself from its JSON object.
pub trait Row: Sized {
    fn read(reader: &mut Reader) -> Result<Self>;
}

/// Rows as they are read, with where each stands.
pub(crate) type Rows<R> = Vec<(Span, R)>;

/// Reads a list of rows; `None` where there is null instead.
pub(crate) fn read_rows<R: Row>(reader: &mut Reader, noun: &str) -> Result<Option<Rows<R>>> {
    let mut rows = Vec::new();
    let is_list = reader.list(|reader| {
        let row = reader.with_span(R::read);
        rows.push(row.map_err(|e| e.in_the(format_args!("{noun} {} of the page", rows.len())))?);
        Ok(())
    })?;
    Ok(is_list.then_some(rows))
}

impl<R> Table<R> {
    /// The rows that were read from `answer`, and what was found on the way.
    pub(crate) fn new(
        answer: PooledBuf<Vec<u8>>,
        mut found: Found,
        mut rows: Rows<R>,
    ) -> Result<Self> {
        let answer_length = answer.len();
        let mut bytes = answer;
        for quote in &found.closing_quotes {
            bytes[*quote as usize] = 0;
        }
        bytes.reserve_exact(found.decoded.len());
        bytes.extend_from_slice(found.decoded.as_bytes());
        // An answer that did not tell its length has grown by doubling.
        let length = bytes.len();
        bytes.shrink_to(length + length / 8);
        rows.shrink_to_fit();
        found.lists.shrink_to_fit();
        Ok(Table {
            texts: bytes.into_text().map_err(Unreadable::new)?,
            answer_length,
            lists: found.lists,
            rows,
            answer: OnceLock::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// `None` never comes of an index that the table gave out. That nothing here can panic lets the guard around every
    /// accessor of C cost nothing.
    pub(crate) fn row(&self, index: u32) -> Option<&R> {
        self.rows.get(index as usize).map(|(_, row)| row)
    }

    /// The row's JSON as the service sent it.
    pub(crate) fn json(&self, index: u32) -> Text<'_> {
        let answer = self.answer.get_or_init(|| self.restored_answer());
        self.rows[index as usize]
            .0
            .text(answer)
            .expect("every row has its JSON")
    }

    /// JSON holds no NUL: each in it stands where a quote was.
    fn restored_answer(&self) -> String {
        let mut answer = self.texts[..self.answer_length].replace('\0', "\"");
        for (span, _) in self.rows.iter().rev() {
            answer.replace_range(span.end()..span.end() + 1, "\0");
        }
        answer
    }

    pub(crate) fn text(&self, span: Span) -> Option<Text<'_>> {
        span.text(&self.texts)
    }

    pub(crate) fn list(&self, list: TextList) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.lists
            .get(list.start as usize..list.end as usize)
            .unwrap_or_default()
            .iter()
            .map(|span| self.text(*span).unwrap_or_default())
    }

    /// The same for a table with as many rows and the same first and last row; `None` for an empty one.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        let row = |(span, _): &(Span, R)| span.text(&self.texts).map(Text::as_bytes_with_nul);
        let (first, last) = (self.rows.first()?, self.rows.last()?);
        let mut hasher = DefaultHasher::new();
        (self.rows.len(), row(first), row(last)).hash(&mut hasher);
        Some(hasher.finish())
    }
}
