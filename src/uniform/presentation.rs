//! The protocol and the metadata of an Iceberg table told as Delta.
//!
//! The table is told as one without partitions, since its files hold all columns; if some do not, what these lack is told
//! as partition columns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::Value;
use uuid::Uuid;

use super::decode::{Reason, Telling, Wanted};
use super::error::{Error, Fault};
use super::footers;
use super::former_types::Verdict;
use super::history::History;
use super::identities::Identities;
use super::list::{Manifest, Source};
use super::naming::{self, NAME_MAPPING, NameMapping, Naming};
use super::partition_columns::PartitionColumns;
use super::partition_facts::FactSpec;
use super::paths::Root;
use super::sampled::{Looks, Needs};
use super::schema::{Features, SchemaWriter, TYPE_CHANGES, TYPE_WIDENING};
use super::statistics::Columns;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::types::{Field, Type};
use crate::table::snapshot::{Metadata, Protocol};

/// The newest format version that is understood.
const FORMAT_VERSION_MAX: u8 = 3;

/// The property of Delta tables whose changes can be read (Delta, "Change Data Feed").
const CHANGE_FEED: &str = "delta.enableChangeDataFeed";

/// The writer feature that belongs to it.
const CHANGE_FEED_FEATURE: &str = "changeDataFeed";

/// The writer version that knows it without a list of features.
const CHANGE_FEED_VERSION: i32 = 4;

/// A schema of a table as Delta's readers are told it.
#[derive(Debug)]
pub(super) struct Presentation {
    pub(super) naming: Naming,
    pub(super) metadata: Metadata,
    pub(super) features: Features,
    pub(super) telling: Arc<Telling>,
    pub(super) needs: Needs,
}

/// What is presented.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    pub(super) metadata: &'a TableMetadata,
    pub(super) snapshot_id: Option<i64>,
    pub(super) schema_id: i32,
    /// Whether there may be files from before the table counted its commits.
    pub(super) has_unnumbered_files: bool,
    /// What a look into the files showed, where the metadata left a doubt.
    pub(super) naming: Option<Naming>,
    /// The specs of all live files, if some of these do not hold what they are partitioned by.
    pub(super) lacking_specs: Vec<&'a PartitionSpec>,
}

impl<'a> Subject<'a> {
    /// A snapshot with one of the schemas, as far as nobody has looked into its files.
    pub(super) fn new(
        metadata: &'a TableMetadata,
        (snapshot_id, schema_id): (Option<i64>, i32),
        has_unnumbered_files: bool,
    ) -> Self {
        Self {
            metadata,
            snapshot_id,
            schema_id,
            has_unnumbered_files,
            naming: None,
            lacking_specs: Vec::new(),
        }
    }
}

impl Presentation {
    pub(super) fn of(subject: &Subject<'_>, root: Root) -> Result<Self, Error> {
        let table = subject.metadata;
        if table.format_version() > FORMAT_VERSION_MAX {
            return Err(Fault::FormatVersion { version: table.format_version() }.into());
        }
        if !table.encryption_keys().is_empty() {
            return Err(Fault::Encrypted.into());
        }
        let id = subject.schema_id;
        let schema = table.schema(id).ok_or(Error::NoSchema { id })?;
        let index = schema.index().map_err(|source| Error::Schema { id, source })?;
        let history = History::of(table)?;
        let of_table =
            || naming::of_table(table, subject.snapshot_id, (&history, &index), subject.has_unnumbered_files);
        let naming = subject.naming.clone().unwrap_or_else(of_table);
        let mut writer = SchemaWriter {
            naming: &naming,
            history: &history,
            features: Features::new(),
            former: Vec::new(),
        };
        let schema_json = writer.fields(&schema.fields, "")?;
        let SchemaWriter { mut features, former, .. } = writer;
        // What changed between versions is told for every table.
        let mut configuration = BTreeMap::from([(CHANGE_FEED.to_owned(), "true".to_owned())]);
        if let Some(mode) = naming.mode() {
            features.insert("columnMapping");
            configuration.insert("delta.columnMapping.mode".to_owned(), mode.to_owned());
            let highest = table.last_column_id().to_string();
            configuration.insert("delta.columnMapping.maxColumnId".to_owned(), highest);
        }
        let identities: Vec<Identities> = table.specs().iter().map(Identities::of).collect();
        let partitions = PartitionColumns::of(&schema.fields, &naming, &subject.lacking_specs);
        let told_ids = partitions.ids();
        let in_files = schema.fields.iter().filter(|field| !told_ids.contains(&field.id));
        let columns = Columns::of(in_files, &naming);
        let facts =
            table.specs().iter().map(|spec| FactSpec::of(spec, &columns, (&index, &history))).collect();
        let mut wanted = Vec::new();
        collect_wanted(&schema.fields, "", &history, &mut wanted);
        wanted.retain(|one| one.ids.iter().all(|id| !told_ids.contains(id)));
        let ids = identities.iter().flat_map(Identities::column_ids);
        let ids = ids.filter(|id| !told_ids.contains(id)).collect::<BTreeSet<i32>>();
        wanted.extend(ids.iter().filter_map(|id| index.find(*id)).map(|place| Wanted {
            column: place.name.clone(),
            reason: Reason::Partition,
            ids: vec![place.id],
        }));
        let partitioned = schema.fields.iter().filter(|field| ids.contains(&field.id));
        let partitioned = partitioned.map(|field| (field.id, naming.physical_name(field.id, &field.name)));
        let needs = Needs { ids: naming == Naming::Id, columns: partitioned.collect() };
        Ok(Self {
            naming,
            needs,
            metadata: Metadata {
                id: table.uuid().map_or_else(|| uuid_of(table.location()), str::to_owned),
                name: None,
                description: table.properties().get("comment").cloned(),
                format_provider: "parquet".to_owned(),
                format_options: BTreeMap::new(),
                schema_string: schema_json.to_string(),
                partition_columns: partitions.names().map(str::to_owned).collect(),
                configuration,
                created_time_ms: None,
            },
            features,
            telling: Arc::new(Telling { root, columns, identities, partitions, facts, wanted, former }),
        })
    }

    /// The same after a look into the live files of these manifests, if the metadata leaves a doubt of what they call their
    /// columns.
    pub(super) async fn looked_up(
        self,
        source: &Source<'_>,
        data: &[Manifest],
        subject: &Subject<'_>,
    ) -> Result<Self, Error> {
        let (table, schema) = (subject.metadata, subject.metadata.schema(subject.schema_id));
        let Some((mapping, schema)) = self.doubt(table).zip(schema) else { return Ok(self) };
        let naming = footers::naming(source, data, (schema, &mapping)).await?;
        Self::of(&Subject { naming: Some(naming), ..subject.clone() }, source.root.clone())
    }

    /// Looks whether live files of these manifests hold what is told of them (see [`Looks::check`]).
    pub(super) async fn check(
        &self,
        source: &Source<'_>,
        looks: &Looks,
        data: &[Manifest],
    ) -> Result<(), Error> {
        looks.check(source, data, (&self.needs, &self.telling.identities)).await
    }

    /// What has to be told of columns by a look into the files: the mapping, where they may be without ids.
    pub(super) fn doubt(&self, table: &TableMetadata) -> Option<NameMapping> {
        let text = table.properties().get(NAME_MAPPING).filter(|_| self.naming == Naming::Id)?;
        Some(NameMapping::parse(text).unwrap_or_default())
    }

    /// Tells of other types that columns had only if a file may have one of them.
    ///
    /// # Errors
    /// [`Fault::TypeChange`].
    pub(super) fn settle(&mut self, verdict: Verdict) -> Result<(), Fault> {
        if let Verdict::Refused(number) = verdict
            && let Some(fault) = self.telling.former.get(number).and_then(|former| former.fault.clone())
        {
            return Err(fault);
        }
        if verdict == Verdict::Current
            && self.features.remove(TYPE_WIDENING)
            && let Ok(mut schema) = serde_json::from_str(&self.metadata.schema_string)
        {
            forget_changes(&mut schema);
            self.metadata.schema_string = schema.to_string();
        }
        Ok(())
    }

    /// What the telling of files depends on.
    pub(super) fn form(&self) -> String {
        let wanted: Vec<_> = self.telling.wanted.iter().map(|one| (&one.ids, one.reason)).collect();
        let former: Vec<_> = self.telling.former.iter().map(|one| (one.id, one.is_narrower)).collect();
        let Metadata { schema_string, partition_columns, .. } = &self.metadata;
        format!("{:?}\0{schema_string}\0{wanted:?}\0{former:?}\0{partition_columns:?}", self.naming)
    }
}

/// Takes the types that columns had before out of a schema.
fn forget_changes(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove(TYPE_CHANGES);
            object.values_mut().for_each(forget_changes);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_changes),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The protocol that demands these features.
pub(super) fn protocol(features: &Features) -> Protocol {
    if features.is_empty() {
        return Protocol {
            min_reader_version: 1,
            min_writer_version: CHANGE_FEED_VERSION,
            reader_features: None,
            writer_features: None,
        };
    }
    let listed: Vec<String> = features.iter().map(|&feature| feature.to_owned()).collect();
    let written = [vec![CHANGE_FEED_FEATURE.to_owned()], listed.clone()].concat();
    Protocol {
        min_reader_version: 3,
        min_writer_version: 7,
        reader_features: Some(listed.clone()),
        writer_features: Some(written),
    }
}

/// Tables of version 1 may have no id of their own.
fn uuid_of(location: &str) -> String {
    Uuid::from_bytes(Md5::digest(location).into()).to_string()
}

/// Columns whose rows from before they were added are not null.
fn collect_wanted(fields: &[Field], path: &str, history: &History<'_>, wanted: &mut Vec<Wanted>) {
    for field in fields {
        let column = format!("{path}{}", field.name);
        let has_default = field.initial_default.as_ref().is_some_and(|default| !default.is_null());
        if has_default && !history.is_in_all(field.id) {
            let mut ids = vec![field.id];
            collect_ids(&field.field_type, &mut ids);
            wanted.push(Wanted { column: column.clone(), reason: Reason::Default, ids });
        }
        collect_inside(&field.field_type, &column, history, wanted);
    }
}

fn collect_inside(of: &Type, column: &str, history: &History<'_>, wanted: &mut Vec<Wanted>) {
    match of {
        Type::Primitive(_) => {}
        Type::Struct(of) => collect_wanted(&of.fields, &format!("{column}."), history, wanted),
        Type::List(list) => collect_inside(&list.element, &format!("{column}.element"), history, wanted),
        Type::Map(map) => {
            collect_inside(&map.key, &format!("{column}.key"), history, wanted);
            collect_inside(&map.value, &format!("{column}.value"), history, wanted);
        }
    }
}

/// All ids below a type.
fn collect_ids(of: &Type, ids: &mut Vec<i32>) {
    match of {
        Type::Primitive(_) => {}
        Type::Struct(of) => {
            for field in &of.fields {
                ids.push(field.id);
                collect_ids(&field.field_type, ids);
            }
        }
        Type::List(list) => {
            ids.push(list.element_id);
            collect_ids(&list.element, ids);
        }
        Type::Map(map) => {
            ids.extend([map.key_id, map.value_id]);
            collect_ids(&map.key, ids);
            collect_ids(&map.value, ids);
        }
    }
}
