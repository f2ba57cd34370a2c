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

/// Largest body of a catalog request: the commit of a table with some ten thousand columns.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// Bytes of a catalog body that is too large which are read and thrown away before the answer.
pub const BODY_DISCARD_BYTES_MAX: usize = 256 << 20;

/// Longest time for the body of a catalog request to arrive, and for room for it.
pub const BODY_SECONDS_MAX: u64 = 30;

/// Bodies of catalog requests that are in memory at once, in bytes; further ones wait.
pub const BODIES_BYTES_MAX: usize = 256 << 20;

/// Life of a bearer token of the catalog, in seconds; engines renew it before.
pub const TOKEN_SECONDS: i64 = 3_600;

/// Names in a list whose client reads no pages: some megabytes of JSON.
pub const LIST_MAX: usize = 100_000;

/// How long the answer to a request with an idempotency key is kept: the half hour that clients are told, and a grace.
pub const IDEMPOTENCY_MS: i64 = 45 * 60 * 1_000;

/// Life of the credentials that an engine is given for the files of one table.
pub const VENDED_CREDENTIAL_MS: i64 = 3_600_000;

/// Dropped tables whose places are remembered for requests that are signed in their names, some 300 bytes each.
pub const DROPPED_MAX: usize = 1_000;

/// Largest metadata file of a table that is read: one of 100,000 snapshots takes some 60 MB.
pub const METADATA_BYTES_MAX: u64 = 256 << 20;

/// Metadata of tables that is kept, in bytes, and as much again for views.
pub const METADATA_CACHE_BYTES: usize = 128 << 20;

/// Versions of one shared Iceberg table that are remembered, of about 40 bytes each; older ones are no longer shared.
pub const TABLE_VERSIONS_MAX: usize = 100_000;

/// Metadata in the forms that clients ask for, in bytes: a tenth of what is kept of it, for three forms each.
pub const FORMS_CACHE_BYTES: usize = 64 << 20;

/// Metadata of a usual table, parsed, in bytes; by it caches guess how many they will hold.
pub const METADATA_BYTES_USUAL: usize = 64 << 10;

/// Attempts of a commit against others on other nodes before its client is told to try again.
pub const COMMIT_ATTEMPTS_MAX: u32 = 8;
