//! Random commits: what is true of every table stays true.
//!
//! Each commit is also made on the plainest possible model of snapshots and references, which knows nothing of JSON.

use std::collections::{BTreeMap, BTreeSet};

use lakeshare::iceberg::error::Error;
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::iceberg::new_table::NewTable;
use lakeshare::iceberg::requirement::{Requirement, check_all};
use lakeshare::iceberg::update::Update;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const CREATED_MS: i64 = 1_700_000_000_000;
const NAMES: [&str; 3] = ["main", "side", "tag"];

/// One change, in numbers that are small enough to meet each other.
#[derive(Debug, Clone)]
enum Change {
    AddSchema {
        columns: u8,
    },
    SetSchema {
        id: i32,
    },
    AddSpec {
        source: i32,
        transform: usize,
    },
    SetSpec {
        id: i32,
    },
    AddOrder {
        source: i32,
    },
    SetOrder {
        id: i32,
    },
    /// As the next snapshot of the table, `late` sequence numbers behind it.
    AddSnapshot {
        late: i64,
        has_parent: bool,
    },
    SetReference {
        name: usize,
        snapshot: i64,
    },
    RemoveReference {
        name: usize,
    },
    RemoveSnapshots {
        ids: BTreeSet<i64>,
    },
    SetStatistics {
        snapshot: i64,
    },
    SetProperty {
        value: u8,
    },
    RemoveSchemas {
        id: i32,
    },
    RemoveSpecs {
        id: i32,
    },
    Upgrade {
        version: u8,
    },
}

impl Change {
    /// Whether the model knows all about it.
    fn is_of_snapshots(&self) -> bool {
        matches!(
            self,
            Self::AddSnapshot { .. }
                | Self::SetReference { .. }
                | Self::RemoveReference { .. }
                | Self::RemoveSnapshots { .. }
        )
    }
}

fn change() -> impl Strategy<Value = Change> {
    let id = || -1..4_i32;
    prop_oneof![
        1 => (1..5_u8).prop_map(|columns| Change::AddSchema { columns }),
        1 => id().prop_map(|id| Change::SetSchema { id }),
        1 => (1..5_i32, 0..4_usize).prop_map(|(source, transform)| Change::AddSpec { source, transform }),
        1 => id().prop_map(|id| Change::SetSpec { id }),
        1 => (1..5_i32).prop_map(|source| Change::AddOrder { source }),
        1 => id().prop_map(|id| Change::SetOrder { id }),
        8 => (prop_oneof![9 => Just(0), 1 => 0..3_i64], prop::bool::weighted(0.8))
            .prop_map(|(late, has_parent)| Change::AddSnapshot { late, has_parent }),
        8 => (0..3_usize, 1..12_i64).prop_map(|(name, snapshot)| Change::SetReference { name, snapshot }),
        1 => (0..3_usize).prop_map(|name| Change::RemoveReference { name }),
        2 => prop::collection::btree_set(1..12_i64, 1..4).prop_map(|ids| Change::RemoveSnapshots { ids }),
        1 => (1..12_i64).prop_map(|snapshot| Change::SetStatistics { snapshot }),
        1 => any::<u8>().prop_map(|value| Change::SetProperty { value }),
        1 => id().prop_map(|id| Change::RemoveSchemas { id }),
        1 => id().prop_map(|id| Change::RemoveSpecs { id }),
        1 => (1..5_u8).prop_map(|version| Change::Upgrade { version }),
    ]
}

fn schema(columns: u8) -> Value {
    let field = |id: u8| json!({"id": id, "name": format!("c{id}"), "required": false, "type": "long"});
    json!({"type": "struct", "schema-id": 0, "fields": (1..=columns).map(field).collect::<Vec<_>>()})
}

/// The model: snapshots with their sequence numbers, references, and what was current when.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    snapshots: Vec<(i64, i64)>,
    refs: BTreeMap<String, i64>,
    /// Snapshots that were ever added; their ids go on counting.
    added: i64,
    last_sequence_number: i64,
    next_row_id: i64,
}

impl Model {
    fn has(&self, id: i64) -> bool {
        self.snapshots.iter().any(|(there, _)| *there == id)
    }

    /// The update on the wire, and whether it is right as far as snapshots and references go.
    fn make(&mut self, change: &Change, version: u8) -> (Value, bool) {
        match change {
            Change::AddSnapshot { late, has_parent } => {
                let sequence_number = if version == 1 { 0 } else { self.last_sequence_number + 1 - late };
                let is_beside = !has_parent && sequence_number == self.last_sequence_number;
                let is_right = version == 1 || sequence_number > self.last_sequence_number || is_beside;
                self.added += 1;
                let id = self.added;
                let mut snapshot = json!({"snapshot-id": id, "sequence-number": sequence_number,
                    "timestamp-ms": CREATED_MS, "manifest-list": "l", "schema-id": 0,
                    "first-row-id": self.next_row_id, "added-rows": 2});
                if *has_parent {
                    snapshot["parent-snapshot-id"] = json!(1);
                }
                if is_right {
                    self.snapshots.push((id, sequence_number));
                    self.last_sequence_number = sequence_number;
                    self.next_row_id += if version < 3 { 0 } else { 2 };
                }
                (json!({"action": "add-snapshot", "snapshot": snapshot}), is_right)
            }
            Change::SetReference { name, snapshot } => {
                let name = NAMES[*name];
                let kind = if name == "tag" { "tag" } else { "branch" };
                let is_right = self.has(*snapshot);
                if is_right {
                    self.refs.insert(name.to_owned(), *snapshot);
                }
                let update = json!({"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": snapshot});
                (update, is_right)
            }
            Change::RemoveReference { name } => {
                self.refs.remove(NAMES[*name]);
                (json!({"action": "remove-snapshot-ref", "ref-name": NAMES[*name]}), true)
            }
            Change::RemoveSnapshots { ids } => {
                self.snapshots.retain(|(id, _)| !ids.contains(id));
                self.refs.retain(|_, id| !ids.contains(id));
                (json!({"action": "remove-snapshots", "snapshot-ids": ids}), true)
            }
            other => (layout(other), true),
        }
    }
}

/// Changes that the model does not look at.
fn layout(change: &Change) -> Value {
    match change {
        Change::AddSchema { columns } => json!({"action": "add-schema", "schema": schema(*columns)}),
        Change::SetSchema { id } => json!({"action": "set-current-schema", "schema-id": id}),
        Change::AddSpec { source, transform } => {
            let transform = ["identity", "bucket[4]", "truncate[3]", "void"][*transform];
            let name = format!("p{source}_{}", transform.len());
            let field = json!({"name": name, "transform": transform, "source-id": source});
            json!({"action": "add-spec", "spec": {"spec-id": 0, "fields": [field]}})
        }
        Change::SetSpec { id } => json!({"action": "set-default-spec", "spec-id": id}),
        Change::AddOrder { source } => {
            json!({"action": "add-sort-order", "sort-order": {"order-id": 1, "fields": [
            {"transform": "identity", "source-id": source, "direction": "asc", "null-order": "nulls-last"}]}})
        }
        Change::SetOrder { id } => json!({"action": "set-default-sort-order", "sort-order-id": id}),
        Change::SetStatistics { snapshot } => {
            json!({"action": "set-partition-statistics", "partition-statistics":
            {"snapshot-id": snapshot, "statistics-path": "p", "file-size-in-bytes": 1}})
        }
        Change::SetProperty { value } => {
            json!({"action": "set-properties", "updates": {"p": value.to_string()}})
        }
        Change::RemoveSchemas { id } => json!({"action": "remove-schemas", "schema-ids": [id]}),
        Change::RemoveSpecs { id } => json!({"action": "remove-partition-specs", "spec-ids": [id]}),
        Change::Upgrade { version } => json!({"action": "upgrade-format-version", "format-version": version}),
        other => panic!("{other:?} is told by the model"),
    }
}

fn table(version: u8) -> TableMetadata {
    let table = NewTable {
        uuid: Uuid::from_u128(7),
        location: "s3://b/t".to_owned(),
        schema: serde_json::from_value(schema(3)).unwrap(),
        partition_spec: None,
        sort_order: None,
        properties: [
            ("format-version".to_owned(), version.to_string()),
            ("write.metadata.previous-versions-max".to_owned(), "4".to_owned()),
        ]
        .into(),
    };
    table.build(CREATED_MS).unwrap()
}

/// What is true of every table, and what a commit may not turn back.
fn check(before: &TableMetadata, after: &TableMetadata) {
    assert_eq!(TableMetadata::parse(&after.to_json()).as_ref(), Ok(after));
    assert!(TableMetadata::parse(&after.to_json_refs_only()).is_ok());
    assert_eq!(after.uuid(), before.uuid());
    assert!(after.format_version() >= before.format_version());
    assert!(after.last_column_id() >= before.last_column_id());
    assert!(after.last_partition_id() >= before.last_partition_id());
    assert!(after.last_sequence_number() >= before.last_sequence_number());
    let ids: BTreeSet<i32> =
        after.specs().iter().flat_map(|spec| &spec.fields).map(|field| field.id).collect();
    assert!(ids.iter().all(|id| *id <= after.last_partition_id()));
    let log = after.snapshot_log();
    assert!(log.iter().all(|entry| after.snapshot(entry.snapshot_id).is_some()), "{log:?}");
    if let Some(current) = after.current_snapshot_id() {
        assert_eq!(log.last().map(|entry| entry.snapshot_id), Some(current));
    }
    let files = after.metadata_log();
    assert_eq!(files.len(), (before.metadata_log().len() + 1).min(4));
    assert_eq!(files.last().map(|entry| entry.timestamp_ms), Some(before.last_updated_ms()));
    check_requirements(after);
}

/// A table fulfils what it says of itself, and nothing else.
fn check_requirements(table: &TableMetadata) {
    let requirements = |by: i32| -> Vec<Requirement> {
        let requirements = json!([
            {"type": "assert-last-assigned-field-id", "last-assigned-field-id": table.last_column_id() + by},
            {"type": "assert-current-schema-id", "current-schema-id": table.current_schema_id() + by},
            {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": table.last_partition_id() + by},
            {"type": "assert-default-spec-id", "default-spec-id": table.default_spec_id() + by},
            {"type": "assert-default-sort-order-id", "default-sort-order-id": table.default_sort_order_id() + by},
            {"type": "assert-ref-snapshot-id", "ref": "main",
             "snapshot-id": table.current_snapshot_id().map(|id| id + i64::from(by)).or((by > 0).then_some(1))},
        ]);
        serde_json::from_value(requirements).unwrap()
    };
    assert_eq!(check_all(&requirements(0), Some(table)), Ok(()));
    for wrong in requirements(1) {
        assert!(matches!(wrong.check(Some(table)), Err(Error::Requirement(_))), "{wrong:?}");
    }
}

fn run(version: u8, commits: &[Vec<Change>]) {
    let (mut table, mut model) = (table(version), Model::default());
    for (number, changes) in commits.iter().enumerate() {
        let mut next_model = model.clone();
        let mut is_right = true;
        let version = table.format_version();
        let made: Vec<Value> = changes
            .iter()
            .map(|change| {
                let (update, right) = next_model.make(change, version);
                is_right &= right;
                update
            })
            .collect();
        let updates: Vec<Update> = serde_json::from_value(json!(made)).unwrap();
        let now_ms = CREATED_MS + 1 + number as i64;
        match table.apply(&updates, Some("s3://b/before.json"), now_ms) {
            Ok(None) => assert_eq!(
                (model.snapshots.clone(), model.refs.clone()),
                (next_model.snapshots, next_model.refs)
            ),
            Ok(Some(after)) => {
                assert!(is_right, "{changes:?} was taken");
                check(&table, &after);
                let snapshots = after.snapshots().iter().map(|one| (one.id(), one.facts().sequence_number));
                assert_eq!(snapshots.collect::<Vec<_>>(), next_model.snapshots);
                let refs = after.refs().iter().map(|(name, reference)| (name.clone(), reference.snapshot_id));
                assert_eq!(refs.collect::<BTreeMap<_, _>>(), next_model.refs);
                assert_eq!(after.current_snapshot_id(), next_model.refs.get("main").copied());
                assert_eq!(after.last_sequence_number(), next_model.last_sequence_number);
                assert_eq!(after.next_row_id(), next_model.next_row_id);
                (table, model) = (after, next_model);
            }
            // Rules of layouts, which the model does not know, are looked at by other tests.
            Err(error) => {
                let is_layout = !changes.iter().all(Change::is_of_snapshots);
                assert!(
                    !is_right || is_layout && matches!(error, Error::Update(_)),
                    "{error:?} of {changes:?}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn commits_keep_what_is_true_of_every_table(
        version in 1..4_u8,
        commits in prop::collection::vec(prop::collection::vec(change(), 1..4), 1..24),
    ) {
        // The version is upgraded in a commit of its own, so that the model knows it.
        let is_upgrade = |change: &Change| matches!(change, Change::Upgrade { .. });
        let split = |changes: Vec<Change>| {
            let (upgrades, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_upgrade);
            [upgrades, others]
        };
        let commits: Vec<Vec<Change>> =
            commits.into_iter().flat_map(split).filter(|changes| !changes.is_empty()).collect();
        run(version, &commits);
    }
}
