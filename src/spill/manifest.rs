//! One version of a table on disk: its head and its segments.
//!
//! Magic and format, the head as JSON, then the columns of the list of segments, and at last the digest of all before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::error::Fault;
use crate::state::record::TableSource;
use crate::storage::table_store::ObjectInfo;
use crate::table::column_file::{ColumnReader, ColumnWriter};
use crate::table::path_digest;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

/// The last byte counts the formats.
const MAGIC: [u8; 8] = *b"lakeman\x01";

const DIGEST_BYTES: usize = 16;

/// The object of the log that made a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Below the table's root.
    pub key: String,
    pub info: ObjectInfo,
}

/// All of a version but its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub source: TableSource,
    /// Tells digests of files that were made under another key.
    pub key_check: String,
    pub version: Version,
    pub commit_timestamp_ms: i64,
    pub tip: Tip,
    pub protocol: Protocol,
    pub metadata: Metadata,
}

impl Head {
    pub(super) fn new(source: &TableSource, snapshot: &Snapshot, tip: &Tip) -> Self {
        Self {
            source: source.clone(),
            key_check: own_key_check(),
            version: snapshot.version,
            commit_timestamp_ms: snapshot.commit_timestamp_ms,
            tip: tip.clone(),
            protocol: snapshot.protocol.clone(),
            metadata: snapshot.metadata.clone(),
        }
    }
}

fn own_key_check() -> String {
    format!("{:032x}", path_digest::key_check())
}

/// A segment of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// Of the segment's file, which is named so.
    pub digest: u128,
    pub file_bytes: u64,
    /// Sum of the live files' sizes.
    pub size_bytes: u64,
    /// A bit for each row; `None`: all are alive.
    pub live: Option<Vec<u64>>,
}

/// One version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub head: Head,
    pub segments: Vec<SegmentRow>,
}

impl Manifest {
    /// The bytes of the manifest, its digest at the end.
    ///
    /// # Errors
    /// None that could happen: it is written to memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let mut out = ColumnWriter::new(&mut bytes);
        out.raw(&MAGIC)?;
        out.array(&serde_json::to_vec(&self.head)?)?;
        let rows = &self.segments;
        out.array(&rows.iter().map(|row| row.digest).collect::<Vec<_>>())?;
        out.array(&rows.iter().map(|row| row.file_bytes).collect::<Vec<_>>())?;
        out.array(&rows.iter().map(|row| row.size_bytes).collect::<Vec<_>>())?;
        // Bits of all segments in one array; a segment that is alive as a whole has none.
        let words = |row: &SegmentRow| row.live.as_ref().map_or(0, Vec::len) as u64;
        out.array(&rows.iter().map(words).collect::<Vec<_>>())?;
        out.array(&rows.iter().filter_map(|row| row.live.as_deref()).collect::<Vec<_>>().concat())?;
        seal(&mut bytes);
        Ok(bytes)
    }

    /// The manifest of its bytes, and their digest.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn parse(bytes: &[u8]) -> Result<(Self, u128), Fault> {
        let (mut body, digest) = bytes.split_last_chunk::<DIGEST_BYTES>().ok_or(Fault::Digest)?;
        let digest = u128::from_le_bytes(*digest);
        if !body.starts_with(&MAGIC) {
            return Err(Fault::Format);
        }
        if xxh3_128(body) != digest {
            return Err(Fault::Digest);
        }
        let byte_count = body.len() as u64;
        let mut input = ColumnReader::new(&mut body, byte_count);
        input.raw(&mut [0; MAGIC.len()])?;
        let head = serde_json::from_slice(&input.array::<u8>()?)?;
        let segments = read_rows(&mut input)?;
        input.finish()?;
        Ok((Self { head, segments }, digest))
    }

    /// # Errors
    /// [`Fault::OtherTable`] unless it is of `source`, and [`Fault::OtherKey`].
    pub(super) fn check(&self, source: Option<&TableSource>) -> Result<(), Fault> {
        if source.is_some_and(|source| *source != self.head.source) {
            return Err(Fault::OtherTable);
        }
        if self.head.key_check != own_key_check() {
            return Err(Fault::OtherKey);
        }
        Ok(())
    }
}

/// Appends the digest of `bytes`.
pub fn seal(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&xxh3_128(bytes).to_le_bytes());
}

fn read_rows(input: &mut ColumnReader<'_>) -> Result<Vec<SegmentRow>, Fault> {
    let digests: Vec<u128> = input.array()?;
    let columns: [Vec<u64>; 3] = [input.array()?, input.array()?, input.array()?];
    let words: Vec<u64> = input.array()?;
    if columns.iter().any(|column| column.len() != digests.len()) {
        return Err(Fault::Format);
    }
    let [file_bytes, size_bytes, word_counts] = &columns;
    let mut words = words.as_slice();
    let numbers = file_bytes.iter().zip(size_bytes).zip(word_counts);
    let mut rows = Vec::with_capacity(digests.len());
    for (digest, ((&file_bytes, &size_bytes), &word_count)) in digests.into_iter().zip(numbers) {
        let word_count = usize::try_from(word_count).unwrap_or(usize::MAX);
        let (own, rest) = words.split_at_checked(word_count).ok_or(Fault::Format)?;
        words = rest;
        let live = (word_count > 0).then(|| own.to_vec());
        rows.push(SegmentRow { digest, file_bytes, size_bytes, live });
    }
    if words.is_empty() { Ok(rows) } else { Err(Fault::Format) }
}

/// A table version as it is kept: the snapshot, and the object that made it.
#[derive(Debug, Clone)]
pub struct Kept {
    pub snapshot: Arc<Snapshot>,
    pub tip: Tip,
}
