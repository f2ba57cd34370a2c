//! Bounds of Iceberg metadata and of what changes it.

/// Largest metadata of a table or a view that is read, unpacked: that of 100,000 snapshots with long summaries.
pub const METADATA_BYTES_MAX: usize = 256 << 20;

/// Snapshots of one table; each is held in memory while its table is changed.
pub const SNAPSHOTS_MAX: usize = 1_000_000;

/// Objects and lists in each other in the JSON of a snapshot, which is kept as it came: as many as elsewhere in metadata.
pub const JSON_DEPTH_MAX: usize = 128;

/// Structs, lists and maps in each other in a type, so that code that walks types stays within its stack.
pub const TYPE_DEPTH_MAX: usize = 64;

/// Fields of one schema, nested ones included; the widest tables known have some ten thousand.
pub const SCHEMA_FIELDS_MAX: usize = 100_000;

/// Updates and requirements of one commit: a client that expires snapshots may send one for each.
pub const COMMIT_CHANGES_MAX: usize = 20_000;

/// Entries of the log of metadata files, whatever `write.metadata.previous-versions-max` says.
pub const METADATA_LOG_MAX: usize = 10_000;

/// Time by which the clock of a writer may be ahead of ours or behind it (the reference implementation's bound).
pub const WRITER_SKEW_MS_MAX: i64 = 60_000;

/// Longest hint of the newest metadata file: a number, or the name of a file.
pub const VERSION_HINT_BYTES_MAX: u64 = 1 << 10;

/// Metadata files after the one that a hint names that are looked for one by one; beyond, the directory is listed.
pub const METADATA_FILES_AHEAD_MAX: u64 = 16;

/// How long a directory was left alone before its listing is good until it changes: longer than the clock of any file
/// system takes to tick, so that each later change leaves a trace.
pub const DIRECTORY_SETTLED_MS: i64 = 2_500;

/// Parsed metadata of shared tables that is kept, in bytes.
pub const SHARED_METADATA_CACHE_BYTES: usize = 64 << 20;

/// Locks over the pointers of shared tables: two tables rarely share one.
pub const POINTER_LOCKS: usize = 256;

/// Numbers of versions of shared tables that are kept in memory, in bytes; others are asked of the state store.
pub const VERSIONS_CACHE_BYTES: usize = 32 << 20;
