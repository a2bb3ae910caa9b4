//! The memory of answers, used again: what one page of a listing stood in, a later one is read into.
//!
//! Given back to the allocator and asked for anew, pages of a megabyte leave holes that the next do not quite fit, and
//! a long listing grows.

use crate::lock::lock;
use std::ops::{Deref, DerefMut};
use std::string::FromUtf8Error;
use std::sync::{Arc, Mutex, Weak};

/// Keeps the memory of answers that nobody needs any more for answers to come, and ends with it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf(Arc<Spares>);

#[derive(Debug)]
struct Spares {
    memory: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl Shelf {
    /// For at most so many answers.
    pub(crate) fn new(most: usize) -> Self {
        Shelf(Arc::new(Spares {
            memory: Mutex::default(),
            most,
        }))
    }

    /// Nothing yet, with room for as much as there happens to be.
    pub(crate) fn lend(&self) -> Lent<Vec<u8>> {
        Lent {
            content: lock(&self.0.memory).pop().unwrap_or_default(),
            shelf: Arc::downgrade(&self.0),
        }
    }
}

impl Spares {
    fn put(&self, mut memory: Vec<u8>) {
        memory.clear();
        // Not waited for: in a child of a fork the lock may be held for ever. At worst the memory is given up.
        if let Ok(mut spares) = self.memory.try_lock()
            && spares.len() < self.most
        {
            spares.push(memory);
        }
    }
}

/// Bytes or text in memory that goes back to its shelf, if it has one that is still there.
#[derive(Debug, Default)]
pub(crate) struct Lent<T: Into<Vec<u8>> + Default> {
    content: T,
    shelf: Weak<Spares>,
}

impl Lent<Vec<u8>> {
    pub(crate) fn into_text(mut self) -> Result<Lent<String>, FromUtf8Error> {
        Ok(Lent {
            content: String::from_utf8(std::mem::take(&mut self.content))?,
            shelf: std::mem::take(&mut self.shelf),
        })
    }
}

/// Memory that no shelf waits for.
impl<B: Into<Vec<u8>>> From<B> for Lent<Vec<u8>> {
    fn from(bytes: B) -> Self {
        Lent {
            content: bytes.into(),
            shelf: Weak::new(),
        }
    }
}

impl<T: Into<Vec<u8>> + Default> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T: Into<Vec<u8>> + Default> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.content
    }
}

impl<T: Into<Vec<u8>> + Default> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some(shelf) = self.shelf.upgrade() {
            shelf.put(std::mem::take(&mut self.content).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(shelf: &Shelf, text: &str) -> Lent<Vec<u8>> {
        let mut bytes = shelf.lend();
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn memory_comes_back_empty_and_is_lent_again() {
        let shelf = Shelf::new(1);
        let page = written(&shelf, "a page").into_text().unwrap();
        let place = page.as_ptr();
        drop(page);
        let next = shelf.lend();
        assert_eq!((next.as_ptr(), next.len()), (place, 0));
        assert_eq!(shelf.lend().capacity(), 0);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let shelf = Shelf::new(2);
        let pages = ["1", "2", "3"].map(|text| written(&shelf, text));
        drop(pages);
        assert_eq!(lock(&shelf.0.memory).len(), 2);
    }

    #[test]
    fn what_is_no_text_comes_back_or_goes_but_never_stays() {
        let shelf = Shelf::new(1);
        let mut bytes = shelf.lend();
        bytes.push(0xFF);
        assert!(bytes.into_text().is_err());
        let page = written(&shelf, "outlives its shelf");
        drop(shelf);
        assert_eq!(page.into_text().unwrap().as_str(), "outlives its shelf");
    }
}
