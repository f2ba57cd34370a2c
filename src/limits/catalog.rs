//! Upper bounds of the catalog.

/// Levels of one namespace: deeper ones are met in tests only, and a path of names stays short.
pub const NAMESPACE_LEVELS_MAX: usize = 10;

/// Longest name of a table, a view or a level of a namespace, in bytes: what file systems and engines take as one name.
pub const CATALOG_NAME_BYTES_MAX: usize = 255;

/// Properties of one namespace; engines set some five.
pub const NAMESPACE_PROPERTIES_MAX: usize = 256;

/// Properties of one namespace, keys and values together, in bytes: they are read and written as one text.
pub const NAMESPACE_PROPERTIES_BYTES_MAX: usize = 64 << 10;

/// Names in one page of a list of the catalog, some 100 kB of an answer.
pub const CATALOG_PAGE_MAX: usize = 1_000;

/// Changes to tables and views in one transaction, which others wait for.
pub const ENTRY_CHANGES_MAX: usize = 1_000;

/// Longest location of a metadata file, in bytes: a bucket and the longest key, each byte escaped to three.
pub const METADATA_LOCATION_BYTES_MAX: usize = 4 << 10;

/// Longest answer that is kept under an idempotency key, in bytes: the keys of a namespace's properties fit twice.
pub const KEPT_ANSWER_BYTES_MAX: usize = 128 << 10;

/// Answers that are kept at once, in bytes: a million usual ones, in thirty minutes some 500 changes a second.
pub const KEPT_ANSWERS_BYTES_MAX: usize = 512 << 20;

/// What a kept answer is taken to need beside its own bytes: key, digest, time, and their places in two indexes.
pub const KEPT_ANSWER_OVERHEAD_BYTES: usize = 256;

/// Expired answers that a new one takes away: their number falls, and no change waits for many.
pub const EXPIRED_ANSWERS_REMOVED_MAX: usize = 16;

/// Longest note of the metadata files of one commit, in bytes: the most changes at once, with the longest keys.
pub const PENDING_NOTE_BYTES_MAX: u64 = 4 << 20;
