//! Asks a predicate of the files of a list, each question once.
//!
//! Partition values come in few distinct tuples, so each is asked once, and a block whose tuples are all refused
//! is never unpacked. Only where the partition leaves a doubt is a file's own text read.

use super::predicate::Predicate;
use super::verdicts::{Verdict, Verdicts};
use crate::encode::json::unescape_into;
use crate::table::file::File;
use crate::table::file_list::FileList;

/// Microseconds that a usual machine takes to pass over a block, to find a verdict, to unpack a block, and to read
/// the statistics of a file.
const BLOCK_MICROS: usize = 1;
const VERDICT_MICROS: usize = 1;
const UNPACK_MICROS: usize = 300;
const STATISTICS_MICROS: usize = 2;

/// A predicate on its way through a list.
#[derive(Debug)]
pub struct Pruner {
    predicate: Predicate,
    verdicts: Verdicts,
    /// Statistics, unescaped.
    text: Vec<u8>,
    work_micros: usize,
}

impl Pruner {
    /// `None` if the predicate could leave out nothing.
    pub fn new(predicate: Predicate) -> Option<Self> {
        let is_idle = predicate.is_idle();
        let verdicts = Verdicts::default();
        (!is_idle).then(|| Self { predicate, verdicts, text: Vec::new(), work_micros: 0 })
    }

    /// About how long the work took until now, in microseconds. It is counted, not measured: the same question gives way to
    /// others at the same places.
    pub fn work_micros(&self) -> usize {
        self.work_micros + self.verdicts.asked_count * VERDICT_MICROS
    }

    /// Whether a file of block `index` may hold a wanted row; far cheaper than to unpack the block.
    pub fn may_match_block(&mut self, files: &FileList, index: usize) -> bool {
        self.work_micros += BLOCK_MICROS;
        let Self { predicate, verdicts, .. } = self;
        let may_match = !verdicts.refuse_segment(predicate, files, index)
            && files.block_runs(index).any(|(partition, _)| !verdicts.refuses(predicate, files, partition));
        self.work_micros += if may_match { UNPACK_MICROS } else { 0 };
        may_match
    }

    /// Whether the file may hold a wanted row.
    pub fn may_match(&mut self, file: &File<'_>) -> bool {
        let Self { predicate, verdicts, text, work_micros } = self;
        match verdicts.of(predicate, file.partition, || file.partition_values_json) {
            Verdict::Refused => false,
            Verdict::Taken => true,
            Verdict::Open(_) if file.stats_escaped.is_empty() => true,
            Verdict::Open(partition) => {
                *work_micros += STATISTICS_MICROS;
                text.clear();
                unescape_into(file.stats_escaped, text);
                let stats = std::str::from_utf8(text).unwrap_or_default();
                predicate.ask_file(partition, stats).can_be_true
            }
        }
    }
}
