//! Files in, one by one; a finished segment out.

use super::deletion_vector::{DeletionVector, DeletionVectors, Place};
use super::dictionary::{DictionaryBuilder, Strings};
use super::digests::Digests;
use super::names::NamesBuilder;
use super::numbers::{MISSING, Numbers, OptionalNumbers, Times};
use super::order::Order;
use super::partitions::Partitions;
use super::path_digest::PathDigest;
use super::segment::{Directories, EncodedNames, Segment};
use super::statistics::Packer;
use super::texts::Texts;
use crate::encode::json;
use crate::encode::url_path::{OUTSIDE, encode_into, is_plain};
use crate::limits::{SEGMENT_ARENA_BYTES_MAX, SEGMENT_FILES_MAX, SEGMENT_TEXT_BYTES_MAX, STATS_BYTES_MAX};

/// A path in the spelling of the log, and decoded.
#[derive(Debug, Clone, Copy)]
pub struct FilePath<'a> {
    /// As the log spells it: what file ids are made of.
    pub log: &'a [u8],
    /// How many bytes of `log` are its directory, the last slash included.
    pub log_directory_bytes: usize,
    /// The object key below the table's root.
    pub key: &'a [u8],
    /// How many bytes of `key` stand for the directory of `log`.
    pub key_directory_bytes: usize,
}

impl<'a> FilePath<'a> {
    /// A path that is the object key already, as in formats that do not encode paths.
    pub fn plain(path: &'a str) -> Self {
        let directory_bytes = path.rfind('/').map_or(0, |slash| slash + 1);
        Self {
            log: path.as_bytes(),
            log_directory_bytes: directory_bytes,
            key: path.as_bytes(),
            key_directory_bytes: directory_bytes,
        }
    }
}

/// Statistics of a file as they come.
#[derive(Debug, Clone, Copy)]
pub enum StatisticsText<'a> {
    Absent,
    /// JSON text as it is.
    Raw(&'a str),
    /// JSON text escaped as the inside of a JSON string.
    Escaped(&'a [u8]),
}

impl StatisticsText<'_> {
    /// Bytes that the escaped text mostly finds room in.
    fn room(self) -> usize {
        match self {
            Self::Raw(text) if text.len() <= STATS_BYTES_MAX => json::room(text),
            Self::Escaped(text) => text.len(),
            Self::Absent | Self::Raw(_) => 0,
        }
    }
}

/// A file to put into a list.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    pub path: FilePath<'a>,
    pub digest: PathDigest,
    pub size_bytes: u64,
    pub modification_time_ms: i64,
    /// A whole JSON object, perhaps with facts behind (see `partition_text`), or what the writer turns into that when it
    /// finishes the list.
    pub partition_values: &'a [u8],
    pub statistics: StatisticsText<'a>,
    /// Rows in the file, deleted ones too.
    pub record_count: Option<u64>,
    pub deletion_vector: Option<DeletionVector<'a>>,
    pub row_ids: RowIds,
}

/// Which ids the rows of a file have, where the table tracks its rows (Delta, "Row Tracking").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowIds {
    /// Id of the first row.
    pub base: Option<u64>,
    /// Version that the rows are of, where the file does not say.
    pub default_commit_version: Option<u64>,
}

/// Collects the files of one segment, and puts them in order when it is closed.
pub struct SegmentBuilder {
    rows: Rows,
    names: NamesBuilder,
    encoded_names: EncodedNames,
    deletion_vectors: DeletionVectors,
    log_directories: DictionaryBuilder,
    encoded_directories: Strings,
    partitions: DictionaryBuilder,
    /// Escaped.
    statistics: Texts,
    has_outside: bool,
    packer: Packer,
    /// Scratch for an encoded name.
    encoded: Vec<u8>,
}

/// What each row has, as it came.
#[derive(Debug, Default)]
struct Rows {
    directory_of: Vec<u64>,
    partition_of: Vec<u16>,
    sizes_bytes: Vec<u64>,
    modification_times_ms: Vec<i64>,
    record_counts: Vec<u64>,
    base_row_ids: Vec<u64>,
    default_row_commit_versions: Vec<u64>,
    digests: Vec<PathDigest>,
}

impl Default for SegmentBuilder {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            names: NamesBuilder::default(),
            encoded_names: EncodedNames::default(),
            deletion_vectors: DeletionVectors::default(),
            log_directories: DictionaryBuilder::default(),
            encoded_directories: Strings::default(),
            partitions: DictionaryBuilder::default(),
            statistics: Texts::default(),
            has_outside: false,
            packer: Packer::new(),
            encoded: Vec::new(),
        }
    }
}

impl std::fmt::Debug for SegmentBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentBuilder").field("rows", &self.row_count()).finish_non_exhaustive()
    }
}

impl SegmentBuilder {
    pub fn row_count(&self) -> usize {
        self.rows.digests.len()
    }

    /// Whether the next file belongs into another segment.
    pub fn is_full(&self) -> bool {
        let arenas = [
            self.names.byte_count(),
            self.encoded_names.names.byte_count(),
            self.encoded_directories.byte_count(),
            self.log_directories.byte_count(),
            self.partitions.byte_count(),
            self.deletion_vectors.byte_count(),
        ];
        self.row_count() >= SEGMENT_FILES_MAX
            || self.statistics.byte_count() >= SEGMENT_TEXT_BYTES_MAX
            || arenas.into_iter().any(|bytes| bytes >= SEGMENT_ARENA_BYTES_MAX)
    }

    /// Appends a file; the segment must not be full.
    pub fn push(&mut self, file: &NewFile<'_>) {
        assert!(self.row_count() < SEGMENT_FILES_MAX, "row numbers of a segment fit 16 bits");
        if let Some(vector) = &file.deletion_vector {
            self.has_outside |= matches!(vector.place, Place::File(key) if key.starts_with(OUTSIDE));
            self.deletion_vectors.push(narrow(self.row_count()), vector);
        }
        self.push_path(&file.path);
        self.push_numbers(file);
        let (partition, _) = self.partitions.intern(file.partition_values);
        self.rows.partition_of.push(narrow(partition as usize));
        self.statistics.push_with(file.statistics.room(), |out| match file.statistics {
            StatisticsText::Raw(text) if text.len() <= STATS_BYTES_MAX => json::escape_into(text, out),
            StatisticsText::Escaped(text) => out.extend_from_slice(text),
            // Statistics are optional, so a file with monstrous ones is served without.
            StatisticsText::Absent | StatisticsText::Raw(_) => {}
        });
        self.rows.digests.push(file.digest);
    }

    fn push_numbers(&mut self, file: &NewFile<'_>) {
        self.rows.sizes_bytes.push(file.size_bytes);
        self.rows.modification_times_ms.push(file.modification_time_ms);
        self.rows.record_counts.push(file.record_count.unwrap_or(MISSING));
        self.rows.base_row_ids.push(file.row_ids.base.unwrap_or(MISSING));
        self.rows.default_row_commit_versions.push(file.row_ids.default_commit_version.unwrap_or(MISSING));
    }

    fn push_path(&mut self, path: &FilePath<'_>) {
        let (log_directory, log_name) =
            path.log.split_at_checked(path.log_directory_bytes).unwrap_or((&[], path.log));
        let (key_directory, key_name) =
            path.key.split_at_checked(path.key_directory_bytes).unwrap_or((&[], path.key));
        let (directory, new) = self.log_directories.intern(log_directory);
        if new {
            self.has_outside |= key_directory.starts_with(OUTSIDE);
            self.encoded_directories.push_with(|out| encode_into(key_directory, out));
        }
        self.rows.directory_of.push(u64::from(directory));
        self.names.push(log_name);
        if is_plain(key_name) && key_name == log_name {
            return;
        }
        self.encoded.clear();
        encode_into(key_name, &mut self.encoded);
        if self.encoded != log_name {
            self.encoded_names.rows.push(narrow(self.row_count()));
            self.encoded_names.names.push(&self.encoded);
        }
    }

    /// Closes the segment and begins an empty one, which goes on with the same buffers.
    pub fn seal(&mut self) -> SealedSegment {
        let values = std::mem::take(&mut self.partitions).finish();
        let (order, values) = Order::by_partition(&self.rows.partition_of, &values);
        let texts: Vec<&[u8]> = order.rows().map(|row| self.statistics.get(row)).collect();
        let statistics = self.packer.pack(&texts, &order.partition_sizes);
        self.statistics.clear();
        let rows = &self.rows;
        let numbers = |column: &[u64]| Numbers::pack(&order.arrange(column));
        let optional = |column: &[u64]| OptionalNumbers::pack(&order.arrange(column));
        let vectors = std::mem::take(&mut self.deletion_vectors);
        let mut encoded_directories = std::mem::take(&mut self.encoded_directories);
        encoded_directories.shrink();
        let segment = Segment {
            directories: Directories {
                log: std::mem::take(&mut self.log_directories).finish(),
                encoded: encoded_directories,
            },
            directory_of: numbers(&rows.directory_of),
            names: std::mem::take(&mut self.names).finish(&order),
            encoded_names: arranged(&std::mem::take(&mut self.encoded_names), &order),
            sizes_bytes: numbers(&rows.sizes_bytes),
            modification_times_ms: Times::pack(&order.arrange(&rows.modification_times_ms)),
            record_counts: optional(&rows.record_counts),
            partitions: Partitions::new(values, order.partition_sizes.iter().copied()),
            digests: Digests::new(order.arrange(&rows.digests)),
            statistics,
            deletion_vectors: vectors.arranged(&order.arrange_sparse(vectors.row_numbers())),
            base_row_ids: optional(&rows.base_row_ids),
            default_row_commit_versions: optional(&rows.default_row_commit_versions),
            has_outside: std::mem::take(&mut self.has_outside),
            ..Segment::default()
        };
        self.rows.clear();
        SealedSegment { segment }
    }
}

impl Rows {
    /// Forgets the rows and keeps the memory.
    fn clear(&mut self) {
        self.directory_of.clear();
        self.partition_of.clear();
        self.sizes_bytes.clear();
        self.modification_times_ms.clear();
        self.record_counts.clear();
        self.base_row_ids.clear();
        self.default_row_commit_versions.clear();
        self.digests.clear();
    }
}

fn arranged(names: &EncodedNames, order: &Order) -> EncodedNames {
    let mut arranged = EncodedNames::default();
    for (row, position) in order.arrange_sparse(&names.rows) {
        arranged.rows.push(row);
        arranged.names.push(names.names.get(position));
    }
    arranged.rows.shrink_to_fit();
    arranged.names.shrink();
    arranged
}

/// A segment with all its files, whose partition values are still as `NewFile` had them.
#[derive(Debug)]
pub struct SealedSegment {
    segment: Segment,
}

impl SealedSegment {
    pub fn row_count(&self) -> usize {
        self.segment.row_count()
    }

    /// The finished segment. `write_partition` appends the JSON object for what `NewFile::partition_values` held.
    pub fn finish(mut self, write_partition: &mut dyn FnMut(&[u8], &mut Vec<u8>)) -> Segment {
        self.segment.partitions.rewrite(write_partition);
        self.segment
    }
}

fn narrow(number: usize) -> u16 {
    let narrowed = u16::try_from(number);
    assert!(narrowed.is_ok(), "a segment has at most 65,536 rows, so its numbers fit 16 bits");
    narrowed.unwrap_or_default()
}
