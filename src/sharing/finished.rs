//! Finished runs of lines, kept for all cores.
//!
//! Within a bucket of time a file has one URL, so that many readers of a table, and readers of later versions that hold
//! the same blocks, get the same bytes. Who comes second costs what the socket costs.

use std::sync::atomic::{AtomicI64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::packing::Piece;
use super::render::LineScope;
use crate::byte_cache;
use crate::http::coding::Coding;
use crate::limits::{FINISHED_SHARD_BYTES, RUN_BYTES_MAX};
use crate::table::block_key::BlockKey;
use crate::telemetry::metrics::FinishedMetrics;

/// All that the bytes of a run depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    pub scope: LineScope,
    pub block: BlockKey,
    /// The first row that is looked at; 0: that of the block.
    pub row: usize,
    pub coding: Coding,
}

/// Lines of some files in a row of one block.
#[derive(Debug, Clone)]
pub struct Run {
    pub piece: Piece,
    pub files: u64,
    /// Where the block goes on, if it does.
    pub next_row: Option<usize>,
}

/// Counts what an entry takes beside its bytes, too.
#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<RunKey, Run> for ByBytes {
    fn weight(&self, _: &RunKey, run: &Run) -> u64 {
        (run.piece.bytes.len() + size_of::<RunKey>() + size_of::<Run>()) as u64
    }
}

/// The cache of finished runs. Its locks are held for the look at one entry.
#[derive(Debug)]
pub struct FinishedRuns {
    /// `None`: nothing is kept.
    runs: Option<Cache<RunKey, Run, ByBytes>>,
    /// The newest bucket of time that was seen.
    bucket: AtomicI64,
    metrics: FinishedMetrics,
}

impl FinishedRuns {
    /// Keeps at most `budget_bytes`; 0: nothing.
    pub fn new(budget_bytes: usize, metrics: FinishedMetrics) -> Self {
        let parts = (budget_bytes / FINISHED_SHARD_BYTES).clamp(1, 64);
        let make = || byte_cache::split(budget_bytes, RUN_BYTES_MAX / 8, parts, ByBytes);
        let runs = (budget_bytes > 0).then(make);
        Self { runs, bucket: AtomicI64::new(i64::MIN), metrics }
    }

    /// Whether finished runs are kept at all.
    pub fn is_on(&self) -> bool {
        self.runs.is_some()
    }

    pub fn get(&self, key: &RunKey) -> Option<Run> {
        let found = self.runs.as_ref()?.get(key);
        match &found {
            Some(_) => self.metrics.hits.inc(),
            None => self.metrics.misses.inc(),
        };
        found
    }

    pub fn keep(&self, key: RunKey, run: Run) {
        let Some(runs) = &self.runs else { return };
        let signed_at_s = key.scope.signed_at_s;
        if signed_at_s > self.bucket.fetch_max(signed_at_s, Ordering::Relaxed) {
            // Nobody asks for older ones any more.
            runs.retain(|key, _| key.scope.signed_at_s >= signed_at_s);
        }
        runs.insert(key, run);
        self.metrics.bytes.set(i64::try_from(self.bytes()).unwrap_or(i64::MAX));
    }

    /// Bytes that are kept, with those of their keys.
    pub fn bytes(&self) -> u64 {
        self.runs.as_ref().map_or(0, Cache::weight)
    }

    pub fn metrics(&self) -> &FinishedMetrics {
        &self.metrics
    }
}
