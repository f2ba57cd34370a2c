//! The JSON of a table's metadata, read and written.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::{Error, FORMAT_VERSION_MAX, MetadataFault};
use super::file_text;
use super::metadata::TableMetadata;
use super::metadata_check;
use super::partition_spec::{
    FieldIds, PartitionField, PartitionSpec, UnboundPartitionField, UnboundPartitionSpec,
};
use super::properties::Properties;
use super::reference::{MAIN_BRANCH, Reference};
use super::schema::Schema;
use super::snapshot::Snapshot;
use super::sort_order::{SortOrder, UNSORTED_ID};
use super::statistics::{
    EncryptedKey, MetadataLogEntry, PartitionStatisticsFile, SnapshotLogEntry, StatisticsFile,
};
use crate::limits::iceberg::SNAPSHOTS_MAX;

/// What old writers put in the place of "no snapshot".
const NO_SNAPSHOT: i64 = -1;

/// The only field that is looked at where the others make no sense.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Versioned {
    format_version: i64,
}

/// Metadata as it is written, by writers of any version.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Written<'a> {
    format_version: u8,
    table_uuid: Option<String>,
    location: String,
    last_sequence_number: Option<i64>,
    last_updated_ms: i64,
    last_column_id: i32,
    /// Of version 1: the current schema.
    schema: Option<Schema>,
    schemas: Option<Vec<Schema>>,
    current_schema_id: Option<i32>,
    /// Of version 1: the fields of the default spec.
    partition_spec: Option<Vec<UnboundPartitionField>>,
    partition_specs: Option<Vec<UnboundPartitionSpec>>,
    default_spec_id: Option<i32>,
    last_partition_id: Option<i32>,
    sort_orders: Option<Vec<SortOrder>>,
    default_sort_order_id: Option<i32>,
    properties: Option<Properties>,
    current_snapshot_id: Option<i64>,
    #[serde(borrow)]
    snapshots: Option<Vec<&'a RawValue>>,
    refs: Option<BTreeMap<String, Reference>>,
    snapshot_log: Option<Vec<SnapshotLogEntry>>,
    metadata_log: Option<Vec<MetadataLogEntry>>,
    statistics: Option<Vec<StatisticsFile>>,
    partition_statistics: Option<Vec<PartitionStatisticsFile>>,
    encryption_keys: Option<Vec<EncryptedKey>>,
    next_row_id: Option<i64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl TableMetadata {
    /// Reads a metadata file, packed with gzip or not.
    ///
    /// # Errors
    /// [`Error::Metadata`], [`Error::Version`] and [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        parse(bytes)
    }

    /// The text of a metadata file.
    pub fn to_json(&self) -> Vec<u8> {
        render(self, false)
    }

    /// The same without the snapshots that neither a branch nor a tag names, and without what belongs to them.
    pub fn to_json_refs_only(&self) -> Vec<u8> {
        render(self, true)
    }
}

fn parse(bytes: &[u8]) -> Result<TableMetadata, Error> {
    let plain = file_text::unpacked(bytes)?;
    let written = serde_json::from_slice::<Written<'_>>(&plain);
    let is_known = |written: &Written<'_>| (1..=FORMAT_VERSION_MAX).contains(&written.format_version);
    if !written.as_ref().is_ok_and(is_known) {
        // A later version may look different: that says more than the first field that does.
        let version = serde_json::from_slice::<Versioned>(&plain).map(|versioned| versioned.format_version);
        if let Some(version) =
            version.ok().filter(|version| !(1..=FORMAT_VERSION_MAX.into()).contains(version))
        {
            return Err(Error::Version { version });
        }
    }
    let table = written.map_err(|error| MetadataFault::Json(error.to_string()))?.into_metadata()?;
    metadata_check::check(&table)?;
    Ok(table)
}

/// The current one of a list, and the list.
type Listed<T> = (i32, Vec<T>);

impl Written<'_> {
    fn into_metadata(mut self) -> Result<TableMetadata, MetadataFault> {
        let version = self.format_version;
        let missing = |field| MetadataFault::Missing { field, version };
        let (current_schema_id, schemas) = self.take_schemas()?;
        let (default_spec_id, specs) = self.take_specs()?;
        let (default_sort_order_id, sort_orders) = self.take_sort_orders()?;
        let last_of_specs = specs.iter().map(PartitionSpec::last_field_id).max().unwrap_or_default();
        let current_snapshot_id = self.current_snapshot_id.filter(|id| *id != NO_SNAPSHOT);
        let main = current_snapshot_id.map(|id| (MAIN_BRANCH.to_owned(), Reference::branch(id)));
        let last_sequence_number = match self.last_sequence_number {
            None if version > 1 => return Err(missing("last-sequence-number")),
            number => number.filter(|_| version > 1).unwrap_or(0),
        };
        let last_partition_id = match self.last_partition_id {
            None if version > 1 => return Err(missing("last-partition-id")),
            id => id.unwrap_or(last_of_specs),
        };
        let snapshots = snapshots(self.snapshots.take().unwrap_or_default())?;
        // Some writers of version 3 leave it out: then the rows that there are say it.
        let next_row_id = snapshots.iter().filter_map(row_id_after).max().unwrap_or(0);
        Ok(TableMetadata {
            format_version: version,
            uuid: self.table_uuid,
            location: self.location,
            last_sequence_number,
            last_updated_ms: self.last_updated_ms,
            last_column_id: self.last_column_id,
            current_schema_id,
            schemas,
            default_spec_id,
            specs,
            last_partition_id,
            default_sort_order_id,
            sort_orders,
            properties: self.properties.unwrap_or_default(),
            current_snapshot_id,
            snapshots,
            refs: self.refs.unwrap_or_else(|| main.into_iter().collect()),
            snapshot_log: self.snapshot_log.unwrap_or_default(),
            metadata_log: self.metadata_log.unwrap_or_default(),
            statistics: self.statistics.unwrap_or_default(),
            partition_statistics: self.partition_statistics.unwrap_or_default(),
            encryption_keys: self.encryption_keys.unwrap_or_default(),
            next_row_id: if version < 3 { 0 } else { self.next_row_id.unwrap_or(next_row_id) },
            rest: self.rest,
        })
    }

    fn missing(&self, field: &'static str) -> MetadataFault {
        MetadataFault::Missing { field, version: self.format_version }
    }

    fn take_schemas(&mut self) -> Result<Listed<Arc<Schema>>, MetadataFault> {
        match (self.schemas.take(), self.schema.take()) {
            (Some(schemas), _) => {
                let current = self.current_schema_id.ok_or_else(|| self.missing("current-schema-id"))?;
                Ok((current, schemas.into_iter().map(Arc::new).collect()))
            }
            (None, Some(schema)) if self.format_version == 1 => Ok((schema.id, vec![Arc::new(schema)])),
            (None, _) => Err(self.missing("schemas")),
        }
    }

    fn take_specs(&mut self) -> Result<Listed<PartitionSpec>, MetadataFault> {
        let with_ids = |spec: UnboundPartitionSpec| spec.with_ids(&FieldIds::Sequential);
        match (self.partition_specs.take(), self.partition_spec.take()) {
            (Some(specs), _) => {
                let default = self.default_spec_id.ok_or_else(|| self.missing("default-spec-id"))?;
                Ok((default, specs.into_iter().map(with_ids).collect::<Result<_, _>>()?))
            }
            (None, Some(fields)) if self.format_version == 1 => {
                let spec = UnboundPartitionSpec { fields, ..UnboundPartitionSpec::default() };
                Ok((0, vec![with_ids(spec)?]))
            }
            (None, _) => Err(self.missing("partition-specs")),
        }
    }

    fn take_sort_orders(&mut self) -> Result<Listed<SortOrder>, MetadataFault> {
        match self.sort_orders.take() {
            Some(orders) => {
                let default = self.default_sort_order_id;
                Ok((default.ok_or_else(|| self.missing("default-sort-order-id"))?, orders))
            }
            None if self.format_version == 1 => Ok((UNSORTED_ID, vec![SortOrder::unsorted()])),
            None => Err(self.missing("sort-orders")),
        }
    }
}

fn snapshots(written: Vec<&RawValue>) -> Result<Vec<Snapshot>, MetadataFault> {
    if written.len() > SNAPSHOTS_MAX {
        return Err(MetadataFault::TooManySnapshots);
    }
    written.into_iter().map(|raw| Ok(Snapshot::parse(raw.to_owned())?)).collect()
}

/// The id after those of a snapshot's rows.
fn row_id_after(snapshot: &Snapshot) -> Option<i64> {
    let facts = snapshot.facts();
    facts.first_row_id?.checked_add(facts.added_rows?)
}

/// Metadata as we write it: all that the reference implementation writes, and what came with the table.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rendered<'a> {
    format_version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_uuid: Option<&'a str>,
    location: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sequence_number: Option<i64>,
    last_updated_ms: i64,
    last_column_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a Schema>,
    current_schema_id: i32,
    schemas: Vec<&'a Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_spec: Option<&'a [PartitionField]>,
    default_spec_id: i32,
    partition_specs: &'a [PartitionSpec],
    last_partition_id: i32,
    default_sort_order_id: i32,
    sort_orders: &'a [SortOrder],
    properties: &'a Properties,
    current_snapshot_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_row_id: Option<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encryption_keys: &'a [EncryptedKey],
    refs: &'a BTreeMap<String, Reference>,
    snapshots: Vec<&'a Snapshot>,
    statistics: Vec<&'a StatisticsFile>,
    partition_statistics: Vec<&'a PartitionStatisticsFile>,
    snapshot_log: &'a [SnapshotLogEntry],
    metadata_log: &'a [MetadataLogEntry],
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
}

/// Writes metadata, with all snapshots or with those that a branch or a tag names.
fn render(table: &TableMetadata, refs_only: bool) -> Vec<u8> {
    let of_refs = table.refs.values().map(|reference| reference.snapshot_id);
    let named: HashSet<i64> = of_refs.chain(table.current_snapshot_id).collect();
    let is_told = |snapshot: &&Snapshot| !refs_only || named.contains(&snapshot.id());
    let (snapshots, hidden): (Vec<&Snapshot>, Vec<&Snapshot>) = table.snapshots.iter().partition(is_told);
    let hidden: HashSet<i64> = hidden.into_iter().map(Snapshot::id).collect();
    let version = table.format_version;
    let rendered = Rendered {
        format_version: version,
        table_uuid: table.uuid.as_deref(),
        location: &table.location,
        last_sequence_number: (version > 1).then_some(table.last_sequence_number),
        last_updated_ms: table.last_updated_ms,
        last_column_id: table.last_column_id,
        schema: table.current_schema().filter(|_| version == 1).map(AsRef::as_ref),
        current_schema_id: table.current_schema_id,
        schemas: table.schemas.iter().map(AsRef::as_ref).collect(),
        partition_spec: table.default_spec().filter(|_| version == 1).map(|spec| spec.fields.as_slice()),
        default_spec_id: table.default_spec_id,
        partition_specs: &table.specs,
        last_partition_id: table.last_partition_id,
        default_sort_order_id: table.default_sort_order_id,
        sort_orders: &table.sort_orders,
        properties: &table.properties,
        current_snapshot_id: table.current_snapshot_id.or((version < 3).then_some(NO_SNAPSHOT)),
        next_row_id: (version >= 3).then_some(table.next_row_id),
        encryption_keys: &table.encryption_keys,
        refs: &table.refs,
        statistics: table.statistics.iter().filter(|file| !hidden.contains(&file.snapshot_id)).collect(),
        partition_statistics: table
            .partition_statistics
            .iter()
            .filter(|file| !hidden.contains(&file.snapshot_id))
            .collect(),
        snapshot_log: &table.snapshot_log,
        metadata_log: &table.metadata_log,
        rest: &table.rest,
        snapshots,
    };
    let mut text = Vec::with_capacity(text_bytes(&rendered));
    // Writing into memory does not fail, and no map here has keys that are no strings.
    let _ = serde_json::to_writer(&mut text, &rendered);
    text
}

/// About as many bytes as the text will have.
fn text_bytes(rendered: &Rendered<'_>) -> usize {
    const HEAD_BYTES: usize = 16 << 10;
    const ENTRY_BYTES: usize = 64;
    let snapshots: usize = rendered.snapshots.iter().map(|snapshot| snapshot.json().len() + 1).sum();
    HEAD_BYTES + snapshots + rendered.snapshot_log.len() * ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::super::fixture;
    use super::*;
    use crate::error::Kind;

    /// A table of the first version by an old writer, which wrote one schema and one spec.
    fn old() -> Value {
        json!({
            "format-version": 1, "location": "s3://b/t", "last-updated-ms": 5, "last-column-id": 1,
            "schema": {"type": "struct", "fields": [{"id": 1, "name": "x", "required": true, "type": "long"}]},
            "partition-spec": [{"name": "x", "transform": "identity", "source-id": 1}],
            "current-snapshot-id": 3, "properties": {}, "x": {"y": [1.5, null]},
            "snapshots": [{"snapshot-id": 3, "timestamp-ms": 4, "manifests": ["m"]}],
        })
    }

    fn parse(value: &Value) -> Result<TableMetadata, Error> {
        super::parse(value.to_string().as_bytes())
    }

    fn rendered(table: &TableMetadata) -> Value {
        serde_json::from_slice(&table.to_json()).unwrap()
    }

    #[test]
    fn tables_of_old_writers_are_understood() {
        let table = parse(&old()).unwrap();
        assert_eq!((table.uuid(), table.last_sequence_number(), table.last_partition_id()), (None, 0, 1_000));
        assert_eq!(table.default_spec().unwrap().fields[0].id, 1_000);
        assert_eq!(table.sort_orders(), [SortOrder::unsorted()]);
        assert_eq!((table.refs()["main"].snapshot_id, table.current_snapshot_id()), (3, Some(3)));
        let text = rendered(&table);
        for (name, value) in old().as_object().unwrap() {
            let is_filled = ["schema", "partition-spec"].contains(&name.as_str());
            assert!(is_filled || text[name] == *value, "{name}: {}", text[name]);
        }
        assert_eq!(text["schema"]["schema-id"], 0);
        assert_eq!(text["partition-spec"][0]["field-id"], 1_000);
        assert!(text.get("last-sequence-number").is_none() && text.get("next-row-id").is_none());
        assert_eq!(parse(&text).unwrap(), table);
    }

    #[test]
    fn each_version_is_written_as_its_readers_expect() {
        for version in [1, 2, 3] {
            let table = fixture::table(version);
            let text = rendered(&table);
            assert_eq!(parse(&text).unwrap(), table);
            assert_eq!(text["current-snapshot-id"], if version == 3 { Value::Null } else { json!(-1) });
            assert_eq!(text.get("next-row-id").is_some(), version == 3);
            assert_eq!(text.get("last-sequence-number").is_some(), version > 1);
            assert_eq!(text.get("schema").is_some(), version == 1);
        }
    }

    #[test]
    fn packed_metadata_is_read() {
        let table = fixture::table(2);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&table.to_json()).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(TableMetadata::parse(&packed), Ok(table));
        let cut = TableMetadata::parse(&packed[..packed.len() / 2]);
        assert_eq!(cut, Err(Error::Metadata(MetadataFault::Gzip)));
    }

    #[test]
    fn only_named_snapshots_are_told_if_no_others_are_asked_for() {
        let file = |id: i64| json!({"snapshot-id": id, "statistics-path": "p", "file-size-in-bytes": 1});
        let table = fixture::changed(
            &fixture::with_snapshots(&fixture::table(2), 3),
            json!([
            fixture::branch("side", 1),
            {"action": "set-partition-statistics", "partition-statistics": file(1)},
            {"action": "set-partition-statistics", "partition-statistics": file(2)}]),
        );
        let text: Value = serde_json::from_slice(&table.to_json_refs_only()).unwrap();
        let ids = |name: &str| -> Vec<i64> {
            text[name].as_array().unwrap().iter().map(|one| one["snapshot-id"].as_i64().unwrap()).collect()
        };
        assert_eq!((ids("snapshots"), ids("partition-statistics")), (vec![1, 3], vec![1]));
        assert_eq!(text["snapshot-log"].as_array().unwrap().len(), 3);
        assert!(parse(&text).is_ok());
    }

    #[test]
    fn parts_that_do_not_fit_each_other_are_refused() {
        let mut table = rendered(&fixture::with_snapshots(&fixture::table(2), 1));
        table["next-row-id"] = json!(0);
        let with = |name: &str, value: Value| {
            let mut changed = table.clone();
            changed[name] = value;
            parse(&changed).unwrap_err()
        };
        for (name, value) in [
            ("table-uuid", Value::Null),
            ("last-sequence-number", Value::Null),
            ("last-sequence-number", json!(0)),
            ("schemas", Value::Null),
            ("schemas", json!([])),
            ("current-schema-id", json!(5)),
            ("default-spec-id", json!(5)),
            ("default-sort-order-id", json!(5)),
            ("last-partition-id", Value::Null),
            ("current-snapshot-id", json!(5)),
            ("current-snapshot-id", json!(-1)),
            ("refs", json!({"b": {"snapshot-id": 7, "type": "branch"}})),
            ("snapshots", json!([{}])),
            ("snapshots", json!([table["snapshots"][0], table["snapshots"][0]])),
            ("schemas", json!([table["schemas"][0], table["schemas"][0]])),
            ("properties", json!({"a": 1})),
            ("location", json!(7)),
            ("format-version", json!("2")),
        ] {
            assert_eq!(with(name, value.clone()).kind(), Kind::Corrupt, "{name} {value}");
        }
        for version in [0, 4, -1] {
            assert_eq!(with("format-version", json!(version)), Error::Version { version });
        }
        assert_eq!(TableMetadata::parse(b"[]").unwrap_err().kind(), Kind::Corrupt);
        let deep = "[".repeat(1_000);
        assert_eq!(
            TableMetadata::parse(format!("{{\"x\":{deep}").as_bytes()).unwrap_err().kind(),
            Kind::Corrupt
        );
    }
}
