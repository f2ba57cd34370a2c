//! Parts of a list, kept for whoever asks for them again.

use arc_swap::ArcSwap;

use crate::limits::KEPT_PARTS_MAX;

/// The parts that were made last, by what was asked.
#[derive(Debug)]
pub(super) struct KeptParts<T> {
    parts: ArcSwap<Vec<(Box<str>, T)>>,
}

impl<T> Default for KeptParts<T> {
    fn default() -> Self {
        Self { parts: ArcSwap::default() }
    }
}

impl<T: Clone> KeptParts<T> {
    /// The part that answers `question`, made now if need be. Two that ask at once may both make it.
    pub(super) fn get_or_make(&self, question: &str, make: impl FnOnce() -> T) -> T {
        if let Some((_, part)) = self.parts.load().iter().find(|(known, _)| **known == *question) {
            return part.clone();
        }
        let made = make();
        self.parts.rcu(|parts| {
            let others = parts.iter().filter(|(known, _)| **known != *question);
            let mut next: Vec<_> = others.cloned().collect();
            next.drain(..(next.len() + 1).saturating_sub(KEPT_PARTS_MAX));
            next.push((question.into(), made.clone()));
            next
        });
        made
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_part_is_made_once_until_too_many_others_were_asked_for() {
        let parts = KeptParts::default();
        let made = Cell::new(0);
        let ask = |question: usize| {
            let make = || {
                made.set(made.get() + 1);
                question
            };
            assert_eq!(parts.get_or_make(&question.to_string(), make), question);
            made.get()
        };
        assert_eq!([1, 1, 2, 1, 2].map(ask), [1, 1, 2, 2, 2]);
        let others = (3..=KEPT_PARTS_MAX).map(ask).last();
        assert_eq!((others, ask(1)), (Some(KEPT_PARTS_MAX), KEPT_PARTS_MAX));
        assert_eq!(ask(KEPT_PARTS_MAX + 1), KEPT_PARTS_MAX + 1);
        assert_eq!([1, 2].map(ask), [KEPT_PARTS_MAX + 2, KEPT_PARTS_MAX + 3], "the first ones left");
    }
}
