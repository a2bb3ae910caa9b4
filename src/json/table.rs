//! The rows of one page in flat memory: the answer itself, its texts in place, and fixed-size rows that point into it.
//!
//! A user is a row number, so returning or keeping one copies no text.

use super::buffer_pool::PooledBuf;
use super::reader::{Found, Reader, Result, TextList, Unreadable};
use super::text::{Span, Text};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

/// Rows of type `R`, with the texts that they point into.
#[derive(Debug)]
pub struct Table<R> {
    /// The answer, with a NUL for the closing quote of every text in a row, followed by the texts that needed decoding.
    texts: PooledBuf<String>,
    answer_length: usize,
    lists: Vec<Span>,
    rows: Vec<(Span, R)>,
    /// The answer as received, but with a NUL after each row. Made by the first call of [`Table::json`].
    answer: OnceLock<String>,
}

/// A row that can be read from its JSON object.
pub trait Row: Sized {
    /// Reads the object at the reader's position.
    fn read(reader: &mut Reader) -> Result<Self>;
}

/// Rows in the order of the answer, each with the span of its JSON object.
pub(crate) type Rows<R> = Vec<(Span, R)>;

/// Reads a list of rows. `None`: the value is null instead. `noun` names a row in error messages.
pub(crate) fn read_rows<R: Row>(reader: &mut Reader, noun: &str) -> Result<Option<Rows<R>>> {
    let mut rows = Vec::new();
    let is_list = reader.list(|reader| {
        let row = reader.with_span(R::read);
        rows.push(row.map_err(|e| e.within(format_args!("{noun} {} of the page", rows.len())))?);
        Ok(())
    })?;
    Ok(is_list.then_some(rows))
}

impl<R> Table<R> {
    /// Makes a table of the rows that were read from `answer`, and of what the reader collected besides. Fails if the
    /// answer is not UTF-8.
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
        // A buffer for an answer without Content-Length has grown by doubling, up to twice its length.
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

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row at `index`; `None` beyond the last. It cannot panic, so that the compiler can remove the panic guard
    /// around every accessor of the C API.
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

    /// The answer with its quotes restored: valid JSON contains no NUL, so each NUL has replaced a quote.
    fn restored_answer(&self) -> String {
        let mut answer = self.texts[..self.answer_length].replace('\0', "\"");
        for (span, _) in self.rows.iter().rev() {
            answer.replace_range(span.end()..span.end() + 1, "\0");
        }
        answer
    }

    /// The text at `span`; `None` for [`Span::ABSENT`].
    pub(crate) fn text(&self, span: Span) -> Option<Text<'_>> {
        span.text(&self.texts)
    }

    /// The texts of `list`, in order.
    pub(crate) fn list(&self, list: TextList) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.lists
            .get(list.start as usize..list.end as usize)
            .unwrap_or_default()
            .iter()
            .map(|span| self.text(*span).unwrap_or_default())
    }

    /// A hash of the number of rows and of the first and last row. Equal pages have equal fingerprints. `None`: the
    /// table is empty.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        let row = |(span, _): &(Span, R)| span.text(&self.texts).map(Text::as_bytes_with_nul);
        let (first, last) = (self.rows.first()?, self.rows.last()?);
        let mut hasher = DefaultHasher::new();
        (self.rows.len(), row(first), row(last)).hash(&mut hasher);
        Some(hasher.finish())
    }
}
