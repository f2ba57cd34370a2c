//! Where tables lay that were dropped a moment ago.
//!
//! Spark purges a table by itself: it drops it first and removes the files after. An engine with credentials of its own or
//! lent ones can do that; for one whose requests are signed here the table has to be known a while longer.

use quick_cache::sync::Cache;

use super::location::Place;
use crate::limits;
use crate::state::catalog::EntryName;

/// Tables by warehouse and name; the oldest give way.
pub(super) struct Dropped {
    places: Cache<(String, EntryName), Lain>,
}

#[derive(Clone)]
struct Lain {
    place: Place,
    until_ms: i64,
}

impl Dropped {
    pub(super) fn new() -> Self {
        Self { places: Cache::new(limits::catalog::DROPPED_MAX) }
    }

    /// Remembers the place for as long as credentials for it would have lived.
    pub(super) fn add(&self, warehouse: &str, name: EntryName, place: Place, now_ms: i64) {
        let until_ms = now_ms.saturating_add(limits::catalog::VENDED_CREDENTIAL_MS);
        self.places.insert((warehouse.to_owned(), name), Lain { place, until_ms });
    }

    pub(super) fn place(&self, warehouse: &str, name: &EntryName, now_ms: i64) -> Option<Place> {
        let lain = self.places.get(&(warehouse.to_owned(), name.clone()))?;
        (now_ms < lain.until_ms).then_some(lain.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName { namespace: vec!["n".into()], name: text.into() }
    }

    #[test]
    fn a_dropped_table_is_known_for_a_while() {
        let dropped = Dropped::new();
        let place = Place { bucket: "lake".into(), key: "t".into() };
        dropped.add("lake", name("t"), place.clone(), 1_000);
        let life_ms = limits::catalog::VENDED_CREDENTIAL_MS;
        assert_eq!(dropped.place("lake", &name("t"), 999 + life_ms), Some(place));
        assert_eq!(dropped.place("lake", &name("t"), 1_000 + life_ms), None);
        assert_eq!(dropped.place("pond", &name("t"), 1_000), None);
        assert_eq!(dropped.place("lake", &name("u"), 1_000), None);
    }

    #[test]
    fn many_drops_take_no_more_room() {
        let dropped = Dropped::new();
        for number in 0..3 * limits::catalog::DROPPED_MAX {
            let place = Place { bucket: "lake".into(), key: number.to_string() };
            dropped.add("lake", name(&number.to_string()), place, 0);
        }
        assert!(dropped.places.len() <= limits::catalog::DROPPED_MAX);
    }
}
