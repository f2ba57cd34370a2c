//! Partition values as text: what readers are told, and facts behind.
//!
//! A table may put rows into files by values that its readers do not see as partition values. What these say of columns
//! stands behind the JSON object: one fact after the other, each a JSON object that begins behind a mark. Files with the same
//! text are neighbours, and a query asks each text once.
//!
//! A fact is like the statistics of a file whose only row stands for all rows of the partition: `numRecords` (1), `minValues`,
//! `maxValues`, `nullCount` (1: all are null; 0: none is). Beside these there are `prefixes`, what texts begin with, and
//! `buckets`: `[count, number]` of the bucket that values hash to. Columns go by their physical names.

/// No JSON text holds it.
const MARK: u8 = 0;

/// Appends a fact to a text.
pub fn push_fact(text: &mut Vec<u8>, fact: &[u8]) {
    text.push(MARK);
    text.extend_from_slice(fact);
}

/// The JSON object that readers are told.
pub fn json(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == MARK).next().unwrap_or_default()
}

/// The facts behind.
pub fn facts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == MARK).skip(1)
}

/// Whether there are facts in a text, or in one of many that stand together.
pub(super) fn has_facts(text: &[u8]) -> bool {
    text.contains(&MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_stand_behind_the_values() {
        let mut text = b"{}".to_vec();
        assert!(!has_facts(&text) && facts(&text).next().is_none());
        push_fact(&mut text, b"{\"a\":1}");
        push_fact(&mut text, b"{}");
        assert_eq!((json(&text), has_facts(&text)), (&b"{}"[..], true));
        assert!(facts(&text).eq([&b"{\"a\":1}"[..], b"{}"]));
        assert_eq!(json(b""), b"");
    }
}
