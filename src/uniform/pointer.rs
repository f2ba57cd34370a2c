//! Where the metadata file of an Iceberg table is now.
//!
//! The catalog knows it of its own tables. Of a table without one the newest file counts: the one that `version-hint.text`
//! names, or a later one that a writer has not noted there yet, or else the one with the highest number.

use std::sync::Arc;

use super::paths::{Fault, Root};
use crate::error::Kind;
use crate::limits::iceberg::{METADATA_FILES_AHEAD_MAX, VERSION_HINT_BYTES_MAX};
use crate::state;
use crate::state::catalog::{EntryKind, EntryName};
use crate::state::embedded::Store;
use crate::storage::Buckets;
use crate::storage::error::Error as StorageError;
use crate::storage::table_store::{ObjectInfo, TableStore};

pub(super) const VERSION_HINT: &str = "metadata/version-hint.text";
pub(super) const DIRECTORY: &str = "metadata";

/// Names of a metadata file by its number or hint, the usual one first (Iceberg, "File System Tables"; the reference
/// implementation, `HadoopTableOperations`).
pub(super) const NAMES: [(&str, &str); 6] = [
    ("v", ".metadata.json"),
    ("v", ".gz.metadata.json"),
    ("v", ".metadata.json.gz"),
    ("", ".metadata.json"),
    ("", ".gz.metadata.json"),
    ("", ".metadata.json.gz"),
];

/// Why nobody knows the metadata file of a table. Cheap to clone, because all who wait for one load get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no table {name} in warehouse {warehouse:?}; `lakeshare table list ALIAS/WAREHOUSE/NAMESPACE` shows those \
         that there are"
    )]
    NoTable { warehouse: String, name: EntryName },
    #[error("{name} in warehouse {warehouse:?} is a view; a view has no files that could be shared")]
    View { warehouse: String, name: EntryName },
    #[error(
        "there is no warehouse {warehouse:?}; `lakeshare warehouse list ALIAS` shows those that there are"
    )]
    NoWarehouse { warehouse: String },
    #[error("{table:?} is not an Iceberg table: it has no metadata file in its directory 'metadata'")]
    NotATable { table: String },
    #[error("the metadata file {location:?} cannot be read: {source}")]
    Location { location: String, source: Fault },
    #[error("the catalog cannot be asked")]
    State(#[source] Arc<state::Error>),
    #[error("the table's metadata cannot be looked for")]
    Storage(#[from] StorageError),
}

impl Error {
    fn of_catalog(error: state::Error, warehouse: &str, name: &EntryName) -> Self {
        use state::Error as State;
        if let State::WarehouseNotFound { name } = error {
            return Self::NoWarehouse { warehouse: name };
        }
        if matches!(error, State::EntryNotFound { .. } | State::NamespaceNotFound { .. }) {
            return Self::NoTable { warehouse: warehouse.to_owned(), name: name.clone() };
        }
        Self::State(Arc::new(error))
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::NoTable { .. } | Self::NoWarehouse { .. } | Self::NotATable { .. } => Kind::NotFound,
            Self::View { .. } | Self::Location { .. } => Kind::Unsupported,
            Self::State(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}

/// A metadata file that was the table's when it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub bucket: String,
    pub key: String,
    /// What the store knew of it; `None` for files of a catalog, which never change.
    pub info: Option<ObjectInfo>,
    /// Whether it is the one file with the highest number in its directory, where no hint leads to another.
    pub(super) is_highest: bool,
}

/// The metadata file of a table of the catalog.
///
/// # Errors
/// [`Error::NoTable`], [`Error::NoWarehouse`], [`Error::View`], [`Error::Location`], [`Error::State`].
pub async fn of_entry(store: &Store, warehouse: &str, name: &EntryName) -> Result<Pointer, Error> {
    let entry = store.get_entry(warehouse, name).await;
    let entry = entry.map_err(|error| Error::of_catalog(error, warehouse, name))?;
    if entry.kind != EntryKind::Table {
        return Err(Error::View { warehouse: warehouse.to_owned(), name: name.clone() });
    }
    let location = entry.metadata_location;
    let key = Root::new(warehouse, "", "").own_key(&location);
    let key = key.map_err(|source| Error::Location { location, source })?;
    Ok(Pointer { bucket: warehouse.to_owned(), key, info: None, is_highest: false })
}

/// The newest metadata file below `location` in `bucket`.
///
/// # Errors
/// [`Error::NotATable`], [`Error::Storage`].
pub async fn of_directory(buckets: &Buckets, bucket: &str, location: &str) -> Result<Pointer, Error> {
    let table = buckets.open(bucket, location)?;
    let (found, is_highest) = if let Some(found) = hinted(&table).await? {
        (found, false)
    } else {
        let found = highest(&table).await?;
        found.ok_or_else(|| Error::NotATable { table: table.name().to_owned() })?
    };
    let (name, info) = found;
    Ok(Pointer { bucket: bucket.to_owned(), key: key_of(location, &name), info: Some(info), is_highest })
}

/// The key of a file in a table's directory of metadata.
pub(super) fn key_of(location: &str, name: &str) -> String {
    let parts = [location, DIRECTORY, name].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("/")
}

pub(super) type Found = (String, ObjectInfo);

/// The file that the hint names, or the last one of those that follow it without a gap.
async fn hinted(table: &TableStore) -> Result<Option<Found>, Error> {
    let bytes = match table.read(VERSION_HINT, VERSION_HINT_BYTES_MAX).await {
        Ok((bytes, _)) => bytes,
        // A hint is a help and no more.
        Err(StorageError::NoSuchObject { .. } | StorageError::ObjectTooLarge { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(hint) = std::str::from_utf8(&bytes).ok().map(str::trim).filter(|hint| is_name(hint)) else {
        return Ok(None);
    };
    let Some(mut found) = of_hint(table, hint, &NAMES).await? else { return Ok(None) };
    let Ok(number) = hint.parse::<u64>() else { return Ok(Some(found)) };
    let [of_number @ .., _, _, _] = &NAMES;
    for ahead in 1..=METADATA_FILES_AHEAD_MAX {
        let Some(number) = number.checked_add(ahead) else { break };
        let Some(next) = of_hint(table, &number.to_string(), of_number).await? else {
            return Ok(Some(found));
        };
        found = next;
    }
    // The hint is so old that a listing costs less.
    Ok(None)
}

/// Whether a text can be a part of a file's name.
fn is_name(hint: &str) -> bool {
    !hint.is_empty() && !hint.contains(|one: char| one == '/' || one.is_control())
}

async fn of_hint(table: &TableStore, hint: &str, names: &[(&str, &str)]) -> Result<Option<Found>, Error> {
    for (before, after) in names {
        let name = format!("{before}{hint}{after}");
        if let Some(info) = table.head(&format!("{DIRECTORY}/{name}")).await? {
            return Ok(Some((name, info)));
        }
    }
    Ok(None)
}

/// The file with the highest number, and whether no other has it; of several the one that was written last.
async fn highest(table: &TableStore) -> Result<Option<(Found, bool)>, Error> {
    let mut highest: Option<(u64, i64, String, ObjectInfo)> = None;
    let mut is_alone = true;
    let mut visit = |name: &str, info: ObjectInfo| {
        let Some(number) = number_of(name) else { return };
        is_alone = match &highest {
            Some((known, ..)) if number == *known => false,
            Some((known, ..)) if number < *known => is_alone,
            _ => true,
        };
        let is_higher = highest.as_ref().is_none_or(|(known, modified_ms, known_name, _)| {
            (number, info.modified_ms, name) > (*known, *modified_ms, known_name.as_str())
        });
        if is_higher {
            highest = Some((number, info.modified_ms, name.to_owned(), info));
        }
    };
    table.list(DIRECTORY, "", &mut visit).await?;
    Ok(highest.map(|(_, _, name, info)| ((name, info), is_alone)))
}

/// The number in the name of a metadata file, `v3.metadata.json` or `00003-UUID.metadata.json`.
fn number_of(name: &str) -> Option<u64> {
    let stem = NAMES.iter().rev().find_map(|(_, after)| name.strip_suffix(after))?;
    let stem = stem.strip_suffix(".gz").unwrap_or(stem);
    match stem.strip_prefix('v') {
        Some(number) => number.parse().ok(),
        None => stem.split_once('-').map_or(stem, |(number, _)| number).parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table {
        dir: tempfile::TempDir,
        buckets: Buckets,
    }

    impl Table {
        fn with(names: &[&str]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(dir.path().join("lake/a/t/metadata")).unwrap();
            let table = Self { buckets: Buckets::embedded(dir.path().to_owned()), dir };
            for name in names {
                table.write(name, "{}");
            }
            table
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.dir.path().join("lake/a/t/metadata").join(name), text).unwrap();
        }

        async fn newest(&self) -> String {
            let pointer = of_directory(&self.buckets, "lake", "a/t").await.unwrap();
            assert_eq!(pointer.bucket, "lake");
            pointer.key.strip_prefix("a/t/metadata/").unwrap().to_owned()
        }
    }

    #[tokio::test]
    async fn the_hint_leads_to_the_newest_file() {
        let table = Table::with(&["v1.metadata.json", "v2.gz.metadata.json", "v3.metadata.json.gz"]);
        for (hint, newest) in [
            ("1", "v3.metadata.json.gz"),
            ("2\n", "v3.metadata.json.gz"),
            ("3", "v3.metadata.json.gz"),
            ("7", "v3.metadata.json.gz"),
            ("", "v3.metadata.json.gz"),
            ("../x", "v3.metadata.json.gz"),
        ] {
            table.write("version-hint.text", hint);
            assert_eq!(table.newest().await, newest, "{hint:?}");
        }
        table.write("v5.metadata.json", "{}");
        table.write("version-hint.text", "2");
        assert_eq!(table.newest().await, "v3.metadata.json.gz", "nobody counts over a gap");
    }

    #[tokio::test]
    async fn a_hint_may_be_a_whole_name() {
        let table = Table::with(&["00000-a.metadata.json", "00001-b.metadata.json", "00002-c.metadata.json"]);
        table.write("version-hint.text", "00001-b");
        assert_eq!(table.newest().await, "00001-b.metadata.json");
    }

    #[tokio::test]
    async fn without_a_hint_the_highest_number_counts() {
        let table =
            Table::with(&["v9.metadata.json", "v10.metadata.json", "v10.1.metadata.json", "snap-11.avro"]);
        assert_eq!(table.newest().await, "v10.metadata.json");
        table.write("00012-6a3c.gz.metadata.json", "{}");
        assert_eq!(table.newest().await, "00012-6a3c.gz.metadata.json");
    }

    #[tokio::test]
    async fn a_directory_without_metadata_is_no_table() {
        let table = Table::with(&["vfinal.metadata.json"]);
        let error = of_directory(&table.buckets, "lake", "a/t").await.unwrap_err();
        assert!(matches!(error, Error::NotATable { .. }), "{error}");
        let error = of_directory(&table.buckets, "lake", "a/u").await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "{error}");
        let error = of_directory(&table.buckets, "pond", "a/t").await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "{error}");
    }

    #[test]
    fn numbers_stand_in_front() {
        for (name, number) in [
            ("v3.metadata.json", Some(3)),
            ("v3.gz.metadata.json", Some(3)),
            ("v3.metadata.json.gz", Some(3)),
            ("00041-6a3c.metadata.json", Some(41)),
            ("00041-6a3c.gz.metadata.json", Some(41)),
            ("v3.1.metadata.json", None),
            ("vfinal.metadata.json", None),
            ("snap-3.avro", None),
        ] {
            assert_eq!(number_of(name), number, "{name}");
        }
    }
}
