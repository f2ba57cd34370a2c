//! Upper bounds of objects, of their keys, and of the S3 door.

/// Longest S3 object key, in bytes (Amazon S3, "Object keys").
pub const KEY_BYTES_MAX: usize = 1_024;

/// Longest part of a key between two slashes: what Linux file systems take as one name.
pub const KEY_SEGMENT_BYTES_MAX: usize = 255;

/// Keys in one page of an S3 listing (Amazon S3, ListObjectsV2).
pub const S3_LIST_KEYS_MAX: usize = 1_000;

/// Largest object of one PUT, one part or one copy, in bytes (Amazon S3, "Uploading objects").
pub const PUT_BYTES_MAX: u64 = 5 << 30;

/// Parts of one multipart upload (Amazon S3, "Multipart upload limits").
pub const UPLOAD_PARTS_MAX: i32 = 10_000;

/// Smallest part but the last, in bytes (Amazon S3, "Multipart upload limits").
pub const UPLOAD_PART_BYTES_MIN: u64 = 5 << 20;

/// Bytes that completing an upload copies before it answers; beyond, the answer begins first, so that no client gives up.
pub const COMPLETE_AT_ONCE_BYTES_MAX: u64 = 256 << 20;

/// Largest XML body of an S3 request: ten thousand parts with a checksum each, or a thousand keys to delete.
pub const S3_XML_BYTES_MAX: usize = 8 << 20;

/// Keys in one bulk delete (Amazon S3, `DeleteObjects`).
pub const DELETE_KEYS_MAX: usize = 1_000;

/// User metadata of one object, names and values together, in bytes (Amazon S3, "User-defined object metadata").
pub const USER_METADATA_BYTES_MAX: usize = 2_048;

/// What is kept beside an object, in bytes: ext4 holds all attributes of a file in one block of 4 KiB.
pub const ATTRIBUTES_BYTES_MAX: usize = 3_584;

/// One chunk of an upload's own framing that is checked as a whole, in bytes; larger ones are cut or refused.
pub const UPLOAD_CHUNK_BYTES_MAX: usize = 16 << 20;

/// Bytes of an upload that are gathered for one write, so that a slow client holds no thread.
pub const UPLOAD_WRITE_BYTES: usize = 1 << 20;

/// Locks over object keys: two keys rarely share one, and the table never grows.
pub const KEY_LOCKS: usize = 1_024;

/// Attempts to publish an object while others keep removing its directory; more means a fault.
pub const PUBLISH_ATTEMPTS_MAX: usize = 64;

/// Directories that are remembered as safely on disk; a forgotten one costs one more fsync.
pub const DURABLE_DIRECTORIES_MAX: usize = 65_536;

/// Sorted directory listings kept between two pages of one listing, in bytes: a directory of a million names fits.
pub const LISTING_CACHE_BYTES: usize = 128 << 20;

/// Objects up to this size are read in the same step that opens them, in bytes.
pub const SMALL_OBJECT_BYTES: u64 = 128 << 10;

/// Largest object that is read or written as a whole, in bytes: the metadata of a table with a hundred thousand snapshots.
pub const WHOLE_OBJECT_BYTES_MAX: u64 = 512 << 20;
