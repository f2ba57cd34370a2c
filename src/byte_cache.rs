//! Caches under a budget of bytes.

use std::hash::Hash;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// A cache of at most `bytes_max`, mostly of entries of `bytes_usual`. It is not split: a part of it would have no room for
/// the largest entries.
pub fn whole<K, V, W>(bytes_max: usize, bytes_usual: usize, weighter: W) -> Cache<K, V, W>
where
    K: Eq + Hash,
    V: Clone,
    W: Weighter<K, V> + Clone,
{
    split(bytes_max, bytes_usual, 1, weighter)
}

/// The same in `parts`, each with a lock and a share of the budget of its own.
pub fn split<K, V, W>(bytes_max: usize, bytes_usual: usize, parts: usize, weighter: W) -> Cache<K, V, W>
where
    K: Eq + Hash,
    V: Clone,
    W: Weighter<K, V> + Clone,
{
    let options = OptionsBuilder::new()
        .weight_capacity(bytes_max as u64)
        .estimated_items_capacity(bytes_max / bytes_usual)
        .shards(parts)
        .build();
    match options {
        Ok(options) => {
            Cache::with_options(options, weighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
        }
        // Only where a limit is not given.
        Err(_) => Cache::with_weighter(0, 0, weighter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Weight;

    impl Weighter<u8, u64> for Weight {
        fn weight(&self, _: &u8, bytes: &u64) -> u64 {
            *bytes
        }
    }

    #[test]
    fn one_entry_may_take_nearly_all_of_a_whole_cache() {
        let cache = whole(1 << 20, 1 << 10, Weight);
        cache.insert(1, 900 << 10);
        assert_eq!(cache.get(&1), Some(900 << 10));
        cache.insert(2, 2 << 20);
        assert_eq!(cache.get(&2), None, "more than the budget is not kept");
    }

    #[test]
    fn the_budget_holds() {
        for cache in [whole(1 << 20, 1 << 10, Weight), split(1 << 20, 1 << 10, 4, Weight)] {
            for number in 0..100 {
                cache.insert(number, 50 << 10);
            }
            assert!((1..=1 << 20).contains(&cache.weight()));
        }
    }
}
