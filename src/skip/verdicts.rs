//! What partition values say of a predicate, each asked once.

use super::domain::Domain;
use super::predicate::Predicate;
use crate::limits::{KNOWN_PARTITIONS_BYTES_MAX, SEGMENT_PARTITIONS_ASKED_MAX};
use crate::table::dictionary::DictionaryBuilder;
use crate::table::file_list::FileList;
use crate::table::segment::PartitionNumber;

/// What the partition values of a file say.
#[derive(Debug)]
pub(super) enum Verdict {
    Refused,
    Taken,
    /// The statistics decide.
    Open(Vec<Domain<'static>>),
}

/// Verdicts on the way through a list. Segments number their partition values anew, so what was found is kept by
/// the values themselves, and by number only for the segment at hand.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    known: DictionaryBuilder,
    /// By number in `known`.
    by_number: Vec<Verdict>,
    segment: Option<usize>,
    /// By the number in `segment`: the number in `known`, plus one; 0 if not asked yet.
    of_segment: Vec<u32>,
    is_segment_refused: bool,
    /// Distinct values met so far, those of each segment by themselves.
    pub(super) asked_count: usize,
}

impl Verdicts {
    /// Whether no file of the segment with block `index` can hold a wanted row. Only said of segments with few distinct
    /// values: others are found block by block.
    pub(super) fn refuse_segment(&mut self, predicate: &Predicate, files: &FileList, index: usize) -> bool {
        let Some((segment, count)) = files.partitions_around(index) else { return true };
        if self.segment != Some(segment) {
            self.enter(segment);
            let numbers = (0..count).map_while(|number| u16::try_from(number).ok());
            let mut partitions = numbers.map(|number| PartitionNumber { segment, number });
            self.is_segment_refused = count <= SEGMENT_PARTITIONS_ASKED_MAX
                && partitions
                    .all(|partition| matches!(self.find(predicate, files, partition), Verdict::Refused));
        }
        self.is_segment_refused
    }

    /// The verdict on partition values of the list.
    pub(super) fn find(
        &mut self,
        predicate: &Predicate,
        files: &FileList,
        partition: PartitionNumber,
    ) -> &Verdict {
        self.of(predicate, partition, || files.partition_values_json(partition))
    }

    pub(super) fn of<'j>(
        &mut self,
        predicate: &Predicate,
        partition: PartitionNumber,
        partition_values_json: impl FnOnce() -> &'j [u8],
    ) -> &Verdict {
        if self.segment != Some(partition.segment) {
            self.enter(partition.segment);
        }
        let place = usize::from(partition.number);
        let mut number = self.of_segment.get(place).copied().unwrap_or_default();
        if number == 0 {
            number = self.number_of(predicate, partition_values_json()) + 1;
            if self.of_segment.len() <= place {
                self.of_segment.resize(place + 1, 0);
            }
            if let Some(slot) = self.of_segment.get_mut(place) {
                *slot = number;
            }
        }
        self.by_number.get(number as usize - 1).unwrap_or(&Verdict::Taken)
    }

    fn enter(&mut self, segment: usize) {
        self.segment = Some(segment);
        self.is_segment_refused = false;
        self.of_segment.clear();
    }

    fn number_of(&mut self, predicate: &Predicate, partition_values_json: &[u8]) -> u32 {
        self.asked_count += 1;
        if self.known.byte_count() >= KNOWN_PARTITIONS_BYTES_MAX {
            self.known = DictionaryBuilder::default();
            self.by_number.clear();
            self.of_segment.clear();
        }
        let (number, is_new) = self.known.intern(partition_values_json);
        if is_new {
            self.by_number.push(verdict(predicate, partition_values_json));
        }
        number
    }
}

fn verdict(predicate: &Predicate, partition_values_json: &[u8]) -> Verdict {
    let domains = predicate.partition_domains(partition_values_json);
    let truth = predicate.ask_partition(&domains);
    if !truth.can_be_true {
        Verdict::Refused
    } else if truth.is_certain() || !predicate.needs_statistics() {
        Verdict::Taken
    } else {
        Verdict::Open(domains)
    }
}
