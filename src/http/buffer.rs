//! Buffers of bodies, used again on the core that made them.

use std::cell::RefCell;

use bytes::Bytes;

use crate::limits::{POOLED_BUFFER_BYTES_MAX, POOLED_BUFFERS_MAX};

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that goes back to the pool of the core on which it is dropped.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty one, with the room that it had before.
    pub fn take() -> Self {
        Self(POOL.with_borrow_mut(Vec::pop).unwrap_or_default())
    }

    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The bytes. Where they fill the buffer they are not copied, and it is free again when the last of them is dropped;
    /// a reader that is slow to take a few bytes must not hold much room.
    pub fn freeze(self) -> Bytes {
        if self.0.len() < self.0.capacity() / 2 {
            Bytes::copy_from_slice(&self.0)
        } else {
            Bytes::from_owner(self)
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() == 0 || bytes.capacity() > POOLED_BUFFER_BYTES_MAX {
            return;
        }
        bytes.clear();
        // A thread that ends has no pool any more.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED_BUFFERS_MAX {
                pool.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes: usize) -> Buffer {
        let mut buffer = Buffer::take();
        buffer.bytes_mut().resize(bytes, 7);
        buffer
    }

    #[test]
    fn a_buffer_comes_back_empty_and_with_its_room() {
        let frozen = used(100_000).freeze();
        assert_eq!((frozen.len(), Buffer::take().bytes_mut().capacity()), (100_000, 0));
        let part = frozen.slice(10..20);
        drop(frozen);
        assert_eq!((part.as_ref(), Buffer::take().bytes_mut().capacity()), ([7; 10].as_slice(), 0));
        drop(part);
        let mut again = Buffer::take();
        assert!(again.bytes_mut().is_empty() && again.bytes_mut().capacity() >= 100_000);
    }

    #[test]
    fn the_pool_is_bounded() {
        drop(used(POOLED_BUFFER_BYTES_MAX + 1));
        assert_eq!(Buffer::take().bytes_mut().capacity(), 0);
        let many: Vec<_> = std::iter::repeat_with(|| used(1)).take(POOLED_BUFFERS_MAX + 3).collect();
        drop(many);
        assert_eq!(POOL.with_borrow(Vec::len), POOLED_BUFFERS_MAX);
    }
}
