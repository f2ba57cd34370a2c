//! Classic checkpoints: only the columns that a listing needs are decoded.
//!
//! A checkpoint has one row per action, and one column per kind of action, null in all rows of another kind. Two
//! passes read it: protocol and metadata first, which takes next to nothing and may refuse the table, then the
//! adds in small batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::action::{Act, Action, Add, DeletionVector};
use super::checkpoint_columns::{Fault, IntegerColumn, MapColumn, TextColumn, child, list, need_child};
use super::checkpoint_source::CheckpointSource;
use super::error::Error;
use super::partition::TupleBuilder;
use crate::limits::CHECKPOINT_BATCH_ROWS;
use crate::table::snapshot::{Metadata, Protocol};

const ADD: &[&str] = &["path", "partitionValues", "size", "modificationTime", "stats", "deletionVector"];
const DELETION_VECTOR: &[&str] = &["storageType", "pathOrInlineDv", "offset"];

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

    /// Calls `act` with the protocol and the metadata, unless they are known, and looks for what else would have
    /// to be read.
    pub(super) fn read_table(&self, is_known: bool, act: &mut Act<'_>) -> Result<(), Error> {
        let mut rows = TableRows::default();
        let wanted = |path: &[&str]| match path {
            ["protocol" | "metaData", ..] => !is_known,
            ["sidecar", "path"] => true,
            _ => false,
        };
        self.read(&wanted, &mut |batch| rows.read(batch, act))
    }

    /// Calls `act` with each add.
    pub(super) fn read_adds(&self, act: &mut Act<'_>) -> Result<(), Error> {
        let mut tuple = TupleBuilder::default();
        let wanted = |path: &[&str]| match path {
            ["add", "deletionVector", field] => DELETION_VECTOR.contains(field),
            ["add", "partitionValues", ..] => true,
            ["add", field] => ADD.contains(field),
            _ => false,
        };
        self.read(&wanted, &mut |batch| read_adds(batch, &mut tuple, act))
    }

    fn read(
        &self,
        wanted: &dyn Fn(&[&str]) -> bool,
        read_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), Unread>,
    ) -> Result<(), Error> {
        self.read_projected(wanted, read_batch).map_err(|unread| error_of(&self.source, unread))
    }

    fn read_projected(
        &self,
        wanted: &dyn Fn(&[&str]) -> bool,
        read_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), Unread>,
    ) -> Result<(), Unread> {
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let is_wanted = |leaf: &usize| {
            let parts = schema.column(*leaf);
            let parts: Vec<_> = parts.path().parts().iter().map(String::as_str).collect();
            wanted(&parts)
        };
        let leaves: Vec<_> = (0..schema.num_columns()).filter(is_wanted).collect();
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        let reader = builder
            .with_projection(ProjectionMask::leaves(schema, leaves))
            .with_batch_size(CHECKPOINT_BATCH_ROWS)
            .build()?;
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

/// The struct column of an action; `None` if the file does not have it.
fn action<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<Option<&'a StructArray>, Fault> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    column.as_struct_opt().map(Some).ok_or(Fault::WrongType { column: name, expected: "struct" })
}

fn read_adds(batch: &RecordBatch, tuple: &mut TupleBuilder, act: &mut Act<'_>) -> Result<(), Unread> {
    let adds = action(batch, "add")?.ok_or(Fault::Missing { column: "add" })?;
    let paths = TextColumn::new("add.path", need_child(adds, "path", "add.path")?)?;
    let sizes = IntegerColumn::new("add.size", need_child(adds, "size", "add.size")?)?;
    let times = need_child(adds, "modificationTime", "add.modificationTime")?;
    let times = IntegerColumn::new("add.modificationTime", times)?;
    let partition_values = need_child(adds, "partitionValues", "add.partitionValues")?;
    let partition_values = MapColumn::new("add.partitionValues", partition_values)?;
    let stats = child(adds, "stats").map(|array| TextColumn::new("add.stats", array)).transpose()?;
    let deletion_vectors = child(adds, "deletionVector").map(DeletionVectors::new).transpose()?;
    for row in 0..batch.num_rows() {
        let Some(path) = paths.get(row)? else {
            // Some writers make a struct of nulls where there is no action; an add without a path is another matter.
            if adds.is_valid(row) && sizes.get(row).is_some() {
                return Err(Fault::Null { column: "add.path" }.into());
            }
            continue;
        };
        tuple.clear();
        for entry in partition_values.entries(row) {
            let (column, value) = entry?;
            tuple.push(column, value).map_err(Fault::from)?;
        }
        let stats = stats.as_ref().map(|stats| stats.get(row)).transpose()?.flatten();
        act(Action::Add(Add {
            path,
            partition_values: tuple.as_bytes(),
            size_bytes: sizes.need_size(row)?,
            modification_time_ms: times.need(row)?,
            stats: stats.filter(|stats| !stats.is_empty()),
            deletion_vector: match &deletion_vectors {
                Some(vectors) => vectors.get(row)?,
                None => None,
            },
        }));
    }
    Ok(())
}

/// The columns that identify deletion vectors.
struct DeletionVectors<'a> {
    storage_types: TextColumn<'a>,
    paths: TextColumn<'a>,
    offsets: Option<IntegerColumn<'a>>,
}

impl<'a> DeletionVectors<'a> {
    fn new(array: &'a arrow_array::ArrayRef) -> Result<Self, Fault> {
        const COLUMN: &str = "add.deletionVector";
        let wrong = Fault::WrongType { column: COLUMN, expected: "struct" };
        let vectors = array.as_struct_opt().ok_or(wrong)?;
        let offsets = child(vectors, "offset").map(|array| IntegerColumn::new(COLUMN, array)).transpose()?;
        Ok(Self {
            storage_types: TextColumn::new(COLUMN, need_child(vectors, "storageType", COLUMN)?)?,
            paths: TextColumn::new(COLUMN, need_child(vectors, "pathOrInlineDv", COLUMN)?)?,
            offsets,
        })
    }

    /// A struct of nulls or of empty strings is what some writers make of null.
    fn get(&self, row: usize) -> Result<Option<DeletionVector<'a>>, Fault> {
        let storage_type = self.storage_types.get(row)?.unwrap_or_default();
        let path_or_inline = self.paths.get(row)?.unwrap_or_default();
        if storage_type.is_empty() && path_or_inline.is_empty() {
            return Ok(None);
        }
        Ok(Some(DeletionVector {
            storage_type,
            path_or_inline,
            offset: self.offsets.as_ref().and_then(|offsets| offsets.get(row)),
        }))
    }
}

/// Finds the one row of protocol and the one row of metadata.
#[derive(Default)]
struct TableRows {
    protocol_seen: bool,
    metadata_seen: bool,
}

impl TableRows {
    fn read(&mut self, batch: &RecordBatch, act: &mut Act<'_>) -> Result<(), Unread> {
        if let Some(sidecars) = action(batch, "sidecar")?
            && let Some(paths) = child(sidecars, "path")
            && paths.null_count() < paths.len()
        {
            return Err(Fault::LayoutV2.into());
        }
        if let Some(protocols) = action(batch, "protocol")? {
            let versions = need_child(protocols, "minReaderVersion", "protocol.minReaderVersion")?;
            for row in (0..batch.num_rows()).filter(|&row| versions.is_valid(row)) {
                if std::mem::replace(&mut self.protocol_seen, true) {
                    return Err(Fault::Twice { action: "protocol" }.into());
                }
                act(Action::Protocol(read_protocol(protocols, row)?));
            }
        }
        if let Some(metadata) = action(batch, "metaData")? {
            let ids = need_child(metadata, "id", "metaData.id")?;
            for row in (0..batch.num_rows()).filter(|&row| ids.is_valid(row)) {
                if std::mem::replace(&mut self.metadata_seen, true) {
                    return Err(Fault::Twice { action: "metaData" }.into());
                }
                act(Action::Metadata(Box::new(read_metadata(metadata, row)?)));
            }
        }
        Ok(())
    }
}

fn read_protocol(protocols: &StructArray, row: usize) -> Result<Protocol, Fault> {
    let version =
        |name, column| IntegerColumn::new(column, need_child(protocols, name, column)?)?.need_small(row);
    let features = |name, column| match child(protocols, name) {
        Some(array) => list(column, array, row),
        None => Ok(None),
    };
    Ok(Protocol {
        min_reader_version: version("minReaderVersion", "protocol.minReaderVersion")?,
        min_writer_version: version("minWriterVersion", "protocol.minWriterVersion")?,
        reader_features: features("readerFeatures", "protocol.readerFeatures")?,
        writer_features: features("writerFeatures", "protocol.writerFeatures")?,
    })
}

fn read_metadata(metadata: &StructArray, row: usize) -> Result<Metadata, Fault> {
    let text = |parent: &StructArray, name, column| match child(parent, name) {
        Some(array) => Ok::<_, Fault>(TextColumn::new(column, array)?.get(row)?.map(str::to_owned)),
        None => Ok(None),
    };
    let need = |parent, name, column| text(parent, name, column)?.ok_or(Fault::Null { column });
    let format = need_child(metadata, "format", "metaData.format")?.as_struct_opt();
    let format = format.ok_or(Fault::WrongType { column: "metaData.format", expected: "struct" })?;
    let partition_columns = match child(metadata, "partitionColumns") {
        Some(array) => list("metaData.partitionColumns", array, row)?,
        None => None,
    };
    let created_time_ms = match child(metadata, "createdTime") {
        Some(array) => IntegerColumn::new("metaData.createdTime", array)?.get(row),
        None => None,
    };
    Ok(Metadata {
        id: need(metadata, "id", "metaData.id")?,
        name: text(metadata, "name", "metaData.name")?,
        description: text(metadata, "description", "metaData.description")?,
        format_provider: need(format, "provider", "metaData.format.provider")?,
        format_options: map(format, "options", "metaData.format.options", row)?,
        schema_string: need(metadata, "schemaString", "metaData.schemaString")?,
        partition_columns: partition_columns.unwrap_or_default(),
        configuration: map(metadata, "configuration", "metaData.configuration", row)?,
        created_time_ms,
    })
}

/// A map of strings; entries whose value is null are left out.
fn map(
    parent: &StructArray,
    name: &str,
    column: &'static str,
    row: usize,
) -> Result<BTreeMap<String, String>, Fault> {
    let Some(array) = child(parent, name) else { return Ok(BTreeMap::new()) };
    let maps = MapColumn::new(column, array)?;
    let mut entries = BTreeMap::new();
    for entry in maps.entries(row) {
        if let (key, Some(value)) = entry? {
            entries.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(entries)
}
