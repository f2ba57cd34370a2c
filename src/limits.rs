//! Every upper bound of the server, each with its reason.

/// Longest name of a share, schema or table, in bytes (Delta Sharing, "Names").
pub const NAME_BYTES_MAX: usize = 255;

/// Largest page of a list; the reference server's bound, which clients have met before.
pub const LIST_PAGE_MAX: usize = 500;

/// Largest JSON body that a query may carry; the reference server takes 1 MB of hints.
pub const QUERY_BODY_BYTES_MAX: usize = 2 << 20;

/// Largest JSON body of an admin request: a share with some ten thousand tables.
pub const ADMIN_BODY_BYTES_MAX: usize = 4 << 20;

/// Files in one segment of a snapshot, so that a row number fits 16 bits.
pub const SEGMENT_FILES_MAX: usize = 65_536;

/// Files whose statistics are compressed together: one block is about 0.5 MB of text when unpacked.
pub const STATS_BLOCK_FILES: usize = 1_024;

/// One chunk of a streamed listing: large enough for few system calls, small enough to be fair.
pub const CHUNK_BYTES: usize = 128 << 10;

/// Snapshots kept in memory, in bytes; the least recently used leave first.
pub const SNAPSHOT_CACHE_BYTES: usize = 2 << 30;

/// Largest single JSON commit that is read, in bytes.
pub const COMMIT_BYTES_MAX: usize = 1 << 30;

/// Longest S3 object key, in bytes (Amazon S3, "Object keys").
pub const KEY_BYTES_MAX: usize = 1_024;

/// Longest part of a key between two slashes: what Linux file systems take as one name.
pub const KEY_SEGMENT_BYTES_MAX: usize = 255;

/// Keys in one page of an S3 listing (Amazon S3, ListObjectsV2).
pub const S3_LIST_KEYS_MAX: usize = 1_000;

/// Messages waiting for one core or for the control plane; a full queue answers 503.
pub const MAILBOX_MESSAGES_MAX: usize = 1_024;

/// Connections one core serves at once; further ones wait in the listen queue.
pub const CONNECTIONS_PER_CORE_MAX: usize = 16_384;

/// Longest time that a started server waits for its open answers when it is told to stop.
pub const DRAIN_SECONDS_MAX: u64 = 30;

/// Time within which a client has to send the head of a request.
pub const HEAD_SECONDS_MAX: u64 = 30;

/// Shares that one token may open, so that a directory look-up stays small.
pub const TOKEN_SHARES_MAX: usize = 1_000;
