//! Distinct partition values of a whole list, numbered once.
//!
//! Segments number their values each by themselves. What depends on values and not on files is asked by the number here:
//! once, in however many segments the value is met. Lists of later versions go on with the numbers of earlier ones.

use std::sync::Arc;

use super::dictionary::{DictionaryBuilder, Strings};
use crate::limits::LISTED_VALUES_BYTES_MAX;

/// The number of partition values in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueId(u32);

impl ValueId {
    /// Of values that came when there were too many.
    const UNLISTED: Self = Self(u32::MAX);

    /// The number; `None` for values that the list does not number.
    #[inline]
    pub fn listed(self) -> Option<usize> {
        (self != Self::UNLISTED).then_some(self.0 as usize)
    }
}

/// Values by number, JSON objects.
#[derive(Debug, Clone, Default)]
pub(super) struct PartitionValues {
    known: DictionaryBuilder,
}

impl PartitionValues {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.known.memory_bytes()
    }

    fn id_of(&self, json: &[u8]) -> Option<ValueId> {
        self.known.number_of(json).map(ValueId)
    }

    fn has_room(&self) -> bool {
        self.known.byte_count() < LISTED_VALUES_BYTES_MAX
    }
}

/// Numbers the values of one segment after the other.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Copied before the first new value, unless nobody else has them.
    values: Arc<PartitionValues>,
    /// What the segment before got.
    last: Arc<[ValueId]>,
}

impl Numbering {
    /// Goes on after these.
    pub(super) fn after(values: Arc<PartitionValues>, last: Option<Arc<[ValueId]>>) -> Self {
        Self { values, last: last.unwrap_or_default() }
    }

    /// The numbers of a segment's values. Neighbours mostly have the same values in the same order, and share
    /// their numbers then.
    pub(super) fn number(&mut self, segment_values: &Strings) -> Arc<[ValueId]> {
        if !self.is_as_before(segment_values) {
            self.last = segment_values.iter().map(|json| self.number_one(json)).collect();
        }
        Arc::clone(&self.last)
    }

    fn is_as_before(&self, segment_values: &Strings) -> bool {
        let is_same = |(id, json): (&ValueId, &[u8])| {
            id.listed().is_some_and(|number| self.values.known.get(number) == json)
        };
        self.last.len() == segment_values.len() && self.last.iter().zip(segment_values.iter()).all(is_same)
    }

    fn number_one(&mut self, json: &[u8]) -> ValueId {
        if let Some(id) = self.values.id_of(json) {
            return id;
        }
        if !self.values.has_room() {
            return ValueId::UNLISTED;
        }
        let (number, _) = Arc::make_mut(&mut self.values).known.intern(json);
        ValueId(number)
    }

    pub(super) fn finish(self) -> Arc<PartitionValues> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Strings {
        let mut strings = Strings::default();
        for value in values {
            strings.push(value.as_bytes());
        }
        strings
    }

    fn numbers(ids: &[ValueId]) -> Vec<Option<usize>> {
        ids.iter().map(|id| id.listed()).collect()
    }

    #[test]
    fn equal_values_of_segments_have_one_number() {
        let mut numbering = Numbering::after(Arc::default(), None);
        let first = numbering.number(&strings(&["a", "b", "d"]));
        let second = numbering.number(&strings(&["a", "b", "d"]));
        let third = numbering.number(&strings(&["a", "c", "d"]));
        assert_eq!(numbers(&first), [Some(0), Some(1), Some(2)]);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(numbers(&third), [Some(0), Some(3), Some(2)]);
        let values = numbering.finish();
        let mut later = Numbering::after(Arc::clone(&values), Some(third));
        assert_eq!(numbers(&later.number(&strings(&["d", "a"]))), [Some(2), Some(0)]);
        assert!(Arc::ptr_eq(&later.finish(), &values), "nothing new, nothing copied");
        let mut later = Numbering::after(Arc::clone(&values), None);
        assert_eq!(numbers(&later.number(&strings(&["e"]))), [Some(4)]);
        assert_eq!((values.len(), later.finish().len()), (4, 5));
    }

    #[test]
    fn values_that_come_too_late_have_no_number() {
        let long = "x".repeat(LISTED_VALUES_BYTES_MAX);
        let mut numbering = Numbering::after(Arc::default(), None);
        let ids = numbering.number(&strings(&["a", &long, "b", "a"]));
        assert_eq!(numbers(&ids), [Some(0), Some(1), None, Some(0)]);
        assert_eq!(numbers(&numbering.number(&strings(&["a", &long, "b", "a"]))), numbers(&ids));
    }
}
