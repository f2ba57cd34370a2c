//! Parquet files of a checkpoint: only what a listing needs is decoded.
//!
//! A checkpoint has one row per action, and one column per kind of action, null in all rows of another kind. Two
//! passes read it: protocol and metadata first, which takes next to nothing and may refuse the table, then the
//! adds in small batches. Sidecars have the adds of a checkpoint and nothing else that matters.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema};
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

/// A checkpoint file, its footer read; cheap to clone.
#[derive(Debug, Clone)]
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
            Ok(metadata) => Ok(Self { source, metadata: with_views(metadata) }),
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
        self.read(None, &wanted, &mut |batch| rows.read(batch, act))
    }

    /// Whether it has a column for adds. A part of a checkpoint may have none, as where all its rows are `txn`.
    pub(super) fn has_adds(&self) -> bool {
        let fields = self.metadata.metadata().file_metadata().schema_descr().root_schema().get_fields();
        fields.iter().any(|field| field.name() == "add")
    }

    pub(super) fn row_count(&self) -> usize {
        self.metadata.metadata().row_groups().iter().map(group_rows).fold(0, usize::saturating_add)
    }

    /// Rows of the largest row group.
    pub(super) fn group_row_count_max(&self) -> usize {
        self.metadata.metadata().row_groups().iter().map(group_rows).max().unwrap_or(0)
    }

    /// Calls `act` with each add among `rows`. Several threads may read different rows at once.
    pub(super) fn read_adds(&self, rows: Range<usize>, act: &mut Act<'_>) -> Result<(), Error> {
        if !self.has_adds() {
            return Ok(());
        }
        let rows = (rows != (0..self.row_count())).then_some(rows);
        let reader = Self { source: self.source.another(), metadata: self.metadata.clone() };
        reader.read_adds_of(rows, act)
    }

    fn read_adds_of(&self, rows: Option<Range<usize>>, act: &mut Act<'_>) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        let parsed = Parsed { stats: self.lacks_stats(), partition_values: self.lacks_partition_values() };
        let wanted = |path: &[&str]| checkpoint_adds::is_needed(path, parsed);
        self.read(rows, &wanted, &mut |batch| checkpoint_adds::read(batch, &mut scratch, act))
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

    /// The row groups in which `rows` lie, and how many rows of the first come before them.
    fn groups_of(&self, rows: &Range<usize>) -> (Vec<usize>, usize) {
        let (mut groups, mut offset, mut start) = (Vec::new(), 0, 0_usize);
        for (number, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = start.saturating_add(group_rows(group));
            if start < rows.end && rows.start < end {
                if groups.is_empty() {
                    offset = rows.start - start.min(rows.start);
                }
                groups.push(number);
            }
            start = end;
        }
        (groups, offset)
    }

    /// Reads `rows`, or all of them.
    fn read(
        &self,
        rows: Option<Range<usize>>,
        wanted: &dyn Fn(&[&str]) -> bool,
        read_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        self.read_projected(rows, wanted, read_batch).map_err(|unread| error_of(&self.source, unread))
    }

    fn read_projected(
        &self,
        rows: Option<Range<usize>>,
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
        let batch_rows = (CHECKPOINT_BATCH_VALUES / leaves.len().max(1)).clamp(1, CHECKPOINT_BATCH_ROWS);
        let mask = ProjectionMask::leaves(schema, leaves);
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        if let Some(rows) = rows {
            let (groups, offset) = self.groups_of(&rows);
            builder = builder.with_row_groups(groups).with_offset(offset).with_limit(rows.len());
        }
        for batch in builder.with_projection(mask).with_batch_size(batch_rows).build()? {
            let batch = batch.map_err(|error| ParquetError::ArrowError(error.to_string()))?;
            read_batch(&batch)?;
        }
        Ok(())
    }
}

fn group_rows(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or(0)
}

/// Makes views of the longest texts, paths and statistics: they are looked at where they were unpacked and not copied.
fn with_views(metadata: ArrowReaderMetadata) -> ArrowReaderMetadata {
    let viewed = |field: &FieldRef| {
        let view = match (field.name().as_str(), field.data_type()) {
            ("path" | "stats", DataType::Utf8) => DataType::Utf8View,
            ("path" | "stats", DataType::Binary) => DataType::BinaryView,
            _ => return Arc::clone(field),
        };
        Arc::new(field.as_ref().clone().with_data_type(view))
    };
    let of_action = |field: &FieldRef| {
        if let DataType::Struct(fields) = field.data_type()
            && field.name() == "add"
        {
            let fields = DataType::Struct(fields.iter().map(viewed).collect());
            return Arc::new(Field::clone(field).with_data_type(fields));
        }
        Arc::clone(field)
    };
    let schema = Schema::new(metadata.schema().fields().iter().map(of_action).collect::<Vec<_>>());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let viewing = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
    viewing.unwrap_or(metadata)
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
