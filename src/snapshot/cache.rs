//! Loaded versions under a byte budget; the least recently used leave first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::Error;
use super::loaded::Loaded;
use crate::delta::Wanted;
use crate::limits::SNAPSHOT_OVERHEAD_BYTES;
use crate::state::record::TableSource;

/// What was asked for. Two tables never share a snapshot, even if one lies inside the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: TableSource,
    pub(super) wanted: Wanted,
}

/// One version of one table, and the gate before it: who holds the lock loads for all who wait.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) last: tokio::sync::Mutex<Option<Round>>,
}

/// One look at the table.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Who came before this number came before the look began, and may have its result.
    pub(super) began: u64,
    pub(super) result: Result<Loaded, Error>,
    /// The newest success, to refresh from.
    pub(super) loaded: Option<Loaded>,
}

/// All entries; its lock is never held over a wait.
#[derive(Debug)]
pub(super) struct Cache {
    bytes_max: usize,
    bytes: usize,
    slots: HashMap<Key, Slot>,
    /// Keys by last use.
    uses: BTreeMap<u64, Key>,
    /// Counts arrivals and beginnings of rounds.
    tick: u64,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, slots: HashMap::new(), uses: BTreeMap::new(), tick: 0 }
    }

    pub(super) fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// The entry for a key, made if need be, and the number of this arrival.
    pub(super) fn arrive(&mut self, key: &Key) -> (Arc<Entry>, u64) {
        let now = self.next_tick();
        let new = || Slot { entry: Arc::default(), bytes: 0, used: now };
        let slot = self.slots.entry(key.clone()).or_insert_with(new);
        self.uses.remove(&slot.used);
        self.uses.insert(now, key.clone());
        slot.used = now;
        (Arc::clone(&slot.entry), now)
    }

    /// The entry for a key, if there is one; this is no use of it.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Entry>> {
        self.slots.get(key).map(|slot| Arc::clone(&slot.entry))
    }

    /// Whether a version was loaded for a key and has not left.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.bytes > 0)
    }

    /// Notes what an entry holds after a round, and makes room. `None`: it holds nothing.
    pub(super) fn settle(&mut self, key: &Key, entry: &Arc<Entry>, held_bytes: Option<usize>) {
        let Some(slot) = self.slots.get_mut(key).filter(|slot| Arc::ptr_eq(&slot.entry, entry)) else {
            return;
        };
        let bytes = held_bytes.map_or(0, |bytes| bytes + SNAPSHOT_OVERHEAD_BYTES);
        self.bytes = self.bytes - slot.bytes + bytes;
        slot.bytes = bytes;
        // The map and the caller hold the entry; others are waiting for it.
        let has_waiters = Arc::strong_count(entry) > 2;
        let is_too_large = bytes > self.bytes_max;
        if !has_waiters && (held_bytes.is_none() || is_too_large) {
            self.remove(key);
        }
        self.make_room(key);
    }

    /// Entries in use stay: they are held anyway, and to load them twice would cost more.
    fn make_room(&mut self, settled: &Key) {
        if self.bytes <= self.bytes_max {
            return;
        }
        let mut excess = self.bytes - self.bytes_max;
        let mut leaving = Vec::new();
        for key in self.uses.values() {
            if excess == 0 {
                break;
            }
            let Some(slot) = self.slots.get(key) else { continue };
            if key != settled && Arc::strong_count(&slot.entry) == 1 {
                excess = excess.saturating_sub(slot.bytes);
                leaving.push(key.clone());
            }
        }
        for key in leaving {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.slots.remove(key) {
            self.bytes -= slot.bytes;
            self.uses.remove(&slot.used);
        }
    }

    #[cfg(test)]
    pub(super) fn len_and_bytes(&self) -> (usize, usize) {
        assert_eq!(self.slots.len(), self.uses.len());
        assert_eq!(self.slots.values().map(|slot| slot.bytes).sum::<usize>(), self.bytes);
        (self.slots.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        let source = TableSource::Delta { bucket: "b".to_owned(), location: number.to_string() };
        Key { source, wanted: Wanted::Latest }
    }

    fn add(cache: &mut Cache, number: usize, bytes: Option<usize>) {
        let (entry, _) = cache.arrive(&key(number));
        cache.settle(&key(number), &entry, bytes);
    }

    fn numbers(cache: &Cache) -> Vec<usize> {
        (0..20).filter(|&number| cache.slots.contains_key(&key(number))).collect()
    }

    const KB: usize = 1_000;

    #[test]
    fn the_least_recently_used_leave_when_the_budget_is_full() {
        let mut cache = Cache::new(4 * (KB + SNAPSHOT_OVERHEAD_BYTES));
        (0..4).for_each(|number| add(&mut cache, number, Some(KB)));
        add(&mut cache, 1, Some(KB));
        add(&mut cache, 4, Some(KB));
        add(&mut cache, 5, Some(KB));
        assert_eq!(numbers(&cache), [1, 3, 4, 5]);
        assert!(cache.holds(&key(5)) && !cache.holds(&key(0)));
        let _under_way = cache.arrive(&key(6));
        assert!(!cache.holds(&key(6)));
        cache.remove(&key(6));
        assert_eq!(cache.len_and_bytes(), (4, 4 * (KB + SNAPSHOT_OVERHEAD_BYTES)));
    }

    #[test]
    fn failures_and_what_exceeds_the_budget_alone_are_not_kept() {
        let mut cache = Cache::new(10 * SNAPSHOT_OVERHEAD_BYTES);
        add(&mut cache, 0, None);
        add(&mut cache, 1, Some(20 * SNAPSHOT_OVERHEAD_BYTES));
        assert_eq!(cache.len_and_bytes(), (0, 0));
        add(&mut cache, 2, Some(0));
        add(&mut cache, 2, None);
        assert_eq!(cache.len_and_bytes(), (0, 0));
    }

    #[test]
    fn entries_in_use_stay_until_they_are_not() {
        let mut cache = Cache::new(2 * SNAPSHOT_OVERHEAD_BYTES);
        let (held, _) = cache.arrive(&key(0));
        cache.settle(&key(0), &held, Some(0));
        (1..4).for_each(|number| add(&mut cache, number, Some(0)));
        assert_eq!(numbers(&cache), [0, 3]);
        drop(held);
        (4..6).for_each(|number| add(&mut cache, number, Some(0)));
        assert_eq!(numbers(&cache), [4, 5]);
    }
}
