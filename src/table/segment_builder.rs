//! Files in, one by one; a finished segment out.

use super::deletion_vector::{DeletionVector, Place};
use super::dictionary::{DictionaryBuilder, Strings};
use super::names::NamesBuilder;
use super::numbers::{MISSING, Numbers, OptionalNumbers, Times};
use super::path_digest::PathDigest;
use super::segment::Segment;
use super::statistics::Packer;
use crate::encode::json;
use crate::encode::url_path::{OUTSIDE, encode_into};
use crate::limits::{SEGMENT_ARENA_BYTES_MAX, SEGMENT_FILES_MAX, STATS_BYTES_MAX};

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

/// A file to put into a list.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    pub path: FilePath<'a>,
    pub digest: PathDigest,
    pub size_bytes: u64,
    pub modification_time_ms: i64,
    /// A whole JSON object, or what the writer turns into one when it finishes the list.
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

/// Collects the files of one segment.
pub struct SegmentBuilder {
    segment: Segment,
    rows: Rows,
    names: NamesBuilder,
    log_directories: DictionaryBuilder,
    partitions: DictionaryBuilder,
    packer: Packer,
    /// Scratch for an encoded name.
    encoded: Vec<u8>,
}

/// Numbers by row, before they are packed.
#[derive(Debug, Default)]
struct Rows {
    directory_of: Vec<u64>,
    partition_of: Vec<u64>,
    sizes_bytes: Vec<u64>,
    modification_times_ms: Vec<i64>,
    record_counts: Vec<u64>,
    base_row_ids: Vec<u64>,
    default_row_commit_versions: Vec<u64>,
}

impl Default for SegmentBuilder {
    fn default() -> Self {
        Self {
            segment: Segment::default(),
            rows: Rows::default(),
            names: NamesBuilder::default(),
            log_directories: DictionaryBuilder::default(),
            partitions: DictionaryBuilder::default(),
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
        self.rows.sizes_bytes.len()
    }

    /// Whether the next file belongs into another segment.
    pub fn is_full(&self) -> bool {
        let arenas = [
            self.names.byte_count(),
            self.segment.encoded_names.names.byte_count(),
            self.segment.directories.encoded.byte_count(),
            self.log_directories.byte_count(),
            self.partitions.byte_count(),
            self.segment.deletion_vectors.byte_count(),
        ];
        self.row_count() >= SEGMENT_FILES_MAX
            || arenas.into_iter().any(|bytes| bytes >= SEGMENT_ARENA_BYTES_MAX)
    }

    /// Appends a file; the segment must not be full.
    pub fn push(&mut self, file: &NewFile<'_>) {
        assert!(self.row_count() < SEGMENT_FILES_MAX, "row numbers of a segment fit 16 bits");
        let row = self.row_count();
        if let Some(vector) = &file.deletion_vector {
            self.segment.has_outside |= matches!(vector.place, Place::File(key) if key.starts_with(OUTSIDE));
            self.segment.deletion_vectors.push(narrow(u32::try_from(row).unwrap_or(u32::MAX)), vector);
        }
        self.push_path(&file.path);
        self.push_numbers(file);
        let (partition, _) = self.partitions.intern(file.partition_values);
        self.rows.partition_of.push(u64::from(partition));
        self.segment.digests.push(file.digest);
        self.packer.push_with(|out| match file.statistics {
            StatisticsText::Raw(text) if text.len() <= STATS_BYTES_MAX => json::escape_into(text, out),
            StatisticsText::Escaped(text) => out.extend_from_slice(text),
            // Statistics are optional, so a file with monstrous ones is served without.
            StatisticsText::Absent | StatisticsText::Raw(_) => {}
        });
        if self.packer.is_full() {
            self.packer.pack(row + 1, &mut self.segment.statistics);
        }
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
            self.segment.has_outside |= key_directory.starts_with(OUTSIDE);
            self.segment.directories.encoded.push_with(|out| encode_into(key_directory, out));
        }
        self.rows.directory_of.push(u64::from(directory));
        self.names.push(log_name);
        self.encoded.clear();
        encode_into(key_name, &mut self.encoded);
        if self.encoded != log_name {
            let row = narrow(u32::try_from(self.row_count()).unwrap_or(u32::MAX));
            self.segment.encoded_names.rows.push(row);
            self.segment.encoded_names.names.push(&self.encoded);
        }
    }

    /// Closes the segment and begins an empty one, which goes on with the same buffers.
    pub fn seal(&mut self) -> SealedSegment {
        self.packer.pack(self.row_count(), &mut self.segment.statistics);
        let mut segment = std::mem::take(&mut self.segment);
        segment.directories.log = std::mem::take(&mut self.log_directories).finish();
        segment.directories.encoded.shrink();
        segment.names = std::mem::take(&mut self.names).finish();
        segment.encoded_names.rows.shrink_to_fit();
        segment.encoded_names.names.shrink();
        segment.digests.shrink_to_fit();
        segment.statistics.shrink();
        segment.deletion_vectors.shrink();
        self.rows.pack_into(&mut segment);
        SealedSegment { segment, partitions: std::mem::take(&mut self.partitions).finish() }
    }
}

impl Rows {
    /// Packs the columns, which are empty then.
    fn pack_into(&mut self, segment: &mut Segment) {
        segment.directory_of = Numbers::pack(&self.directory_of);
        segment.partition_of = Numbers::pack(&self.partition_of);
        segment.sizes_bytes = Numbers::pack(&self.sizes_bytes);
        segment.modification_times_ms = Times::pack(&self.modification_times_ms);
        segment.record_counts = OptionalNumbers::pack(&self.record_counts);
        segment.base_row_ids = OptionalNumbers::pack(&self.base_row_ids);
        segment.default_row_commit_versions = OptionalNumbers::pack(&self.default_row_commit_versions);
        *self = Self::default();
    }
}

/// A segment with all its files, whose partition values are still as `NewFile` had them.
#[derive(Debug)]
pub struct SealedSegment {
    segment: Segment,
    partitions: Strings,
}

impl SealedSegment {
    pub fn row_count(&self) -> usize {
        self.segment.row_count()
    }

    /// The finished segment. `write_partition` appends the JSON object for what `NewFile::partition_values` held.
    pub fn finish(mut self, write_partition: &mut dyn FnMut(&[u8], &mut Vec<u8>)) -> Segment {
        for partition in self.partitions.iter() {
            self.segment.partitions.push_with(|out| write_partition(partition, out));
        }
        self.segment.partitions.shrink();
        self.segment
    }
}

fn narrow(number: u32) -> u16 {
    let narrowed = u16::try_from(number);
    assert!(narrowed.is_ok(), "a segment has at most 65,536 rows, so its numbers fit 16 bits");
    narrowed.unwrap_or_default()
}
