//! The keys of all rows of a Parquet file.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use arrow_buffer::NullBuffer;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;
use parquet::schema::types::SchemaDescriptor;

use super::keys::{Column, Key, KeyColumn, Keys, Kind, Part};
use crate::limits::deletes::{DELETE_BATCH_ROWS, EQUALITY_KEYS_MAX};

/// Why the keys of a file are not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    #[error("it has no column of the id {id}, and another value than null stands for it")]
    Missing { id: i32 },
    #[error("the column of the id {id} has another type than the table says")]
    WrongType { id: i32 },
    #[error(
        "it has more than {EQUALITY_KEYS_MAX} keys; compact the table (rewrite_data_files with delete-file-threshold 1)"
    )]
    TooMany,
    #[error("it is no Parquet file that can be read")]
    Parquet(#[source] Arc<ParquetError>),
    #[error("it is no Parquet file with a footer that can be read")]
    NoFooter,
    #[error("its decoder gave up")]
    DecoderGaveUp,
}

impl Fault {
    /// Whether the file may be as it should be.
    pub(super) fn is_of_table(&self) -> bool {
        matches!(self, Self::TooMany | Self::Missing { .. } | Self::WrongType { .. })
    }
}

impl From<ParquetError> for Fault {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(Arc::new(error))
    }
}

/// Where the values of a column of keys are.
enum Source {
    /// In the column of these names, from the outermost to the innermost.
    Column {
        names: Vec<String>,
        leaf: usize,
        id: i32,
        kind: Kind,
    },
    Constant(Part),
}

/// How the keys of a file are read.
pub(super) struct Plan {
    sets: Vec<Vec<Source>>,
}

impl Plan {
    /// For some sets of columns; `absent` is the value of one that the file lacks.
    pub(super) fn of(
        schema: &SchemaDescriptor,
        sets: &[&[KeyColumn]],
        absent: &dyn Fn(&KeyColumn) -> Option<Part>,
    ) -> Result<Self, Fault> {
        let fields = schema.root_schema().get_fields();
        let has_ids = fields.iter().any(|field| field.get_basic_info().has_id());
        let source = |column: &KeyColumn| {
            let leaf = (0..schema.num_columns()).find(|&leaf| is_column(schema, leaf, column, has_ids));
            let Some(leaf) = leaf else {
                return absent(column).map(Source::Constant).ok_or(Fault::Missing { id: column.id });
            };
            let names = schema.column(leaf).path().parts().to_vec();
            Ok(Source::Column { names, leaf, id: column.id, kind: column.kind })
        };
        let set = |columns: &&[KeyColumn]| columns.iter().map(source).collect::<Result<Vec<_>, _>>();
        Ok(Self { sets: sets.iter().map(set).collect::<Result<_, _>>()? })
    }

    /// The columns that are read, by their places among those that hold values.
    pub(super) fn leaves(&self) -> BTreeSet<usize> {
        let leaf = |source: &Source| match source {
            Source::Column { leaf, .. } => Some(*leaf),
            Source::Constant(_) => None,
        };
        self.sets.iter().flatten().filter_map(leaf).collect()
    }

    /// Calls `visit` with the number of a set, of a row, and its key.
    ///
    /// # Errors
    /// [`Fault`]. Of broken files the decoder, which is not ours, may panic.
    pub(super) fn read<R: ChunkReader + 'static>(
        &self,
        reader: R,
        metadata: ArrowReaderMetadata,
        visit: &mut dyn FnMut(usize, u64, Key),
    ) -> Result<(), Fault> {
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), self.leaves());
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, metadata)
            .with_projection(mask)
            .with_batch_size(DELETE_BATCH_ROWS)
            .build()?;
        let mut first = 0;
        for batch in batches {
            let batch = batch.map_err(|error| ParquetError::ArrowError(error.to_string()))?;
            for (number, set) in self.sets.iter().enumerate() {
                let mut keys = keys(&batch, set)?;
                (0..batch.num_rows()).zip(first..).for_each(|(row, at)| visit(number, at, keys.at(row)));
            }
            first += batch.num_rows() as u64;
        }
        Ok(())
    }
}

/// Columns in lists and maps have many values in a row: they are no keys.
fn is_column(schema: &SchemaDescriptor, leaf: usize, column: &KeyColumn, has_ids: bool) -> bool {
    let stored = schema.column(leaf);
    let info = stored.self_type().get_basic_info();
    let is_it = if has_ids {
        info.has_id() && info.id() == column.id
    } else {
        let [name] = stored.path().parts() else { return false };
        column.names.contains(name)
    };
    is_it && stored.max_rep_level() == 0
}

fn keys<'p>(batch: &RecordBatch, set: &'p [Source]) -> Result<Keys<'p>, Fault> {
    let column = |source: &'p Source| match source {
        Source::Constant(part) => Ok::<_, Fault>(Column::Constant(part)),
        Source::Column { names, id, kind, .. } => {
            let array = values(batch, names).ok_or(Fault::WrongType { id: *id })?;
            Ok(Column::Read(array, *kind))
        }
    };
    let columns: Vec<Column<'p>> = set.iter().map(column).collect::<Result<_, Fault>>()?;
    let ids = set.iter().filter_map(|source| match source {
        Source::Column { id, .. } => Some(*id),
        Source::Constant(_) => None,
    });
    Keys::of(columns).ok_or(Fault::WrongType { id: ids.min().unwrap_or(0) })
}

/// The values of a column; those in structs that are null are null.
fn values(batch: &RecordBatch, names: &[String]) -> Option<ArrayRef> {
    let (first, inner) = names.split_first()?;
    let mut array = Arc::clone(batch.column_by_name(first)?);
    for name in inner {
        let outer = Arc::clone(&array);
        let column = outer.as_struct_opt()?.column_by_name(name)?;
        let nulls = NullBuffer::union(outer.nulls(), column.nulls());
        array = make_array(column.to_data().into_builder().nulls(nulls).build().ok()?);
    }
    Some(array)
}
