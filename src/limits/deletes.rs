//! Upper bounds of deleted rows, each with its reason.

/// Largest delete file that is read, in bytes, packed: writers begin a new one after 64 MB.
pub const DELETE_FILE_BYTES_MAX: u64 = 96 << 20;

/// Delete files that are in memory at once, whole and packed.
pub const DELETE_FILES_AT_ONCE: usize = 4;

/// Rows of one delete file; those that one file can name in 96 MB take some 200 MB in memory.
pub const DELETE_FILE_ROWS_MAX: u64 = 100_000_000;

/// Data files that one delete file names; each takes some 300 bytes beside its rows.
pub const DELETE_FILE_PATHS_MAX: usize = 200_000;

/// How often rows of a delete file may leave the 65,536 rows that they were among, since each such stretch takes memory of
/// its own: in sorted files as often as a table of 200 billion rows has stretches.
pub const DELETE_FILE_STRETCHES_MAX: usize = 4_000_000;

/// Rows of a position delete file that are decoded at once.
pub const DELETE_BATCH_ROWS: usize = 8_192;

/// Rows of a data file some of whose rows are deleted, so that no stretch of it takes more than 128 MB while it is made.
pub const DELETED_FROM_ROWS_MAX: u64 = 1 << 30;

/// Largest deletion vector of one file, in bytes: every other of 30 million rows is deleted. It goes into a line of text.
pub const VECTOR_BYTES_MAX: usize = 4 << 20;

/// All deletion vectors of one snapshot, in bytes: what its files take in memory beside this is about as much.
pub const VECTORS_BYTES_MAX: usize = 128 << 20;

/// Delete files that were read and are kept for later versions, in bytes: those of some hundred commits.
pub const KEPT_DELETES_BYTES: usize = 64 << 20;

/// Keys of equality deletes that are looked for in one version: in memory they take up to 140 MB, as deletion vectors do.
pub const EQUALITY_KEYS_MAX: usize = 3_600_000;

/// Key columns of data files that are read for one version, packed, in bytes: some 20 seconds of a processor. A version that
/// needs more would come too late for who asks for it.
pub const SCANNED_BYTES_MAX: u64 = 512 << 20;

/// Data files that are looked into for one version: a store that answers in 40 ms needs a minute for them.
pub const SCANNED_FILES_MAX: usize = 10_000;

/// Key columns of data files that are in memory together, packed, in bytes; one file may exceed it.
pub const SCANNED_AT_ONCE_BYTES: u64 = 32 << 20;

/// Data files that are read side by side.
pub const SCANS_READ_AT_ONCE: usize = 8;

/// Rows that keys were found in, kept for later versions, in bytes: those of some ten thousand files.
pub const KEPT_SCANS_BYTES: usize = 64 << 20;
