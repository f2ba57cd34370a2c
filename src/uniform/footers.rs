//! How data files call their columns, where the metadata leaves it open.
//!
//! Files that were another kind of table before have no field ids; a name mapping tells which field a column of them
//! is. If all files call a field the same, that name is its physical one (Delta, "Column Mapping", mode `name`). If every
//! file has ids after all, columns are found by them. Anything else no Delta reader could read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::schema::types::{Type as Column, TypePtr};

use super::error::{Error, Fault};
use super::list::{Manifest, Source};
use super::naming::{NAME_MAPPING, NameMapping, Naming};
use crate::iceberg::schema::Schema;
use crate::iceberg::types::{Field, Type};
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{FOOTERS_MAX, FOOTERS_READ_AT_ONCE};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::error::Error as ManifestError;
use crate::storage::parquet_footer;
use crate::storage::table_store::TableStore;

/// Looks into every live file.
pub(super) async fn naming(
    source: &Source<'_>,
    manifests: &[Manifest],
    (schema, mapping): (&Schema, &NameMapping),
) -> Result<Naming, Error> {
    let paths = live_paths(source, manifests).await?;
    let store = &source.buckets.open(source.bucket, "")?;
    let reads = paths.into_iter().map(|path| async move {
        let key = source.key(&path)?;
        columns(store, &key, &path).await
    });
    let columns: Vec<TypePtr> = stream::iter(reads).buffered(FOOTERS_READ_AT_ONCE).try_collect().await?;
    let mut names =
        Names { mapping, found: BTreeMap::new(), strangers: BTreeSet::new(), has_ids: true, fits: true };
    for root in &columns {
        names.add(&schema.fields, root, 0);
    }
    names.naming(&schema.fields).ok_or_else(|| Fault::NameMapping { property: NAME_MAPPING }.into())
}

/// The paths of all live files, unless they are too many to look into.
async fn live_paths(source: &Source<'_>, manifests: &[Manifest]) -> Result<Vec<String>, Error> {
    let mut paths = Vec::new();
    let mut unpacker = Unpacker::new();
    for manifest in manifests {
        let bytes = source.buckets.read_whole(source.bucket, &manifest.key, MANIFEST_BYTES_MAX).await?;
        let broken = |fault| Error::Manifest { path: manifest.path.clone(), source: fault };
        let opened = entries::Manifest::open(&bytes).map_err(broken)?;
        let read = opened.each(manifest.inherited, &mut unpacker, |entry| {
            if entry.is_live() && paths.len() <= FOOTERS_MAX {
                paths.push(entry.file_path.to_owned());
            }
            Ok::<_, ManifestError>(())
        });
        read.map_err(broken)?;
        if paths.len() > FOOTERS_MAX {
            return Err(Fault::NameMapping { property: NAME_MAPPING }.into());
        }
    }
    Ok(paths)
}

/// What a file says of its columns.
pub(super) async fn columns(store: &TableStore, key: &str, path: &str) -> Result<TypePtr, Error> {
    let broken = || Error::Footer { path: path.to_owned() };
    let (footer, _) = parquet_footer::read(store, key, path).await?.ok_or_else(broken)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer).map_err(|_| broken())?;
    Ok(metadata.file_metadata().schema_descr().root_schema_ptr())
}

/// What the columns of all files are called.
struct Names<'m> {
    mapping: &'m NameMapping,
    /// By field id.
    found: BTreeMap<i32, String>,
    /// Columns that are no field of the table, below the field of this id.
    strangers: BTreeSet<(i32, String)>,
    /// Whether all columns have ids.
    has_ids: bool,
    /// Whether the files agree, and it can be told.
    fits: bool,
}

impl Names<'_> {
    /// Notes the columns of a struct; `parent` is its field, or 0.
    fn add(&mut self, fields: &[Field], of: &Column, parent: i32) {
        for column in columns_of(of) {
            let info = column.get_basic_info();
            let name = info.name();
            let field = if info.has_id() {
                fields.iter().find(|field| field.id == info.id())
            } else {
                self.has_ids = false;
                fields.iter().find(|field| self.mapping.calls(field.id, name))
            };
            let Some(field) = field else {
                self.strangers.insert((parent, name.to_lowercase()));
                continue;
            };
            let before = self.found.insert(field.id, name.to_owned());
            self.fits &= before.is_none_or(|before| before == name);
            match &field.field_type {
                Type::Primitive(_) => {}
                Type::Struct(inner) => self.add(&inner.fields, column, field.id),
                // Structs in lists are called by names too, but nobody says how deep in the file they lie.
                Type::List(_) | Type::Map(_) => {
                    let has_ids = all_have_ids(column);
                    self.has_ids &= has_ids;
                    self.fits &= has_ids || !has_structs(&field.field_type);
                }
            }
        }
    }

    fn naming(mut self, fields: &[Field]) -> Option<Naming> {
        if self.has_ids {
            return Some(Naming::Id);
        }
        self.fits &= self.complete(fields, 0);
        self.fits.then(|| Naming::Names(Arc::new(self.found)))
    }

    /// Names fields that no file has; whether no two columns of one struct have one name.
    fn complete(&mut self, fields: &[Field], parent: i32) -> bool {
        let mut taken = BTreeSet::new();
        fields.iter().all(|field| {
            let name = self.found.entry(field.id).or_insert_with(|| field.name.clone()).to_lowercase();
            let is_own = !self.strangers.contains(&(parent, name.clone())) && taken.insert(name);
            is_own
                && match &field.field_type {
                    Type::Struct(inner) => self.complete(&inner.fields, field.id),
                    Type::Primitive(_) | Type::List(_) | Type::Map(_) => true,
                }
        })
    }
}

pub(super) fn columns_of(of: &Column) -> &[TypePtr] {
    if of.is_group() { of.get_fields() } else { &[] }
}

/// Whether all values inside of a column have ids; groups that only repeat have none.
fn all_have_ids(of: &Column) -> bool {
    let inner = columns_of(of);
    if inner.is_empty() {
        of.get_basic_info().has_id()
    } else {
        inner.iter().all(|column| all_have_ids(column))
    }
}

fn has_structs(of: &Type) -> bool {
    match of {
        Type::Primitive(_) => false,
        Type::Struct(_) => true,
        Type::List(list) => has_structs(&list.element),
        Type::Map(map) => has_structs(&map.key) || has_structs(&map.value),
    }
}

#[cfg(test)]
mod tests {
    use parquet::schema::parser::parse_message_type;
    use serde_json::json;

    use super::*;

    /// What files with these columns, of a table of an int `a` and a struct `s` of an int `x`, are read by.
    fn naming_of(files: &[&str]) -> Option<Naming> {
        let inner =
            json!({"type": "struct", "fields": [{"id": 3, "name": "x", "required": false, "type": "int"}]});
        let schema: Schema = serde_json::from_value(json!({"type": "struct", "fields": [
            {"id": 1, "name": "a", "required": false, "type": "int"},
            {"id": 2, "name": "s", "required": false, "type": inner},
        ]}))
        .unwrap();
        let mapping = r#"[{"field-id": 1, "names": ["a", "old"]}, {"field-id": 2, "names": ["s"],
            "fields": [{"field-id": 3, "names": ["x", "y"]}]}]"#;
        let mapping = NameMapping::parse(mapping).unwrap();
        let mut names = Names {
            mapping: &mapping,
            found: BTreeMap::new(),
            strangers: BTreeSet::new(),
            has_ids: true,
            fits: true,
        };
        for columns in files {
            let root = parse_message_type(&format!("message m {{ {columns} }}")).unwrap();
            names.add(&schema.fields, &root, 0);
        }
        names.naming(&schema.fields)
    }

    fn names(a: &str, x: &str) -> Naming {
        let names = [(1, a), (2, "s"), (3, x)].map(|(id, name)| (id, name.to_owned()));
        Naming::Names(Arc::new(names.into()))
    }

    #[test]
    fn files_that_agree_are_read_by_their_names() {
        let old = "optional int32 old; optional group s { optional int32 y; }";
        assert_eq!(naming_of(&[old, old]), Some(names("old", "y")));
        assert_eq!(naming_of(&[old, "optional int32 old;"]), Some(names("old", "y")));
        assert_eq!(naming_of(&[old, "optional int32 old = 1;"]), Some(names("old", "y")));
        assert_eq!(naming_of(&["optional int32 a;"]), Some(names("a", "x")));
        let with_ids = "optional int32 a = 1; optional group s = 2 { optional int32 z = 3; }";
        assert_eq!(naming_of(&[with_ids, "optional int32 b = 1;"]), Some(Naming::Id));
        assert_eq!(naming_of(&[with_ids]), Some(Naming::Id));
    }

    #[test]
    fn files_that_disagree_are_not_read() {
        let old = "optional int32 old;";
        assert_eq!(naming_of(&[old, "optional int32 a;"]), None);
        assert_eq!(naming_of(&[old, "optional int32 a = 1;"]), None);
        assert_eq!(naming_of(&[old, "optional int32 old = 7;"]), None, "that column was dropped");
        assert_eq!(naming_of(&["optional group s { optional int32 q; optional int32 x = 9; }"]), None);
    }
}
