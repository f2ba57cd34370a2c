//! Locks over object keys, in a table that never grows.
//!
//! Whoever changes what a key names holds its lock from the look at the old object until the change is
//! on disk; so a condition that held when it was checked still holds when the change is made. Two keys
//! may share a lock; nobody ever holds two. All locks are taken on the blocking pool, never on a core.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::objects::KEY_LOCKS;

#[derive(Debug)]
pub struct KeyLocks {
    locks: Box<[Mutex<()>]>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { locks: (0..KEY_LOCKS).map(|_| Mutex::new(())).collect() }
    }
}

impl KeyLocks {
    /// Waits for the lock of `path` in `bucket`; a marker `d/` and an object `d` have the same path.
    pub fn hold(&self, bucket: &str, path: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (bucket, path).hash(&mut hasher);
        let count = self.locks.len().max(1) as u64;
        let index = usize::try_from(hasher.finish() % count).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "the index is a remainder of the length")]
        let lock = &self.locks[index];
        // A thread that panicked while it held the lock left files, not memory; they are whole either way.
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_by_one_thread_at_a_time() {
        let locks = KeyLocks::default();
        let counter = Mutex::new(0_u32);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let held = locks.hold("bucket", "a/b");
                        let before = *counter.lock().unwrap();
                        *counter.lock().unwrap() = before + 1;
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(*counter.lock().unwrap(), 4_000);
    }
}
