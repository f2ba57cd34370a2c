//! Asks a predicate of the files of a list, each question once.
//!
//! Partition values come in few distinct tuples, so each is asked once per segment, and a block whose tuples are all
//! refused is never unpacked. Only where the partition leaves a doubt is a file's own text read.

use super::domain::Domain;
use super::predicate::Predicate;
use crate::encode::json::unescape_into;
use crate::table::file::File;
use crate::table::file_list::FileList;
use crate::table::segment::PartitionNumber;

/// A predicate on its way through a list.
#[derive(Debug)]
pub struct Pruner {
    predicate: Predicate,
    segment: usize,
    /// By the partition's number in `segment`.
    verdicts: Vec<Option<Verdict>>,
    /// Statistics, unescaped.
    text: Vec<u8>,
}

/// What the partition values of a file say.
#[derive(Debug)]
enum Verdict {
    Refused,
    Taken,
    /// The statistics decide.
    Open(Vec<Domain<'static>>),
}

impl Pruner {
    /// `None` if the predicate could leave out nothing.
    pub fn new(predicate: Predicate) -> Option<Self> {
        let is_idle = predicate.is_idle();
        (!is_idle).then(|| Self { predicate, segment: 0, verdicts: Vec::new(), text: Vec::new() })
    }

    /// Whether a file of block `index` may hold a wanted row; far cheaper than to unpack the block.
    pub fn may_match_block(&mut self, files: &FileList, index: usize) -> bool {
        let mut last = None;
        files.block_partitions(index).any(|(partition, json)| {
            if last == Some(partition) {
                return false;
            }
            last = Some(partition);
            !matches!(self.verdict(partition, json), Verdict::Refused)
        })
    }

    /// Whether the file may hold a wanted row.
    pub fn may_match(&mut self, file: &File<'_>) -> bool {
        let mut text = std::mem::take(&mut self.text);
        let answer = match self.verdict(file.partition, file.partition_values_json) {
            Verdict::Refused => Some(false),
            Verdict::Taken => Some(true),
            Verdict::Open(_) if file.stats_escaped.is_empty() => Some(true),
            Verdict::Open(_) => None,
        };
        let answer = answer.unwrap_or_else(|| {
            text.clear();
            unescape_into(file.stats_escaped, &mut text);
            self.ask_file(file, std::str::from_utf8(&text).unwrap_or_default())
        });
        self.text = text;
        answer
    }

    fn ask_file(&self, file: &File<'_>, stats: &str) -> bool {
        match self.verdicts.get(usize::from(file.partition.number)) {
            Some(Some(Verdict::Open(partition))) => self.predicate.ask_file(partition, stats).can_be_true,
            _ => true,
        }
    }

    fn verdict(&mut self, partition: PartitionNumber, partition_values_json: &[u8]) -> &Verdict {
        if self.segment != partition.segment {
            self.segment = partition.segment;
            self.verdicts.clear();
        }
        let number = usize::from(partition.number);
        if self.verdicts.len() <= number {
            self.verdicts.resize_with(number + 1, || None);
        }
        let predicate = &self.predicate;
        let ask = || {
            let domains = predicate.partition_domains(partition_values_json);
            let truth = predicate.ask_partition(&domains);
            if !truth.can_be_true {
                Verdict::Refused
            } else if truth.is_certain() || !predicate.needs_statistics() {
                Verdict::Taken
            } else {
                Verdict::Open(domains)
            }
        };
        match self.verdicts.get_mut(number) {
            Some(verdict) => verdict.get_or_insert_with(ask),
            None => &Verdict::Taken,
        }
    }
}
