//! Rows of a checkpoint that are adds.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};

use super::action::{Act, Action, Add, DeletionVector, Stats};
use super::checkpoint_columns::{Fault, IntegerColumn, MapColumn, TextColumn, action, child, need_child};
use super::checkpoint_parsed::ParsedValues;
use super::partition::TupleBuilder;
use crate::table::segment_builder::RowIds;

const ADD: &[&str] = &["path", "size", "modificationTime", "stats", "baseRowId", "defaultRowCommitVersion"];
const DELETION_VECTOR: &[&str] = &["storageType", "pathOrInlineDv", "offset", "sizeInBytes", "cardinality"];

/// Which typed columns are read because the column of text is not enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parsed {
    pub(super) stats: bool,
    pub(super) partition_values: bool,
}

/// Whether a listing needs the column at `path`.
pub(super) fn is_needed(path: &[&str], parsed: Parsed) -> bool {
    match path {
        ["add", "deletionVector", field] => DELETION_VECTOR.contains(field),
        ["add", "partitionValues", ..] => true,
        ["add", "stats_parsed", ..] => parsed.stats,
        ["add", "partitionValues_parsed", ..] => parsed.partition_values,
        ["add", field] => ADD.contains(field),
        _ => false,
    }
}

/// Buffers that serve one row after the other.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    tuple: TupleBuilder,
    stats: String,
}

/// Partition values as text, or typed where the file has no text.
enum PartitionValues<'a> {
    Text(MapColumn<'a>),
    Parsed(ParsedValues<'a>),
}

impl<'a> PartitionValues<'a> {
    fn new(adds: &'a StructArray) -> Result<Self, Fault> {
        const COLUMN: &str = "add.partitionValues";
        if let Some(parsed) = child(adds, "partitionValues_parsed").and_then(ParsedValues::new) {
            return Ok(Self::Parsed(parsed));
        }
        Ok(Self::Text(MapColumn::new(COLUMN, need_child(adds, "partitionValues", COLUMN)?)?))
    }

    fn push(&self, row: usize, tuple: &mut TupleBuilder) -> Result<(), Fault> {
        match self {
            Self::Text(map) => {
                for entry in map.entries(row) {
                    let (column, value) = entry?;
                    tuple.push(column, value)?;
                }
            }
            Self::Parsed(parsed) => {
                for (column, value) in parsed.texts(row) {
                    tuple.push(column, value.as_deref())?;
                }
            }
        }
        Ok(())
    }
}

/// The columns of the adds of one batch.
struct Adds<'a> {
    structs: &'a StructArray,
    paths: TextColumn<'a>,
    sizes: IntegerColumn<'a>,
    times: IntegerColumn<'a>,
    partition_values: PartitionValues<'a>,
    stats: Option<TextColumn<'a>>,
    parsed_stats: Option<ParsedValues<'a>>,
    deletion_vectors: Option<DeletionVectors<'a>>,
    base_row_ids: Option<IntegerColumn<'a>>,
    default_row_commit_versions: Option<IntegerColumn<'a>>,
}

impl<'a> Adds<'a> {
    fn new(adds: &'a StructArray) -> Result<Self, Fault> {
        let times = need_child(adds, "modificationTime", "add.modificationTime")?;
        let numbers =
            |name, column| child(adds, name).map(|array| IntegerColumn::new(column, array)).transpose();
        Ok(Self {
            structs: adds,
            paths: TextColumn::new("add.path", need_child(adds, "path", "add.path")?)?,
            sizes: IntegerColumn::new("add.size", need_child(adds, "size", "add.size")?)?,
            times: IntegerColumn::new("add.modificationTime", times)?,
            partition_values: PartitionValues::new(adds)?,
            stats: child(adds, "stats").map(|array| TextColumn::new("add.stats", array)).transpose()?,
            parsed_stats: child(adds, "stats_parsed").and_then(ParsedValues::new),
            deletion_vectors: child(adds, "deletionVector").map(DeletionVectors::new).transpose()?,
            base_row_ids: numbers("baseRowId", "add.baseRowId")?,
            default_row_commit_versions: numbers("defaultRowCommitVersion", "add.defaultRowCommitVersion")?,
        })
    }

    fn get<'s>(&'s self, row: usize, scratch: &'s mut Scratch) -> Result<Option<Add<'s>>, Fault> {
        let Some(path) = self.paths.get(row)? else {
            // Some writers make a struct of nulls where there is no action; an add without a path is another matter.
            if self.structs.is_valid(row) && self.sizes.get(row).is_some() {
                return Err(Fault::Null { column: "add.path" });
            }
            return Ok(None);
        };
        let Scratch { tuple, stats } = scratch;
        tuple.clear();
        self.partition_values.push(row, tuple)?;
        Ok(Some(Add {
            path,
            partition_values: tuple.as_bytes(),
            size_bytes: self.sizes.need_size(row)?,
            modification_time_ms: self.times.need(row)?,
            stats: self.stats(row, stats)?.map(Stats::Raw),
            deletion_vector: match &self.deletion_vectors {
                Some(vectors) => vectors.get(row)?,
                None => None,
            },
            row_ids: RowIds {
                base: size(self.base_row_ids.as_ref(), row)?,
                default_commit_version: size(self.default_row_commit_versions.as_ref(), row)?,
            },
        }))
    }

    /// The statistics as JSON: as they are, or rebuilt from their columns.
    fn stats<'s>(&'s self, row: usize, rebuilt: &'s mut String) -> Result<Option<&'s str>, Fault> {
        let stats = self.stats.as_ref().map(|stats| stats.get(row)).transpose()?.flatten();
        if let Some(stats) = stats.filter(|stats| !stats.is_empty()) {
            return Ok(Some(stats));
        }
        let is_there = self.parsed_stats.as_ref().is_some_and(|parsed| parsed.write(row, rebuilt));
        Ok(is_there.then_some(rebuilt))
    }
}

fn size(column: Option<&IntegerColumn<'_>>, row: usize) -> Result<Option<u64>, Fault> {
    column.map_or(Ok(None), |column| column.get_size(row))
}

/// Calls `act` with each add of a batch.
pub(super) fn read(batch: &RecordBatch, scratch: &mut Scratch, act: &mut Act<'_>) -> Result<(), Fault> {
    let Some(adds) = action(batch, "add")? else { return Ok(()) };
    let adds = Adds::new(adds)?;
    for row in 0..batch.num_rows() {
        if let Some(add) = adds.get(row, scratch)? {
            act(Action::Add(add));
        }
    }
    Ok(())
}

/// The columns of deletion vectors.
struct DeletionVectors<'a> {
    storage_types: TextColumn<'a>,
    paths: TextColumn<'a>,
    offsets: Option<IntegerColumn<'a>>,
    sizes: Option<IntegerColumn<'a>>,
    cardinalities: Option<IntegerColumn<'a>>,
}

impl<'a> DeletionVectors<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, Fault> {
        const COLUMN: &str = "add.deletionVector";
        let wrong = Fault::WrongType { column: COLUMN, expected: "struct" };
        let vectors = array.as_struct_opt().ok_or(wrong)?;
        let numbers = |name| child(vectors, name).map(|array| IntegerColumn::new(COLUMN, array)).transpose();
        Ok(Self {
            storage_types: TextColumn::new(COLUMN, need_child(vectors, "storageType", COLUMN)?)?,
            paths: TextColumn::new(COLUMN, need_child(vectors, "pathOrInlineDv", COLUMN)?)?,
            offsets: numbers("offset")?,
            sizes: numbers("sizeInBytes")?,
            cardinalities: numbers("cardinality")?,
        })
    }

    /// A struct of nulls or of empty strings is what some writers make of null.
    fn get(&self, row: usize) -> Result<Option<DeletionVector<'a>>, Fault> {
        let storage_type = self.storage_types.get(row)?.unwrap_or_default();
        let path_or_inline = self.paths.get(row)?.unwrap_or_default();
        if storage_type.is_empty() && path_or_inline.is_empty() {
            return Ok(None);
        }
        let number = |column: &Option<IntegerColumn<'_>>| column.as_ref().and_then(|column| column.get(row));
        Ok(Some(DeletionVector {
            storage_type,
            path_or_inline,
            offset: number(&self.offsets),
            size_bytes: number(&self.sizes),
            cardinality: number(&self.cardinalities),
        }))
    }
}
