//! The books of what lies on disk, and who leaves first.

use std::collections::{BTreeMap, HashMap};

/// What lies on disk, in numbers. It does no I/O: it says which files to remove.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    bytes_max: u64,
    bytes: u64,
    manifests: HashMap<u128, Entry>,
    segments: HashMap<u128, Held>,
    /// Names of manifests by last use.
    uses: BTreeMap<u64, u128>,
    tick: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    segments: Vec<u128>,
    used: u64,
}

#[derive(Debug)]
struct Held {
    bytes: u64,
    /// How many manifests hold it.
    holders: usize,
}

impl Shelf {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Notes a file of a segment that no manifest holds yet.
    pub(super) fn add_segment(&mut self, digest: u128, bytes: u64) {
        let bytes_of = &mut self.bytes;
        self.segments.entry(digest).or_insert_with(|| {
            *bytes_of += bytes;
            Held { bytes, holders: 0 }
        });
    }

    pub(super) fn has_segment(&self, digest: u128) -> Option<u64> {
        self.segments.get(&digest).map(|held| held.bytes)
    }

    /// Notes a segment whose file is damaged, and gone.
    pub(super) fn forget_segment(&mut self, digest: u128) {
        if let Some(held) = self.segments.remove(&digest) {
            self.bytes -= held.bytes;
        }
    }

    pub(super) fn has_manifest(&self, name: u128) -> bool {
        self.manifests.contains_key(&name)
    }

    /// Notes a manifest, in place of an earlier one of its name, as the last used.
    pub(super) fn put_manifest(&mut self, name: u128, bytes: u64, segments: Vec<u128>) {
        for digest in &segments {
            if let Some(held) = self.segments.get_mut(digest) {
                held.holders += 1;
            }
        }
        self.remove_manifest(name);
        self.tick += 1;
        self.bytes += bytes;
        self.uses.insert(self.tick, name);
        self.manifests.insert(name, Entry { bytes, segments, used: self.tick });
    }

    pub(super) fn use_manifest(&mut self, name: u128) {
        self.tick += 1;
        if let Some(entry) = self.manifests.get_mut(&name) {
            self.uses.remove(&entry.used);
            self.uses.insert(self.tick, name);
            entry.used = self.tick;
        }
    }

    pub(super) fn remove_manifest(&mut self, name: u128) {
        let Some(entry) = self.manifests.remove(&name) else { return };
        self.bytes -= entry.bytes;
        self.uses.remove(&entry.used);
        for digest in entry.segments {
            if let Some(held) = self.segments.get_mut(&digest) {
                held.holders = held.holders.saturating_sub(1);
            }
        }
    }

    /// Takes the manifests away that have to leave for `more_bytes`, the least recently used first; never `except`.
    pub(super) fn make_room(&mut self, more_bytes: u64, except: u128) -> Vec<u128> {
        let mut leaving = Vec::new();
        loop {
            let unheld: u64 =
                self.segments.values().filter(|held| held.holders == 0).map(|held| held.bytes).sum();
            if self.bytes - unheld + more_bytes <= self.bytes_max {
                return leaving;
            }
            let next = self.uses.values().copied().find(|&name| name != except);
            let Some(name) = next else { return leaving };
            self.remove_manifest(name);
            leaving.push(name);
        }
    }

    /// Takes the segments away that no manifest holds.
    pub(super) fn take_unheld(&mut self) -> Vec<u128> {
        let unheld: Vec<u128> =
            self.segments.iter().filter(|(_, held)| held.holders == 0).map(|(&digest, _)| digest).collect();
        for &digest in &unheld {
            self.forget_segment(digest);
        }
        unheld
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(bytes_max: u64, tables: u128) -> Shelf {
        let mut shelf = Shelf::new(bytes_max);
        for table in 0..tables {
            // Each table has a segment of its own, and shares one with its neighbour.
            let segments = vec![100 + table, 200 + table / 2];
            for &digest in &segments {
                shelf.add_segment(digest, 10);
            }
            shelf.put_manifest(table, 1, segments);
        }
        shelf
    }

    #[test]
    fn the_least_recently_used_leave_and_shared_segments_stay() {
        let mut shelf = shelf(100, 4);
        assert_eq!(shelf.bytes(), 4 + 40 + 20);
        assert_eq!(shelf.make_room(36, 9), [0; 0]);
        shelf.use_manifest(0);
        // Table 1 frees its own segment and itself only.
        assert_eq!(shelf.make_room(47, 9), [1]);
        assert_eq!(shelf.take_unheld(), [101]);
        assert_eq!(shelf.bytes(), 3 + 30 + 20);
        let mut leaving = shelf.make_room(1_000, 3);
        leaving.sort_unstable();
        assert_eq!(leaving, [0, 2], "but not the excepted one");
        let mut unheld = shelf.take_unheld();
        unheld.sort_unstable();
        assert_eq!(unheld, [100, 102, 200]);
        assert_eq!(shelf.bytes(), 1 + 10 + 10);
    }

    #[test]
    fn the_next_version_holds_what_it_shares() {
        let mut shelf = shelf(1_000, 1);
        shelf.add_segment(7, 5);
        shelf.put_manifest(0, 2, vec![100, 7]);
        assert_eq!(shelf.take_unheld(), [200]);
        assert_eq!((shelf.bytes(), shelf.has_segment(100)), (2 + 10 + 5, Some(10)));
        shelf.remove_manifest(0);
        assert_eq!((shelf.take_unheld().len(), shelf.bytes()), (2, 0));
        assert!(!shelf.has_manifest(0));
    }
}
