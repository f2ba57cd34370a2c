//! Bounds of Iceberg tables that are told as Delta tables.

/// Fields of all schemas of one table that are looked at; of a table with more it cannot be told how its columns were called.
pub const HISTORY_FIELDS_MAX: usize = 200_000;

/// Files from which on manifests make segments of their own; smaller ones are decoded together, oldest first, so that
/// versions share what they have in common and segments stay worth their overhead.
pub const UNIT_FILES_MIN: u64 = 8_192;

/// Parts of a unit that is still growing; what is left over is divided in the same way.
pub const UNIT_PARTS: u64 = 8;

/// Files from which on manifests make a part of a growing unit; so many are decoded again and again in no time.
pub const UNIT_PART_FILES_MIN: u64 = 16;

/// Files from which on a version is not read whole before anything is told of it; fewer take less than half a second.
pub const OUTLINED_FILES_MIN: u64 = 50_000;

/// Outlines of versions that are kept, in bytes; each manifest takes some 500.
pub const OUTLINES_BYTES_MAX: usize = 32 << 20;

/// Manifests that are read side by side.
pub const MANIFESTS_READ_AT_ONCE: usize = 4;

/// Manifest lists of the next versions of a range that are read while one version is compared; each takes some hundred bytes
/// for a manifest.
pub const LISTS_READ_AHEAD: usize = 4;

/// Manifests of one table that are in memory before they are decoded, in bytes, packed; one more may exceed it.
pub const MANIFEST_BYTES_AT_ONCE: usize = 64 << 20;

/// Decoded manifests that are kept for other versions and tables, in bytes.
pub const DECODED_BYTES_MAX: usize = 512 << 20;

/// What is remembered of the files of manifests that deletes may apply to, in bytes: those of a table of 1.5 million files.
pub const REMEMBERED_FILES_BYTES: usize = 64 << 20;

/// Files of one side of a difference whose paths are in memory to be compared, some 40 bytes each.
pub const COMPARED_FILES_MAX: usize = 4_000_000;

/// Groups of manifests that are decoded together to be compared; each is about a segment of memory.
pub const GROUPS_COMPARED_AT_ONCE: usize = 8;

/// Differences of the versions of one range that are kept until they are told, in bytes; larger ones are found again.
pub const DIFFERENCES_BYTES_MAX: usize = 16 << 20;

/// Manifests of one snapshot; tables that are never compacted have some thousands.
pub const MANIFESTS_MAX: usize = 1_000_000;

/// Data files that are looked into where the metadata does not tell how they call their columns, some milliseconds each.
pub const FOOTERS_MAX: usize = 1_000;

/// Data files that are looked into for what writers hardly ever do: the first of so many manifests, or of up to twice as
/// many.
pub const FOOTERS_SAMPLED: usize = 8;

/// Bytes of a manifest that are read for its first file alone: its head, with a schema or two, and some blocks.
pub const MANIFEST_BYTES_FIRST: u64 = 256 << 10;

/// Looks into data files that are remembered, in bytes; enough for the manifests of some thousand tables.
pub const LOOKS_BYTES_MAX: usize = 4 << 20;

/// Footers that are read side by side.
pub const FOOTERS_READ_AT_ONCE: usize = 8;

/// Bytes of a data file's end that are read first; the footers of most files fit.
pub const FOOTER_BYTES_FIRST: u64 = 64 << 10;

/// Largest footer of a data file that is read.
pub const FOOTER_BYTES_MAX: u64 = 16 << 20;

/// Bytes of what one partition value says of its column; a text may be long, and each query reads it once.
pub const PARTITION_FACT_BYTES_MAX: usize = 1 << 10;

/// Bytes of partition tuples, and of what they say, that are remembered while manifests are decoded.
pub const TUPLES_BYTES_MAX: usize = 16 << 20;
