//! Parquet files of a checkpoint: only what a listing needs is decoded.
//!
//! A checkpoint has one row per action, and one column per kind of action, null in all rows of another kind. Two
//! passes read it: protocol and metadata first, which takes next to nothing and may refuse the table, then the
//! adds in small batches. Sidecars have the adds of a checkpoint and nothing else that matters.

use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::action::Act;
use super::checkpoint_adds::{self, Parsed, Scratch};
use super::checkpoint_columns::Fault;
use super::checkpoint_rows::TableRows;
use super::checkpoint_source::CheckpointSource;
use super::error::Error;
use crate::limits::{CHECKPOINT_BATCH_ROWS, CHECKPOINT_BATCH_VALUES};

/// A checkpoint file, its footer read.
pub(super) struct CheckpointReader {
    source: CheckpointSource,
    metadata: ArrowReaderMetadata,
}

/// What reading can fail of.
enum Unread {
    Parquet(ParquetError),
    Content(Fault),
}

impl From<ParquetError> for Unread {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Content(fault)
    }
}

impl CheckpointReader {
    /// Reads the footer. Blocks, as all reading here does.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], or [`Error::Storage`] if the store and not the file is at fault.
    pub(super) fn open(source: CheckpointSource) -> Result<Self, Error> {
        // The types of the file count, not those that its writer had in memory.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        match ArrowReaderMetadata::load(&source, options) {
            Ok(metadata) => Ok(Self { source, metadata }),
            Err(error) => Err(error_of(&source, Unread::Parquet(error))),
        }
    }

    /// Calls `act` with the protocol and the metadata, unless they are known, and with the sidecars.
    pub(super) fn read_table(&self, is_known: bool, act: &mut Act<'_>) -> Result<(), Error> {
        let mut rows = TableRows::default();
        let wanted = |path: &[&str]| match path {
            ["protocol" | "metaData", ..] => !is_known,
            ["sidecar", "path"] => true,
            _ => false,
        };
        self.read(&wanted, &mut |batch| rows.read(batch, act))
    }

    /// Whether it has a column for adds. A part of a checkpoint may have none, as where all its rows are `txn`.
    pub(super) fn has_adds(&self) -> bool {
        let fields = self.metadata.metadata().file_metadata().schema_descr().root_schema().get_fields();
        fields.iter().any(|field| field.name() == "add")
    }

    /// Calls `act` with each add.
    pub(super) fn read_adds(&self, act: &mut Act<'_>) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        let parsed = Parsed { stats: self.lacks_stats(), partition_values: self.lacks_partition_values() };
        let wanted = |path: &[&str]| checkpoint_adds::is_needed(path, parsed);
        self.read(&wanted, &mut |batch| checkpoint_adds::read(batch, &mut scratch, act))
    }

    /// Whether some add may have its statistics in `stats_parsed` alone, as far as the footer says.
    fn lacks_stats(&self) -> bool {
        let metadata = self.metadata.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let leaf = |name: &str| {
            let path = ["add", name];
            (0..schema.num_columns()).find(|&leaf| schema.column(leaf).path().parts() == path)
        };
        let (Some(paths), Some(stats)) = (leaf("path"), leaf("stats")) else { return true };
        let nulls =
            |group: &RowGroupMetaData, leaf: usize| group.columns().get(leaf)?.statistics()?.null_count_opt();
        metadata.row_groups().iter().any(|group| match (nulls(group, paths), nulls(group, stats)) {
            (Some(without_path), Some(without_stats)) => without_stats > without_path,
            _ => true,
        })
    }

    /// Whether partition values are in `partitionValues_parsed` alone.
    fn lacks_partition_values(&self) -> bool {
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let has = |name: &str| {
            schema
                .columns()
                .iter()
                .any(|leaf| leaf.path().parts().starts_with(&["add".to_owned(), name.to_owned()]))
        };
        !has("partitionValues")
    }

    fn read(
        &self,
        wanted: &dyn Fn(&[&str]) -> bool,
        read_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        self.read_projected(wanted, read_batch).map_err(|unread| error_of(&self.source, unread))
    }

    fn read_projected(
        &self,
        wanted: &dyn Fn(&[&str]) -> bool,
        read_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), Fault>,
    ) -> Result<(), Unread> {
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let is_wanted = |leaf: &usize| {
            let parts = schema.column(*leaf);
            let parts: Vec<_> = parts.path().parts().iter().map(String::as_str).collect();
            wanted(&parts)
        };
        let leaves: Vec<_> = (0..schema.num_columns()).filter(is_wanted).collect();
        self.source.prepare_for(leaves.len());
        let rows = (CHECKPOINT_BATCH_VALUES / leaves.len().max(1)).clamp(1, CHECKPOINT_BATCH_ROWS);
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        let reader =
            builder.with_projection(ProjectionMask::leaves(schema, leaves)).with_batch_size(rows).build()?;
        for batch in reader {
            let batch = batch.map_err(|error| ParquetError::ArrowError(error.to_string()))?;
            read_batch(&batch)?;
        }
        Ok(())
    }
}

fn error_of(source: &CheckpointSource, unread: Unread) -> Error {
    if let Some(source) = source.take_fault() {
        return Error::Storage { source };
    }
    let file = source.key().to_owned();
    match unread {
        Unread::Parquet(source) => Error::Checkpoint { file, source: Arc::new(source) },
        Unread::Content(source) => Error::CheckpointContent { file, source },
    }
}
