//! What partition values say of a predicate, each asked once.

use std::sync::Arc;

use super::domain::Domain;
use super::partition_facts::KnownFacts;
use super::predicate::Predicate;
use crate::limits::{KNOWN_PARTITIONS_BYTES_MAX, PARTITIONS_ASKED_PER_STEP};
use crate::table::dictionary::DictionaryBuilder;
use crate::table::file::File;
use crate::table::file_list::FileList;
use crate::table::partition_text;
use crate::table::partition_values::ValueId;
use crate::table::segment::PartitionNumber;

/// What the partition values of a file say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict<'v> {
    Refused,
    Taken,
    /// The statistics decide.
    Open(&'v [Domain<'static>]),
}

/// How far a search for a block came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// To this one, which may hold a wanted row.
    At(usize),
    /// There is none before this one, which was not asked yet.
    Before(usize),
}

/// A verdict in four bytes: not asked yet, refused, taken, or the number of an open one plus [`Self::FIRST_OPEN`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Code(u32);

impl Code {
    const UNASKED: Self = Self(0);
    const REFUSED: Self = Self(1);
    const TAKEN: Self = Self(2);
    const FIRST_OPEN: u32 = 3;
}

/// Verdicts on the way through a list: kept by the list's numbers of partition values. Values that the list does not
/// number are known by themselves, and by number only for the segment at hand.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    of_id: Vec<Code>,
    open: Vec<Vec<Domain<'static>>>,
    /// Bytes of JSON that the open ones were made of.
    open_bytes: usize,
    /// The open one of partitions that have no values.
    without_values: Option<Code>,
    facts: KnownFacts,
    unlisted: DictionaryBuilder,
    /// By number in `unlisted`.
    of_unlisted: Vec<Code>,
    segment: Option<usize>,
    /// Of `segment`.
    ids: Arc<[ValueId]>,
    /// Of the unlisted ones of `segment`.
    of_segment: Vec<Code>,
    /// Values whose verdict was found.
    pub(super) asked_count: usize,
    /// Values of segments whose verdict was looked at on the way to a block.
    pub(super) passed_count: usize,
}

impl Verdicts {
    /// The next block of the segment, from `index` on, that has partition values which are not refused; those of a block
    /// are found together.
    pub(super) fn seek(&mut self, predicate: &Predicate, files: &FileList, index: usize) -> Sought {
        let Some(mut walk) = files.walk_partitions(index) else { return Sought::Before(files.block_count()) };
        let asked_max = self.asked_count + PARTITIONS_ASKED_PER_STEP;
        while let Some(partition) = walk.partition() {
            self.passed_count += 1;
            let code = self.code(predicate, files, partition);
            if code != Code::REFUSED {
                return Sought::At(walk.block());
            }
            walk.pass();
            if self.asked_count > asked_max && walk.block() > index {
                break;
            }
        }
        Sought::Before(walk.block())
    }

    /// The verdict on partition values of the list.
    pub(super) fn find(
        &mut self,
        predicate: &Predicate,
        files: &FileList,
        partition: PartitionNumber,
    ) -> Verdict<'_> {
        let code = self.code(predicate, files, partition);
        self.verdict(code)
    }

    /// The verdict on a file of the segment at hand, or of any other.
    pub(super) fn of_file(&mut self, predicate: &Predicate, file: &File<'_>) -> Verdict<'_> {
        if self.segment != Some(file.partition.segment) {
            self.enter(file.partition.segment, Arc::default());
        }
        let code = self.code_within(predicate, file.partition.number, || file.partition_text);
        self.verdict(code)
    }

    fn verdict(&self, code: Code) -> Verdict<'_> {
        match code {
            Code::REFUSED => Verdict::Refused,
            Code(code) => {
                let number = code.checked_sub(Code::FIRST_OPEN);
                let open = number.and_then(|number| self.open.get(number as usize));
                open.map_or(Verdict::Taken, |domains| Verdict::Open(domains))
            }
        }
    }

    fn code(&mut self, predicate: &Predicate, files: &FileList, partition: PartitionNumber) -> Code {
        if self.segment != Some(partition.segment) {
            self.enter(partition.segment, files.value_ids(partition.segment));
            self.of_id.resize(files.value_count(), Code::UNASKED);
        }
        self.code_within(predicate, partition.number, || files.partition_text(partition))
    }

    fn enter(&mut self, segment: usize, ids: Arc<[ValueId]>) {
        self.segment = Some(segment);
        self.ids = ids;
        self.of_segment.clear();
    }

    /// The verdict on values of the segment at hand.
    #[inline]
    fn code_within<'j>(
        &mut self,
        predicate: &Predicate,
        number: u16,
        text: impl FnOnce() -> &'j [u8],
    ) -> Code {
        let number = usize::from(number);
        let id = self.ids.get(number).and_then(|id| id.listed());
        let known = match id {
            Some(id) => self.of_id.get(id),
            None => self.of_segment.get(number),
        };
        match known {
            Some(&code) if code != Code::UNASKED => code,
            _ => self.ask(predicate, number, text()),
        }
    }

    #[cold]
    fn ask(&mut self, predicate: &Predicate, number: usize, text: &[u8]) -> Code {
        self.asked_count += 1;
        if self.open_bytes + self.unlisted.byte_count() + self.facts.byte_count()
            >= KNOWN_PARTITIONS_BYTES_MAX
        {
            self.forget();
        }
        if let Some(id) = self.ids.get(number).and_then(|id| id.listed()) {
            let code = self.judge(predicate, text);
            if let Some(slot) = self.of_id.get_mut(id) {
                *slot = code;
            }
            return code;
        }
        let (known, is_new) = self.unlisted.intern(text);
        if is_new {
            let code = self.judge(predicate, text);
            self.of_unlisted.push(code);
        }
        let code = self.of_unlisted.get(known as usize).copied().unwrap_or(Code::TAKEN);
        if self.of_segment.len() <= number {
            self.of_segment.resize(number + 1, Code::UNASKED);
        }
        if let Some(slot) = self.of_segment.get_mut(number) {
            *slot = code;
        }
        code
    }

    fn judge(&mut self, predicate: &Predicate, text: &[u8]) -> Code {
        let json = partition_text::json(text);
        let domains = predicate.partition_domains(json);
        let facts = self.facts.domains(predicate.statistics_columns(), text);
        let truth = predicate.ask_partition(&domains, &facts);
        if !truth.can_be_true {
            return Code::REFUSED;
        }
        if truth.is_certain() || !predicate.needs_statistics() {
            return Code::TAKEN;
        }
        let has_values = !domains.is_empty();
        if let Some(code) = self.without_values.filter(|_| !has_values) {
            return code;
        }
        let number = u32::try_from(self.open.len()).ok();
        let code = number.and_then(|number| number.checked_add(Code::FIRST_OPEN)).map_or(Code::TAKEN, Code);
        self.open.push(domains);
        self.open_bytes += json.len();
        if !has_values {
            self.without_values = Some(code);
        }
        code
    }

    /// Forgets what takes memory.
    fn forget(&mut self) {
        for code in &mut self.of_id {
            if code.0 >= Code::FIRST_OPEN {
                *code = Code::UNASKED;
            }
        }
        self.open.clear();
        self.open_bytes = 0;
        self.without_values = None;
        self.facts = KnownFacts::default();
        self.unlisted = DictionaryBuilder::default();
        self.of_unlisted.clear();
        self.of_segment.clear();
    }
}
