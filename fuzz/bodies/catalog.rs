//! Metadata of Iceberg tables and views, and commits to them.

use std::sync::LazyLock;

use lakeshare::error::Kind;
use lakeshare::iceberg::error::Error;
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::iceberg::requirement::{self, Requirement};
use lakeshare::iceberg::update::Update;
use lakeshare::iceberg::view::ViewMetadata;
use lakeshare::iceberg::view_update::{ViewRequirement, ViewUpdate};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// When the commits are made: after all that the seeds say.
const NOW_MS: i64 = 2_000_000_000_000;

/// The bytes are a metadata file.
pub fn metadata(bytes: &[u8]) {
    if let Ok(table) = TableMetadata::parse(bytes) {
        assert_eq!(TableMetadata::parse(&table.to_json()).as_ref(), Ok(&table));
        let named = TableMetadata::parse(&table.to_json_refs_only()).expect("what is named is told");
        assert!(named.snapshots().len() <= table.snapshots().len());
        assert_eq!((named.refs(), named.snapshot_log()), (table.refs(), table.snapshot_log()));
        assert!(table.memory_bytes() > 0);
        for snapshot in table.snapshots() {
            assert_eq!(snapshot.manifest_list().is_some(), snapshot.facts().has_manifest_list);
        }
    }
    if let Ok(view) = ViewMetadata::parse(bytes) {
        assert_eq!(ViewMetadata::parse(&view.to_json()).as_ref(), Ok(&view));
    }
}

/// Tables of every version and a view, which commits change.
static TABLES: LazyLock<Vec<TableMetadata>> = LazyLock::new(|| {
    let files: [&[u8]; 4] = [
        include_bytes!("../seeds/iceberg_metadata/v1"),
        include_bytes!("../seeds/iceberg_metadata/v2"),
        include_bytes!("../seeds/iceberg_metadata/v3"),
        include_bytes!("../seeds/iceberg_metadata/v3_types"),
    ];
    files.iter().map(|file| TableMetadata::parse(file).expect("a seed is metadata")).collect()
});
static VIEW: LazyLock<ViewMetadata> = LazyLock::new(|| {
    let file = include_bytes!("../seeds/iceberg_metadata/view");
    ViewMetadata::parse(file).expect("a seed is metadata")
});

/// The body of a commit, as the REST protocol has it.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned, U: DeserializeOwned")]
struct Body<R, U> {
    #[serde(default = "Vec::new")]
    requirements: Vec<R>,
    updates: Vec<U>,
}

/// The bytes are the body of a commit, to tables, to a view, and to a table that it makes.
pub fn commit(bytes: &[u8]) {
    if let Ok(body) = serde_json::from_slice::<Body<Requirement, Update>>(bytes) {
        let _ = requirement::is_create(&body.requirements);
        let _ = requirement::check_all(&body.requirements, None);
        for table in TABLES.iter() {
            let _ = requirement::check_all(&body.requirements, Some(table));
            commit_to(table, &body.updates);
        }
        if let Ok(table) = TableMetadata::from_updates(&body.updates, NOW_MS) {
            assert_eq!(TableMetadata::parse(&table.to_json()).as_ref(), Ok(&table));
        }
    }
    if let Ok(body) = serde_json::from_slice::<Body<ViewRequirement, ViewUpdate>>(bytes) {
        let _ = body.requirements.iter().try_for_each(|requirement| requirement.check(Some(&VIEW)));
        if let Ok(Some(view)) = VIEW.apply(&body.updates, NOW_MS) {
            assert_eq!(ViewMetadata::parse(&view.to_json()).as_ref(), Ok(&view));
            assert_eq!(view.uuid(), VIEW.uuid());
        }
    }
}

/// A table that a commit made is one that can be read, and gives out no id twice.
fn commit_to(table: &TableMetadata, updates: &[Update]) {
    let next = match table.apply(updates, Some("s3://b/before.json"), NOW_MS) {
        Ok(Some(next)) => next,
        Ok(None) => return,
        Err(error) => return assert!(is_of_the_client(&error), "{error:?}"),
    };
    assert_eq!(TableMetadata::parse(&next.to_json()).as_ref(), Ok(&next));
    assert_eq!((next.uuid(), next.last_updated_ms()), (table.uuid(), NOW_MS));
    assert!(next.format_version() >= table.format_version());
    assert!(next.last_column_id() >= table.last_column_id());
    assert!(next.last_partition_id() >= table.last_partition_id());
    assert!(next.last_sequence_number() >= table.last_sequence_number());
    assert!(next.next_row_id() >= table.next_row_id());
}

fn is_of_the_client(error: &Error) -> bool {
    matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::TooLarge)
}
