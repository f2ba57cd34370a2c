//! Upper bounds of manifests and manifest lists, each with its reason.

/// Largest Avro schema of a manifest, in bytes; those of known writers take ten thousand.
pub const AVRO_SCHEMA_BYTES_MAX: usize = 1 << 20;

/// Depth of types in it; those of manifests lie at most eight deep.
pub const AVRO_SCHEMA_DEPTH_MAX: usize = 32;

/// Types in it, each use of a named one counted; a manifest with all partition columns has some hundreds.
pub const AVRO_SCHEMA_NODES_MAX: usize = 4_096;

/// Largest block of an Avro container, unpacked: some writers put a whole manifest of 8 MB, packed, into one.
pub const AVRO_BLOCK_BYTES_MAX: usize = 256 << 20;

/// All blocks of one manifest or manifest list, unpacked: ten million files, or some seconds of work.
pub const MANIFEST_UNPACKED_BYTES_MAX: usize = 4 << 30;

/// Depth of a filter of a scan; JSON that lies deeper is refused anyway.
pub const FILTER_DEPTH_MAX: usize = 100;

/// Values that a filter compares with, since each is asked of every file.
pub const FILTER_TESTS_MAX: usize = 100_000;
