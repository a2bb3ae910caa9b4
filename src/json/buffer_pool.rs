//! A pool of buffers for the bodies of answers: a later page of a listing is read into the memory of an earlier one.
//!
//! If every page were freed and the next one allocated again, pages of a megabyte would leave holes that the next do
//! not quite fit, and the memory of a long listing would grow.

use crate::lock::lock;
use std::ops::{Deref, DerefMut};
use std::string::FromUtf8Error;
use std::sync::{Arc, Mutex, Weak};

/// Keeps the buffers of dropped answers for later answers; dropping the pool frees them.
#[derive(Clone, Debug)]
pub(crate) struct BufferPool(Arc<SpareBuffers>);

#[derive(Debug)]
struct SpareBuffers {
    buffers: Mutex<Vec<Vec<u8>>>,
    capacity: usize,
}

impl BufferPool {
    /// Makes a pool that keeps at most `capacity` unused buffers.
    pub(crate) fn new(capacity: usize) -> Self {
        BufferPool(Arc::new(SpareBuffers {
            buffers: Mutex::default(),
            capacity,
        }))
    }

    /// An empty buffer, with the capacity of a pooled one if the pool has one. Dropping it returns its memory to the
    /// pool.
    pub(crate) fn take(&self) -> PooledBuf<Vec<u8>> {
        PooledBuf {
            content: lock(&self.0.buffers).pop().unwrap_or_default(),
            buffer_pool: Arc::downgrade(&self.0),
        }
    }
}

impl SpareBuffers {
    fn put_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        // try_lock, since in the child of a fork the lock may be held for ever. At worst the buffer is freed.
        if let Ok(mut spares) = self.buffers.try_lock()
            && spares.len() < self.capacity
        {
            spares.push(buffer);
        }
    }
}

/// Bytes or text whose memory returns to its pool when dropped, if it has one that still exists.
#[derive(Debug, Default)]
pub(crate) struct PooledBuf<T: Into<Vec<u8>> + Default> {
    content: T,
    buffer_pool: Weak<SpareBuffers>,
}

impl PooledBuf<Vec<u8>> {
    /// The same memory as text. Fails if the bytes are not UTF-8; the memory is freed then.
    pub(crate) fn into_text(mut self) -> Result<PooledBuf<String>, FromUtf8Error> {
        Ok(PooledBuf {
            content: String::from_utf8(std::mem::take(&mut self.content))?,
            buffer_pool: std::mem::take(&mut self.buffer_pool),
        })
    }
}

/// Memory that belongs to no pool.
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
            buffer_pool.put_back(std::mem::take(&mut self.content).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_buffer(buffer_pool: &BufferPool, text: &str) -> PooledBuf<Vec<u8>> {
        let mut bytes = buffer_pool.take();
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn memory_is_returned_empty_and_reused() {
        let buffer_pool = BufferPool::new(1);
        let page = filled_buffer(&buffer_pool, "a page").into_text().unwrap();
        let address = page.as_ptr();
        drop(page);
        let next = buffer_pool.take();
        assert_eq!((next.as_ptr(), next.len()), (address, 0));
        assert_eq!(buffer_pool.take().capacity(), 0);
    }

    #[test]
    fn no_more_buffers_are_kept_than_the_capacity() {
        let buffer_pool = BufferPool::new(2);
        let pages = ["1", "2", "3"].map(|text| filled_buffer(&buffer_pool, text));
        drop(pages);
        assert_eq!(lock(&buffer_pool.0.buffers).len(), 2);
    }

    #[test]
    fn invalid_text_is_an_error_and_buffers_outlive_their_pool() {
        let buffer_pool = BufferPool::new(1);
        let mut bytes = buffer_pool.take();
        bytes.push(0xFF);
        assert!(bytes.into_text().is_err());
        let page = filled_buffer(&buffer_pool, "outlives its pool");
        drop(buffer_pool);
        assert_eq!(page.into_text().unwrap().as_str(), "outlives its pool");
    }
}
