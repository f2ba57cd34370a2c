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

/// Largest manifest or manifest list that is read; writers begin a new manifest after 8 MB.
pub const MANIFEST_BYTES_MAX: u64 = 128 << 20;

/// Manifests that are read for one answer, in bytes, packed.
pub const PLAN_BYTES_MAX: usize = 256 << 20;

/// Largest answer to a scan, in bytes; one with statistics of all columns takes some kilobytes for a file.
pub const PLAN_ANSWER_BYTES_MAX: usize = 256 << 20;

/// Files up to which a scan is answered at once, and of one task else: some megabytes of JSON, some ten milliseconds.
pub const PLAN_FILES_AT_ONCE: u64 = 10_000;

/// Manifest lists up to this size are read before a scan is answered: those of some twenty thousand manifests.
pub const PLAN_LIST_BYTES_AT_ONCE: usize = 1 << 20;

/// Longest filter that the id of a plan carries, so that it fits a path.
pub const PLAN_ID_FILTER_BYTES_MAX: usize = 2 << 10;

/// Longest filter that each task of a plan carries; a scan with a longer one is answered as a whole.
pub const PLAN_TASK_FILTER_BYTES_MAX: usize = 64 << 10;

/// Scans whose manifests are in memory at once.
pub const PLANS_AT_ONCE: usize = 2;

/// Manifests and their lists that are kept, in bytes, packed: those of the tables that are read again and again.
pub const MANIFEST_CACHE_BYTES: usize = 64 << 20;

/// Delete files that are kept between the tasks of a scan, in bytes: the index of some hundred thousand.
pub const DELETES_CACHE_BYTES: usize = 64 << 20;

/// Plans that are under way while their clients wait; further ones are made by who fetches them.
pub const PLANS_SUBMITTED_MAX: usize = 64;

/// Plans that are done and wait to be fetched, in bytes: tasks of a kilobyte each for some million manifests.
pub const PLANS_FINISHED_BYTES_MAX: usize = 64 << 20;

/// Cancelled plans that are remembered, each some kilobytes at most.
pub const CANCELLED_PLANS_MAX: usize = 256;
