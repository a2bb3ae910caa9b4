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
pub(crate) struct BufferPool(Arc<SpareBuffers>);

#[derive(Debug)]
struct SpareBuffers {
    memory: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl BufferPool {
    /// For at most so many answers.
    pub(crate) fn new(most: usize) -> Self {
        BufferPool(Arc::new(SpareBuffers {
            memory: Mutex::default(),
            most,
        }))
    }

    /// Nothing yet, with room for as much as there happens to be.
    pub(crate) fn lend(&self) -> PooledBuf<Vec<u8>> {
        PooledBuf {
            content: lock(&self.0.memory).pop().unwrap_or_default(),
            buffer_pool: Arc::downgrade(&self.0),
        }
    }
}

impl SpareBuffers {
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

/// Bytes or text in memory that goes back to its buffer_pool, if it has one that is still there.
#[derive(Debug, Default)]
pub(crate) struct PooledBuf<T: Into<Vec<u8>> + Default> {
    content: T,
    buffer_pool: Weak<SpareBuffers>,
}

impl PooledBuf<Vec<u8>> {
    pub(crate) fn into_text(mut self) -> Result<PooledBuf<String>, FromUtf8Error> {
        Ok(PooledBuf {
            content: String::from_utf8(std::mem::take(&mut self.content))?,
            buffer_pool: std::mem::take(&mut self.buffer_pool),
        })
    }
}

/// Memory that no buffer_pool waits for.
impl<B: Into<Vec<u8>>> From<B> for PooledBuf<Vec<u8>> {
    fn from(bytes: B) -> Self {
        PooledBuf {
            content: bytes.into(),
            buffer_pool: Weak::new(),
        }
    }
}

impl<T: Into<Vec<u8>> + Default> Deref for PooledBuf<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T: Into<Vec<u8>> + Default> DerefMut for PooledBuf<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.content
    }
}

impl<T: Into<Vec<u8>> + Default> Drop for PooledBuf<T> {
    fn drop(&mut self) {
        if let Some(buffer_pool) = self.buffer_pool.upgrade() {
            buffer_pool.put(std::mem::take(&mut self.content).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(buffer_pool: &BufferPool, text: &str) -> PooledBuf<Vec<u8>> {
        let mut bytes = buffer_pool.lend();
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn memory_comes_back_empty_and_is_lent_again() {
        let buffer_pool = BufferPool::new(1);
        let page = written(&buffer_pool, "a page").into_text().unwrap();
        let place = page.as_ptr();
        drop(page);
        let next = buffer_pool.lend();
        assert_eq!((next.as_ptr(), next.len()), (place, 0));
        assert_eq!(buffer_pool.lend().capacity(), 0);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let buffer_pool = BufferPool::new(2);
        let pages = ["1", "2", "3"].map(|text| written(&buffer_pool, text));
        drop(pages);
        assert_eq!(lock(&buffer_pool.0.memory).len(), 2);
    }

    #[test]
    fn what_is_no_text_comes_back_or_goes_but_never_stays() {
        let buffer_pool = BufferPool::new(1);
        let mut bytes = buffer_pool.lend();
        bytes.push(0xFF);
        assert!(bytes.into_text().is_err());
        let page = written(&buffer_pool, "outlives its buffer_pool");
        drop(buffer_pool);
        assert_eq!(
            page.into_text().unwrap().as_str(),
            "outlives its buffer_pool"
        );
    }
}
