//! Asks a predicate of the files of a list, each question once.
//!
//! Partition values come in few distinct tuples, so each is asked once, and blocks whose tuples are all refused are passed
//! over many at once and never unpacked. Where the partition leaves a doubt, typed bounds tell which files of a block can match; only where these
//! are too coarse is a file's own text read. The first query that asks for a column makes its bounds.

use super::block_masks::BlockMasks;
use super::predicate::Predicate;
pub use super::verdicts::Sought;
use super::verdicts::{Verdict, Verdicts};
use crate::encode::json::unescape_into;
use crate::table::file::File;
use crate::table::file_list::FileList;

/// Microseconds that a usual machine takes to pass over a block, to find a verdict, to make the bounds of a block, to
/// unpack one, and to read the statistics of a file.
const BLOCK_MICROS: usize = 1;
const VERDICT_MICROS: usize = 1;
const MAKE_MICROS: usize = 90;
const UNPACK_MICROS: usize = 40;
const STATISTICS_MICROS: usize = 2;
/// Refused partition values that are passed over in a microsecond.
const PASSED_A_MICROSECOND: usize = 256;
/// Conditions that are asked of the bounds of a block in a microsecond.
const CONDITIONS_A_MICROSECOND: usize = 4;

/// A predicate on its way through a list.
#[derive(Debug)]
pub struct Pruner {
    predicate: Predicate,
    verdicts: Verdicts,
    masks: BlockMasks,
    reads_texts: bool,
    /// Statistics, unescaped.
    text: Vec<u8>,
    work_micros: usize,
}

impl Pruner {
    /// `None` if the predicate could leave out nothing.
    pub fn new(predicate: Predicate) -> Option<Self> {
        let (verdicts, masks) = (Verdicts::default(), BlockMasks::new(&predicate));
        let is_idle = predicate.is_idle();
        (!is_idle).then(|| Self {
            predicate,
            verdicts,
            masks,
            reads_texts: false,
            text: Vec::new(),
            work_micros: 0,
        })
    }

    /// The same without bounds, so that texts are read of all files that the partition leaves open.
    #[must_use]
    pub fn without_bounds(mut self) -> Self {
        self.reads_texts = true;
        self
    }

    /// About how long the work took until now, in microseconds. It is counted, not measured: the same question gives way to
    /// others at the same places.
    pub fn work_micros(&self) -> usize {
        let made = self.masks.made_count * MAKE_MICROS;
        let passed = self.verdicts.passed_count / PASSED_A_MICROSECOND;
        self.work_micros + made + passed + self.verdicts.asked_count * VERDICT_MICROS
    }

    /// The next block, from `index` on, that has a file which may hold a wanted row, or how far none has. It goes on only as
    /// long as others can wait for.
    pub fn seek(&mut self, files: &FileList, index: usize) -> Sought {
        match self.verdicts.seek(&self.predicate, files, index) {
            Sought::At(block) if !self.may_match_block(files, block) => Sought::Before(block + 1),
            found @ (Sought::At(_) | Sought::Before(_)) => found,
        }
    }

    /// Whether a file of block `index` may hold a wanted row; far cheaper than to unpack the block.
    pub fn may_match_block(&mut self, files: &FileList, index: usize) -> bool {
        self.work_micros += BLOCK_MICROS;
        let may_match = match self.partitions(files, index) {
            Partitions::Refused => false,
            Partitions::Taken => true,
            Partitions::Open if self.reads_texts => true,
            Partitions::Open => self.ask_bounds(files, index),
        };
        self.work_micros += if may_match { UNPACK_MICROS } else { 0 };
        may_match
    }

    /// What the partition values of a block say together.
    fn partitions(&mut self, files: &FileList, index: usize) -> Partitions {
        let mut all = Partitions::Refused;
        for (partition, _) in files.block_runs(index) {
            match self.verdicts.find(&self.predicate, files, partition) {
                Verdict::Refused => {}
                Verdict::Taken => all = Partitions::Taken,
                Verdict::Open(_) => return Partitions::Open,
            }
        }
        all
    }

    /// Asks the bounds of a block in which some partition values leave a doubt.
    fn ask_bounds(&mut self, files: &FileList, index: usize) -> bool {
        let Self { predicate, verdicts, masks, work_micros, .. } = self;
        *work_micros += predicate.condition_count() / CONDITIONS_A_MICROSECOND;
        let only = {
            let mut partitions = files.block_runs(index).map(|(partition, _)| partition);
            let first = partitions.next();
            first.filter(|first| partitions.all(|partition| partition == *first))
        };
        let only = only.map(|partition| verdicts.find(predicate, files, partition));
        let domains = only.and_then(|verdict| match verdict {
            Verdict::Open(domains) => Some(domains),
            Verdict::Refused | Verdict::Taken => None,
        });
        let perhaps = masks.ask(predicate, files, index, domains);
        let mut row = 0;
        files.block_runs(index).any(|(partition, count)| {
            let rows = row..row + count;
            row += count;
            match verdicts.find(predicate, files, partition) {
                Verdict::Refused => false,
                Verdict::Taken => true,
                Verdict::Open(_) => perhaps.has_any(rows),
            }
        })
    }

    /// Whether the file may hold a wanted row.
    pub fn may_match(&mut self, file: &File<'_>) -> bool {
        let Self { predicate, verdicts, masks, text, work_micros, .. } = self;
        match verdicts.of_file(predicate, file) {
            Verdict::Refused => false,
            Verdict::Taken => true,
            Verdict::Open(_) if file.stats_escaped.is_empty() => true,
            Verdict::Open(partition) => masks.of_file(file).unwrap_or_else(|| {
                *work_micros += STATISTICS_MICROS;
                text.clear();
                unescape_into(file.stats_escaped, text);
                let stats = std::str::from_utf8(text).unwrap_or_default();
                predicate.ask_file(partition, stats).can_be_true
            }),
        }
    }
}

/// What the partition values of a block say together.
enum Partitions {
    Refused,
    /// Some are taken and the rest is refused.
    Taken,
    /// Some leave a doubt.
    Open,
}
