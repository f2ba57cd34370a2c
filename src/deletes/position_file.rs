//! Position delete files: rows of data files, by their paths and positions.
//!
//! Source: the Iceberg table specification, "Position Delete Files".

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::SchemaDescriptor;

use super::positions::Positions;
use crate::limits::deletes::{
    DELETE_BATCH_ROWS, DELETE_FILE_PATHS_MAX, DELETE_FILE_ROWS_MAX, DELETE_FILE_STRETCHES_MAX,
};

/// "Reserved Field IDs" of the specification, and the names that go with them.
pub(super) const PATH: (i32, &str) = (i32::MAX - 101, "file_path");
pub(super) const POSITION: (i32, &str) = (i32::MAX - 102, "pos");

/// Rows whose memory is one piece: positions that differ in their last 16 bits only.
const STRETCH_BITS: u32 = 16;

/// Rows of one path that are added at once.
const ADDED_AT_ONCE: usize = 1 << 16;

/// Why a Parquet file is no position delete file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the column {column} is missing")]
    Missing { column: &'static str },
    #[error("the column {column} is not of the type {expected}")]
    WrongType { column: &'static str, expected: &'static str },
    #[error("a row has no {column}")]
    Null { column: &'static str },
    #[error("a path is not UTF-8")]
    NotUtf8,
    #[error("a position is negative")]
    Negative,
    #[error("it has more than {max} {what}; rewrite it (rewrite_position_delete_files)")]
    TooMany { what: &'static str, max: u64 },
    #[error("its decoder gave up")]
    DecoderGaveUp,
}

impl Fault {
    /// Whether the file is as it should be, and only too large.
    pub(super) fn is_of_size(&self) -> bool {
        matches!(self, Self::TooMany { .. })
    }
}

/// What reading can fail of.
#[derive(Debug)]
pub enum Unread {
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

/// The rows that one file deletes, by the path of their data file.
#[derive(Debug, Default)]
pub struct PositionFile {
    by_path: HashMap<Box<str>, Positions>,
    /// Whether nothing of the file was passed over.
    is_whole: bool,
}

impl PositionFile {
    /// Reads a file. Row groups that cannot name one of the `wanted` paths, which are sorted, are passed over. Takes a
    /// while, as decoding does.
    ///
    /// # Errors
    /// [`Unread`]. Of broken files the decoder, which is not ours, may panic.
    pub fn read(bytes: Bytes, wanted: &[String]) -> Result<Self, Unread> {
        // The types of the file count, not those that its writer had in memory.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&bytes, options)?;
        let parquet = Arc::clone(metadata.metadata());
        let columns = Columns::of(parquet.file_metadata().schema_descr())?;
        let groups = parquet.row_groups();
        let kept: Vec<usize> = (0..groups.len())
            .filter(|&number| groups.get(number).is_none_or(|group| columns.may_name(group, wanted)))
            .collect();
        let row_count = kept.iter().filter_map(|&number| groups.get(number)).fold(0_u64, |sum, group| {
            sum.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX))
        });
        if row_count > DELETE_FILE_ROWS_MAX {
            return Err(Fault::TooMany { what: "rows", max: DELETE_FILE_ROWS_MAX }.into());
        }
        let is_whole = kept.len() == groups.len();
        let mask =
            ProjectionMask::roots(parquet.file_metadata().schema_descr(), [columns.path, columns.position]);
        let metadata = with_views(metadata, columns.path);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata)
            .with_row_groups(kept)
            .with_projection(mask)
            .with_batch_size(DELETE_BATCH_ROWS)
            .build()?;
        let mut collector = Collector::default();
        for batch in reader {
            let batch = batch.map_err(|error| ParquetError::ArrowError(error.to_string()))?;
            collector.read(&batch, &columns)?;
        }
        Ok(Self { by_path: collector.finish(), is_whole })
    }

    /// The rows of a data file that are deleted.
    pub fn of(&self, path: &str) -> Option<&Positions> {
        self.by_path.get(path)
    }

    /// Whether it can be asked for any path.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The data files, in no order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(AsRef::as_ref)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let files = self.by_path.iter().map(|(path, rows)| path.len() + 2 * rows.size_bytes() + 128);
        size_of::<Self>() + files.sum::<usize>()
    }
}

/// Which columns of the file are wanted, by their places.
struct Columns {
    path: usize,
    position: usize,
    /// The place of the path among the columns that hold values.
    path_leaf: Option<usize>,
}

impl Columns {
    fn of(schema: &SchemaDescriptor) -> Result<Self, Fault> {
        let fields = schema.root_schema().get_fields();
        let find = |(id, name): (i32, &'static str)| {
            let has_id = |at: &usize| {
                let info = fields.get(*at).map(|field| field.get_basic_info());
                info.is_some_and(|info| info.has_id() && info.id() == id)
            };
            let has_name = |at: &usize| fields.get(*at).is_some_and(|field| field.name() == name);
            let found = (0..fields.len()).find(has_id).or_else(|| (0..fields.len()).find(has_name));
            found.ok_or(Fault::Missing { column: name })
        };
        let (path, position) = (find(PATH)?, find(POSITION)?);
        let path_leaf = (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == path);
        Ok(Self { path, position, path_leaf })
    }

    /// Whether a row group may name one of the paths, as far as its statistics tell.
    fn may_name(&self, group: &RowGroupMetaData, wanted: &[String]) -> bool {
        let column = self.path_leaf.and_then(|leaf| group.columns().get(leaf));
        // Those of old writers were compared as if their bytes were signed.
        let known = column.and_then(|column| column.statistics());
        let Some(Statistics::ByteArray(paths)) = known.filter(|known| !known.is_min_max_deprecated()) else {
            return true;
        };
        let (Some(low), Some(high)) = (paths.min_opt(), paths.max_opt()) else { return true };
        let first = wanted.partition_point(|path| path.as_bytes() < low.data());
        wanted.get(first).is_some_and(|path| path.as_bytes() <= high.data())
    }
}

/// Makes views of the paths: they are looked at where they were unpacked and not copied for each row.
fn with_views(metadata: ArrowReaderMetadata, path: usize) -> ArrowReaderMetadata {
    let viewed = |(at, field): (usize, &FieldRef)| {
        let of = field.data_type();
        let view = if *of == DataType::Utf8 { DataType::Utf8View } else { DataType::BinaryView };
        if at != path || (*of != DataType::Utf8 && *of != DataType::Binary) {
            return Arc::clone(field);
        }
        Arc::new(Field::clone(field).with_data_type(view))
    };
    let fields: Vec<FieldRef> = metadata.schema().fields().iter().enumerate().map(viewed).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata)
}

/// Paths of a batch; writers that leave out the annotation make them binary.
fn path_at(column: &ArrayRef, row: usize) -> Result<&[u8], Fault> {
    if !column.is_valid(row) {
        return Err(Fault::Null { column: PATH.1 });
    }
    let text = column.as_string_view_opt().map(|array| array.value(row).as_bytes());
    let text = text.or_else(|| column.as_binary_view_opt().map(|array| array.value(row)));
    let text = text.or_else(|| column.as_string_opt::<i32>().map(|array| array.value(row).as_bytes()));
    let text = text.or_else(|| column.as_binary_opt::<i32>().map(|array| array.value(row)));
    text.ok_or(Fault::WrongType { column: PATH.1, expected: "string" })
}

/// Puts rows together by their paths.
#[derive(Default)]
struct Collector {
    numbers: HashMap<Box<str>, usize>,
    rows: Vec<Positions>,
    /// The path of the row before, its number, and rows of it that are not added yet.
    path: Vec<u8>,
    number: Option<usize>,
    pending: Vec<u64>,
    /// Where the row before was.
    stretch: u64,
    stretch_count: usize,
}

impl Collector {
    fn read(&mut self, batch: &RecordBatch, columns: &Columns) -> Result<(), Fault> {
        let (path_at_index, position_at) = if columns.path < columns.position { (0, 1) } else { (1, 0) };
        let column = |at: usize, column| batch.columns().get(at).ok_or(Fault::Missing { column });
        let (paths, positions) = (column(path_at_index, PATH.1)?, column(position_at, POSITION.1)?);
        let positions = positions.as_primitive_opt::<Int64Type>();
        let positions = positions.ok_or(Fault::WrongType { column: POSITION.1, expected: "long" })?;
        for (row, position) in positions.iter().enumerate() {
            let position = position.ok_or(Fault::Null { column: POSITION.1 })?;
            let position = u64::try_from(position).map_err(|_| Fault::Negative)?;
            self.add(path_at(paths, row)?, position)?;
        }
        Ok(())
    }

    fn add(&mut self, path: &[u8], position: u64) -> Result<(), Fault> {
        let is_same = self.number.is_some() && self.path == path;
        if !is_same {
            self.turn_to(path)?;
        }
        if !is_same || position >> STRETCH_BITS != self.stretch {
            self.stretch = position >> STRETCH_BITS;
            self.stretch_count += 1;
            if self.stretch_count > DELETE_FILE_STRETCHES_MAX {
                let max = DELETE_FILE_STRETCHES_MAX as u64;
                return Err(Fault::TooMany { what: "rows in no order", max });
            }
        }
        self.pending.push(position);
        if self.pending.len() >= ADDED_AT_ONCE {
            self.settle();
        }
        Ok(())
    }

    /// Goes on with the rows of another path.
    fn turn_to(&mut self, path: &[u8]) -> Result<(), Fault> {
        self.settle();
        let text = std::str::from_utf8(path).map_err(|_| Fault::NotUtf8)?;
        let number = match self.numbers.get(text) {
            Some(&number) => number,
            None if self.rows.len() >= DELETE_FILE_PATHS_MAX => {
                return Err(Fault::TooMany { what: "paths", max: DELETE_FILE_PATHS_MAX as u64 });
            }
            None => {
                self.numbers.insert(text.into(), self.rows.len());
                self.rows.push(Positions::default());
                self.rows.len() - 1
            }
        };
        self.path.clear();
        self.path.extend_from_slice(path);
        self.number = Some(number);
        Ok(())
    }

    fn settle(&mut self) {
        if let Some(rows) = self.number.and_then(|number| self.rows.get_mut(number)) {
            rows.add(&self.pending);
        }
        self.pending.clear();
    }

    fn finish(mut self) -> HashMap<Box<str>, Positions> {
        self.settle();
        let mut rows = self.rows;
        let take = |(path, number): (Box<str>, usize)| {
            let rows = rows.get_mut(number).map(std::mem::take);
            (path, rows.unwrap_or_default())
        };
        self.numbers.into_iter().map(take).collect()
    }
}

#[cfg(test)]
mod tests;
