//! Delete files of a scan, read once for all its tasks.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::error::Error;
use super::scan_manifest::Opened;
use super::scan_request::{Manifest, Scan};
use crate::byte_cache;
use crate::limits::catalog::METADATA_BYTES_USUAL;
use crate::limits::manifest::{DELETES_CACHE_BYTES, PLAN_ANSWER_BYTES_MAX};
use crate::manifest::codec::Unpacker;
use crate::manifest::entry::FileContent;
use crate::scan::deletes::Deletes;

/// Which delete file applies where, and each as JSON by its number.
#[derive(Debug, Default)]
pub(super) struct DeleteFiles {
    pub(super) index: Deletes,
    pub(super) json: Vec<Vec<u8>>,
    pub(super) bytes: usize,
}

impl DeleteFiles {
    /// Adds those of one manifest.
    pub(super) fn read(
        &mut self,
        scan: &Scan,
        (manifest, bytes): (&Manifest, &Bytes),
        unpacker: &mut Unpacker,
    ) -> Result<(), Error> {
        Opened::new(scan, manifest, bytes)?.each_live(unpacker, |opened, entry| {
            if opened.filter.may_match_partition(&entry.partition) && entry.content != FileContent::Data {
                self.index.add(entry, opened.spec_id, opened.is_unpartitioned);
                let mut text = Vec::new();
                opened.writer.write(entry, &mut text);
                self.bytes += text.len();
                self.json.push(text);
            }
            self.bytes <= PLAN_ANSWER_BYTES_MAX
        })
    }
}

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<String, Arc<DeleteFiles>> for ByBytes {
    /// The index holds paths and partitions, which are as long as half of the text at most.
    fn weight(&self, question: &String, deletes: &Arc<DeleteFiles>) -> u64 {
        const ENTRY_BYTES: usize = 200;
        (question.len() + 2 * deletes.bytes + ENTRY_BYTES * (1 + deletes.json.len())) as u64
    }
}

/// Delete files by the question that they were read for.
pub(super) type KeptDeletes = Cache<String, Arc<DeleteFiles>, ByBytes>;

pub(super) fn kept_deletes() -> KeptDeletes {
    byte_cache::whole(DELETES_CACHE_BYTES, METADATA_BYTES_USUAL, ByBytes)
}
