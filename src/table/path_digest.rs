//! 128 bits that stand for a path, within this process.

use std::sync::OnceLock;

use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

/// A keyed digest of a file's identity. The key is a secret of this installation, or drawn once per process, so nobody
/// who writes a log can choose two paths that meet; digests must therefore never be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathDigest(pub(super) u128);

static SEED: OnceLock<u64> = OnceLock::new();

/// Sets the key of all digests; to be called before the first one is made.
///
/// With a key that is kept, the order of pages stays the same over a restart.
pub fn set_key(key: u64) {
    // A second server in one process goes on with the first one's key: that costs the order of its old pages only.
    let _ = SEED.set(key);
}

fn seed() -> u64 {
    *SEED.get_or_init(|| {
        let seed = getrandom::u64();
        assert!(seed.is_ok(), "the system's random numbers are there before any table is read");
        seed.unwrap_or_default()
    })
}

/// Equal in two processes whose digests of equal files are equal; says nothing of the key.
pub fn key_check() -> u128 {
    // No object key begins with a NUL.
    xxh3_128_with_seed(b"\0key check", seed())
}

impl PathDigest {
    /// Of a file that is its object key alone.
    pub fn of(key: &[u8]) -> Self {
        Self(xxh3_128_with_seed(key, seed()))
    }

    /// Of a file whose identity is its object key together with the deletion vector over it.
    pub fn with_deletion_vector(key: &[u8], unique_id: &[u8]) -> Self {
        let mut hasher = Xxh3::with_seed(seed());
        hasher.update(key);
        // No key holds a NUL, so key and id cannot run into each other.
        hasher.update(&[0]);
        hasher.update(unique_id);
        Self(hasher.digest128())
    }

    fn low(self) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "any sixteen bits of a digest will do")]
        usize::from(self.0 as u16)
    }
}

/// Identities that later versions have settled.
///
/// A table's files are compared against few settled ones, so a bitmap over sixteen bits of the digest
/// answers nearly all questions without touching the table proper.
#[derive(Debug)]
pub struct PathDigests {
    filter: Vec<u64>,
    digests: hashbrown::HashSet<u128, DigestIsHash>,
}

/// A digest is as good as a hash, so it is not hashed again.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigestIsHash(u64);

impl std::hash::BuildHasher for DigestIsHash {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for DigestIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        // The upper half: the filter asks about the lower one.
        self.0 = (digest >> 64) as u64;
    }
}

impl Default for PathDigests {
    fn default() -> Self {
        Self { filter: vec![0; 1 << 10], digests: hashbrown::HashSet::default() }
    }
}

impl PathDigests {
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether the digest was not there before.
    pub fn insert(&mut self, digest: PathDigest) -> bool {
        let low = digest.low();
        if let Some(word) = self.filter.get_mut(low / 64) {
            *word |= 1 << (low % 64);
        }
        self.digests.insert(digest.0)
    }

    /// The digests, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = PathDigest> {
        self.digests.iter().copied().map(PathDigest)
    }

    pub fn contains(&self, digest: PathDigest) -> bool {
        let low = digest.low();
        let may = self.filter.get(low / 64).is_some_and(|word| word >> (low % 64) & 1 == 1);
        may && self.digests.contains(&digest.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_vector_makes_another_file_of_the_same_path() {
        let plain = PathDigest::of(b"a.parquet");
        assert_eq!(plain, PathDigest::of(b"a.parquet"));
        assert_ne!(plain, PathDigest::of(b"b.parquet"));
        assert_ne!(plain, PathDigest::with_deletion_vector(b"a.parquet", b"u1"));
        assert_ne!(
            PathDigest::with_deletion_vector(b"a.parquet", b"u1"),
            PathDigest::with_deletion_vector(b"a.parquet", b"u2"),
        );
    }

    #[test]
    fn the_set_holds_what_was_put_in_and_nothing_else() {
        let mut set = PathDigests::default();
        let digest = |number: u32| PathDigest::of(&number.to_le_bytes());
        assert!((0..100_000).step_by(2).all(|number| set.insert(digest(number))));
        assert!(!set.insert(digest(0)));
        assert_eq!(set.len(), 50_000);
        assert!((0..100_000).all(|number| set.contains(digest(number)) == (number % 2 == 0)));
    }
}
