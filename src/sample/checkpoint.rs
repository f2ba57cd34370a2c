//! A table's state as one Parquet file: a classic checkpoint.
//!
//! One row an action; the column of its kind is set and the others are null (Delta protocol,
//! "Checkpoint Schema"). Lists and maps carry the element names that the Parquet format demands.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field};

use super::action::{DataFile, Head, READER_VERSION, Tombstone, WRITER_VERSION};

/// What a version consists of.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    pub head: &'a Head,
    pub files: &'a [DataFile],
    pub tombstones: &'a [Tombstone],
}

/// One action; the variants in the order of the rows.
#[derive(Debug, Clone, Copy)]
enum Row<'a> {
    Protocol,
    Metadata(&'a Head),
    Remove(&'a Tombstone),
    Add(&'a DataFile),
}

/// The checkpoint's rows.
pub fn checkpoint_batch(state: State<'_>) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<Row<'_>> = [Row::Protocol, Row::Metadata(state.head)]
        .into_iter()
        .chain(state.tombstones.iter().map(Row::Remove))
        .chain(state.files.iter().map(Row::Add))
        .collect();
    RecordBatch::try_from_iter([
        ("txn", txn_column(&rows)?),
        ("add", add_column(&rows)?),
        ("remove", remove_column(&rows)?),
        ("metaData", metadata_column(&rows)?),
        ("protocol", protocol_column(&rows)?),
    ])
}

impl<'a> Row<'a> {
    fn add(self) -> Option<&'a DataFile> {
        if let Self::Add(file) = self { Some(file) } else { None }
    }

    fn remove(self) -> Option<&'a Tombstone> {
        if let Self::Remove(tombstone) = self { Some(tombstone) } else { None }
    }

    fn metadata(self) -> Option<&'a Head> {
        if let Self::Metadata(head) = self { Some(head) } else { None }
    }

    fn protocol(self) -> Option<()> {
        matches!(self, Self::Protocol).then_some(())
    }
}

/// A struct column that is null where `present` is false.
fn struct_column(
    present: impl Iterator<Item = bool>,
    children: Vec<(&str, ArrayRef)>,
) -> Result<ArrayRef, ArrowError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = children
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    let nulls: NullBuffer = present.collect();
    Ok(Arc::new(StructArray::try_new(fields.into(), arrays, Some(nulls))?))
}

fn text_column<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn long_column(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

/// A column of maps from text to text; `None` is a null map.
fn map_column<'a, M>(maps: impl Iterator<Item = Option<M>>) -> Result<ArrayRef, ArrowError>
where
    M: IntoIterator<Item = (&'a str, &'a str)>,
{
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for map in maps {
        let is_present = map.is_some();
        for (key, value) in map.into_iter().flatten() {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(is_present)?;
    }
    Ok(Arc::new(builder.finish()))
}

fn partition_values(file: &DataFile) -> impl Iterator<Item = (&str, &str)> {
    file.partition.iter().map(|(column, value)| (*column, value.as_str()))
}

fn txn_column(rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
    let none = || long_column(rows.iter().map(|_| None));
    struct_column(
        rows.iter().map(|_| false),
        vec![("appId", text_column(rows.iter().map(|_| None))), ("version", none()), ("lastUpdated", none())],
    )
}

fn add_column(rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
    let adds = || rows.iter().map(|row| row.add());
    // In a checkpoint an add changes nothing any more.
    let data_change: BooleanArray = adds().map(|add| add.map(|_| false)).collect();
    struct_column(
        adds().map(|add| add.is_some()),
        vec![
            ("path", text_column(adds().map(|add| Some(add?.path.as_str())))),
            ("partitionValues", map_column(adds().map(|add| add.map(partition_values)))?),
            ("size", long_column(adds().map(|add| Some(add?.size_bytes)))),
            ("modificationTime", long_column(adds().map(|add| Some(add?.modified_ms)))),
            ("dataChange", Arc::new(data_change)),
            ("stats", text_column(adds().map(|add| Some(add?.stats.as_str())))),
        ],
    )
}

fn remove_column(rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
    let removes = || rows.iter().map(|row| row.remove());
    let data_change: BooleanArray = removes().map(|remove| remove.map(|_| false)).collect();
    let has_metadata: BooleanArray = removes().map(|remove| remove.map(|_| true)).collect();
    struct_column(
        removes().map(|remove| remove.is_some()),
        vec![
            ("path", text_column(removes().map(|remove| Some(remove?.file.path.as_str())))),
            ("deletionTimestamp", long_column(removes().map(|remove| Some(remove?.deleted_ms)))),
            ("dataChange", Arc::new(data_change)),
            ("extendedFileMetadata", Arc::new(has_metadata)),
            (
                "partitionValues",
                map_column(
                    removes().map(|remove| remove.map(|tombstone| partition_values(&tombstone.file))),
                )?,
            ),
            ("size", long_column(removes().map(|remove| Some(remove?.file.size_bytes)))),
        ],
    )
}

fn metadata_column(rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
    let heads = || rows.iter().map(|row| row.metadata());
    let empty_maps = || heads().map(|head| head.map(|_| std::iter::empty()));
    let format = struct_column(
        heads().map(|head| head.is_some()),
        vec![
            ("provider", text_column(heads().map(|head| head.map(|_| "parquet")))),
            ("options", map_column(empty_maps())?),
        ],
    )?;
    let element = Field::new("element", DataType::Utf8, true);
    let mut partition_columns = ListBuilder::new(StringBuilder::new()).with_field(element);
    for head in heads() {
        for column in head.iter().flat_map(|head| head.partition_columns()) {
            partition_columns.values().append_value(column);
        }
        partition_columns.append(head.is_some());
    }
    struct_column(
        heads().map(|head| head.is_some()),
        vec![
            ("id", text_column(heads().map(|head| Some(head?.id.as_str())))),
            ("name", text_column(heads().map(|head| Some(head?.name)))),
            ("description", text_column(heads().map(|head| Some(head?.description)))),
            ("format", format),
            ("schemaString", text_column(heads().map(|head| Some(head?.schema_string.as_str())))),
            ("partitionColumns", Arc::new(partition_columns.finish())),
            ("configuration", map_column(empty_maps())?),
            ("createdTime", long_column(heads().map(|head| Some(head?.created_ms)))),
        ],
    )
}

fn protocol_column(rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
    let protocols = || rows.iter().map(|row| row.protocol());
    let reader: Int32Array = protocols().map(|protocol| protocol.map(|()| READER_VERSION)).collect();
    let writer: Int32Array = protocols().map(|protocol| protocol.map(|()| WRITER_VERSION)).collect();
    struct_column(
        protocols().map(|protocol| protocol.is_some()),
        vec![("minReaderVersion", Arc::new(reader)), ("minWriterVersion", Arc::new(writer))],
    )
}
