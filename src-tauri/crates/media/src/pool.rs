//! Buffers that come back.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

/// A pool of equally used buffers, so that a steady stream of frames allocates nothing.
///
/// At most `keep` idle buffers are held; more are freed as they come back.
#[derive(Clone, Debug)]
pub struct BufferPool {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    idle: Mutex<Vec<Vec<u8>>>,
    keep: usize,
}

impl BufferPool {
    /// An empty pool that holds at most `keep` idle buffers.
    pub fn new(keep: usize) -> Self {
        Self {
            shelf: Arc::new(Shelf {
                idle: Mutex::new(Vec::with_capacity(keep)),
                keep,
            }),
        }
    }

    /// A buffer of exactly `len` bytes. Its contents are whatever was there before.
    pub fn take(&self, len: usize) -> Pooled {
        let mut data = self.shelf.idle.lock().pop().unwrap_or_default();
        data.resize(len, 0);
        Pooled {
            data,
            shelf: Arc::downgrade(&self.shelf),
        }
    }
}

/// A buffer on loan from a [`BufferPool`]; it goes back when dropped.
#[derive(Debug)]
pub struct Pooled {
    data: Vec<u8>,
    shelf: Weak<Shelf>,
}

impl Pooled {
    /// Seals the buffer; it goes back to its pool when the last clone is dropped.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Pooled {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.data
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(shelf) = self.shelf.upgrade() {
            let mut idle = shelf.idle.lock();
            if idle.len() < shelf.keep {
                idle.push(std::mem::take(&mut self.data));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_last_clone_goes() {
        let pool = BufferPool::new(1);
        let first = pool.take(16);
        let address = first.as_ptr();
        let bytes = first.freeze();
        let clone = bytes.clone();
        drop(bytes);
        assert_ne!(pool.take(16).as_ptr(), address, "still lent out");
        // That second buffer is back on the shelf; take it so that the first one finds room.
        let _second = pool.take(16);
        drop(clone);
        assert_eq!(pool.take(16).as_ptr(), address);
    }
}
