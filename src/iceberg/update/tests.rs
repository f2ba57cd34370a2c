//! Every rule of an update, on small tables.

use serde_json::{Value, json};

use super::super::error::{Error, Stale, UpdateFault};
use super::super::fixture::{
    CREATED_MS, UUID, add, branch, changed, commit, snapshot, table, updates, with_snapshots,
};
use super::super::metadata::TableMetadata;
use super::Update;

fn fault(table: &TableMetadata, changes: Value) -> UpdateFault {
    match commit(table, changes) {
        Err(Error::Update(fault)) => fault,
        other => panic!("no fault of an update: {other:?}"),
    }
}

fn ids(table: &TableMetadata) -> Vec<i64> {
    table.snapshots().iter().map(super::Snapshot::id).collect()
}

fn log(table: &TableMetadata) -> Vec<i64> {
    table.snapshot_log().iter().map(|entry| entry.snapshot_id).collect()
}

fn wider() -> Value {
    json!({"type": "struct", "schema-id": 5, "fields": [
        {"id": 1, "name": "id", "required": true, "type": "long"},
        {"id": 2, "name": "day", "required": false, "type": "date"},
        {"id": 3, "name": "text", "required": false, "type": "string"},
        {"id": 9, "name": "new", "required": false, "type": "int"}]})
}

#[test]
fn every_update_of_the_protocol_is_read() {
    let key = json!({"key-id": "k", "encrypted-key-metadata": "AA=="});
    let statistics = json!({"snapshot-id": 1, "statistics-path": "p", "file-size-in-bytes": 1,
        "file-footer-size-in-bytes": 1, "blob-metadata": []});
    let partition_statistics = json!({"snapshot-id": 1, "statistics-path": "p", "file-size-in-bytes": 1});
    let all = json!([
        {"action": "assign-uuid", "uuid": UUID},
        {"action": "upgrade-format-version", "format-version": 3},
        {"action": "add-schema", "schema": wider(), "last-column-id": 9},
        {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": {"fields": []}},
        {"action": "set-default-spec", "spec-id": -1},
        {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
        {"action": "set-default-sort-order", "sort-order-id": 0},
        add(&snapshot(1, None, 1)),
        {"action": "set-snapshot-ref", "ref-name": "t", "type": "tag", "snapshot-id": 1, "max-ref-age-ms": 5},
        {"action": "remove-snapshots", "snapshot-ids": [1, 2]},
        {"action": "remove-snapshot-ref", "ref-name": "t"},
        {"action": "set-location", "location": "s3://b/t"},
        {"action": "set-properties", "updates": {"a": "b"}},
        {"action": "set-properties", "updated": {"a": "b"}},
        {"action": "remove-properties", "removals": ["a"]},
        {"action": "remove-properties", "removed": ["a"]},
        {"action": "set-statistics", "snapshot-id": 1, "statistics": statistics},
        {"action": "remove-statistics", "snapshot-id": 1},
        {"action": "set-partition-statistics", "partition-statistics": partition_statistics},
        {"action": "remove-partition-statistics", "snapshot-id": 1},
        {"action": "remove-partition-specs", "spec-ids": [1]},
        {"action": "remove-schemas", "schema-ids": [1]},
        {"action": "add-encryption-key", "encryption-key": key},
        {"action": "remove-encryption-key", "key-id": "k"},
    ]);
    let read = updates(all);
    assert_eq!(read.len(), 25);
    assert_eq!(read[13], read[14]);
    let tag = |update: &Update| {
        matches!(update, Update::SetSnapshotRef { ref_name, reference }
        if ref_name == "t" && reference.max_ref_age_ms == Some(5) && reference.rest.is_empty())
    };
    assert!(tag(&read[9]));
    let unknown = serde_json::from_value::<Update>(json!({"action": "explode"})).unwrap_err().to_string();
    assert!(unknown.contains("explode") && unknown.contains("assign-uuid"), "{unknown}");
}

#[test]
fn a_commit_that_changes_nothing_makes_no_metadata() {
    let table = with_snapshots(&table(2), 1);
    let nothing = json!([
        {"action": "assign-uuid", "uuid": UUID.to_uppercase()},
        {"action": "upgrade-format-version", "format-version": 2},
        {"action": "set-current-schema", "schema-id": 0},
        {"action": "set-default-spec", "spec-id": 0},
        {"action": "set-default-sort-order", "sort-order-id": 0},
        {"action": "set-location", "location": "s3://bucket/table/"},
        {"action": "set-properties", "updates": {}},
        {"action": "remove-properties", "removals": []},
        {"action": "remove-snapshots", "snapshot-ids": [99]},
        {"action": "remove-snapshot-ref", "ref-name": "none"},
        {"action": "remove-statistics", "snapshot-id": 99},
        {"action": "remove-encryption-key", "key-id": "none"},
        branch("main", 1),
    ]);
    assert_eq!(commit(&table, nothing), Ok(None));
    assert_eq!(commit(&table, json!([])), Ok(None));
}

#[test]
fn the_metadata_log_remembers_as_many_files_as_the_table_says() {
    let three =
        json!([{"action": "set-properties", "updates": {"write.metadata.previous-versions-max": "3"}}]);
    let mut table = changed(&table(2), three);
    let first = &table.metadata_log()[0];
    assert_eq!(
        (first.timestamp_ms, first.metadata_file.as_str()),
        (CREATED_MS, "s3://bucket/table/metadata/before.json")
    );
    assert_eq!(table.last_updated_ms(), CREATED_MS + 10_000);
    for _ in 0..5 {
        table = changed(&table, json!([{"action": "set-properties", "updates": {"a": "b"}}]));
    }
    assert_eq!(table.metadata_log().len(), 3);
    assert!(table.metadata_log().iter().all(|entry| entry.timestamp_ms == CREATED_MS + 10_000));
}

#[test]
fn an_equal_schema_keeps_its_id() {
    let table = table(2);
    let wide = changed(
        &table,
        json!([
        {"action": "add-schema", "schema": wider()}, {"action": "set-current-schema", "schema-id": -1}]),
    );
    assert_eq!((wide.current_schema_id(), wide.last_column_id(), wide.schemas().len()), (1, 9, 2));
    let again = json!([{"action": "add-schema", "schema": wider()}, {"action": "set-current-schema", "schema-id": -1}]);
    assert_eq!(fault(&wide, again), UpdateFault::NoneAdded { what: "schema" });
    let twice = changed(
        &table,
        json!([
        {"action": "add-schema", "schema": wider()}, {"action": "add-schema", "schema": wider()},
        {"action": "set-current-schema", "schema-id": -1}]),
    );
    assert_eq!((twice.current_schema_id(), twice.schemas().len()), (1, 2));
    let unknown = json!([{"action": "set-current-schema", "schema-id": 7}]);
    assert_eq!(fault(&table, unknown), UpdateFault::Unknown { what: "current schema", id: 7 });
}

#[test]
fn a_schema_is_refused_for_what_its_table_cannot_have() {
    let schema =
        |field: Value| json!([{"action": "add-schema", "schema": {"type": "struct", "fields": [field]}}]);
    let variant = schema(json!({"id": 1, "name": "v", "required": false, "type": "variant"}));
    assert!(fault(&table(2), variant.clone()).to_string().contains("not supported until v3"));
    assert!(commit(&table(3), variant).is_ok());
    // The name of the partition field `day` is taken by a column that is not its source.
    let renamed = json!({"type": "struct", "fields": [
        {"id": 1, "name": "day", "required": true, "type": "long"},
        {"id": 2, "name": "date", "required": false, "type": "date"}]});
    let clash = json!([{"action": "add-schema", "schema": renamed}, {"action": "set-current-schema", "schema-id": -1}]);
    assert!(matches!(fault(&table(2), clash), UpdateFault::Spec(_)));
    // The default spec needs its column.
    let without = schema(json!({"id": 1, "name": "id", "required": true, "type": "long"}));
    let mut changes = without;
    changes.as_array_mut().unwrap().push(json!({"action": "set-current-schema", "schema-id": -1}));
    assert!(matches!(fault(&table(2), changes), UpdateFault::Spec(_)));
}

#[test]
fn an_equal_spec_keeps_its_id_and_a_new_one_counts_on() {
    let table = table(2);
    let spec = |fields: Value| {
        json!([
        {"action": "add-spec", "spec": {"spec-id": 9, "fields": fields}},
        {"action": "set-default-spec", "spec-id": -1}])
    };
    let bucket = json!([{"name": "b", "transform": "bucket[4]", "source-id": 1, "field-id": 1_007}]);
    let changed_table = changed(&table, spec(bucket));
    assert_eq!((changed_table.default_spec_id(), changed_table.last_partition_id()), (1, 1_007));
    let without_id = json!([{"name": "c", "transform": "bucket[4]", "source-id": 1},
        {"name": "d", "transform": "truncate[2]", "source-id": 3}]);
    let third = changed(&changed_table, spec(without_id));
    let ids: Vec<i32> = third.default_spec().unwrap().fields.iter().map(|field| field.id).collect();
    assert_eq!((ids, third.last_partition_id()), (vec![1_007, 1_008], 1_008));
    let same = json!([{"name": "day", "transform": "identity", "source-id": 2, "field-id": 1_050}]);
    assert_eq!(fault(&table, spec(same.clone())), UpdateFault::NoneAdded { what: "spec" });
    let back = changed(
        &changed_table,
        json!([
        {"action": "add-spec", "spec": {"fields": same}}, {"action": "set-default-spec", "spec-id": 0}]),
    );
    assert_eq!((back.default_spec_id(), back.specs().len()), (0, 2));
    let unknown = json!([{"action": "set-default-spec", "spec-id": 5}]);
    assert!(matches!(fault(&table, unknown), UpdateFault::Unknown { id: 5, .. }));
    let clash = spec(json!([{"name": "text", "transform": "bucket[4]", "source-id": 1}]));
    assert!(matches!(fault(&table, clash), UpdateFault::Spec(_)));
}

#[test]
fn specs_of_the_first_version_count_from_1000() {
    let table = table(1);
    let gap = json!([{"name": "b", "transform": "bucket[4]", "source-id": 1, "field-id": 1_007}]);
    let gap = json!([{"action": "add-spec", "spec": {"fields": gap}}]);
    assert!(matches!(fault(&table, gap), UpdateFault::Spec(_)));
    let right = json!([{"name": "day", "transform": "void", "source-id": 2},
        {"name": "b", "transform": "bucket[4]", "source-id": 1}]);
    let right = changed(
        &table,
        json!([
        {"action": "add-spec", "spec": {"fields": right}}, {"action": "set-default-spec", "spec-id": -1}]),
    );
    assert_eq!(right.last_partition_id(), 1_001);
}

#[test]
fn orders_are_added_like_specs() {
    let table = table(2);
    let order = |id: i32, source: i32| {
        json!([
        {"action": "add-sort-order", "sort-order": {"order-id": id, "fields": [
            {"transform": "identity", "source-id": source, "direction": "desc", "null-order": "nulls-first"}]}},
        {"action": "set-default-sort-order", "sort-order-id": -1}])
    };
    let sorted = changed(&table, order(5, 1));
    assert_eq!((sorted.default_sort_order_id(), sorted.sort_orders().len()), (1, 2));
    assert_eq!(changed(&sorted, order(1, 3)).default_sort_order_id(), 2);
    assert_eq!(fault(&sorted, order(3, 1)), UpdateFault::NoneAdded { what: "sort order" });
    assert!(matches!(fault(&table, order(0, 1)), UpdateFault::SortOrder(_)));
    assert!(matches!(fault(&table, order(1, 99)), UpdateFault::SortOrder(_)));
    let unsorted = json!([{"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
        {"action": "set-default-sort-order", "sort-order-id": 0}]);
    assert_eq!(changed(&sorted, unsorted).default_sort_order_id(), 0);
}

#[test]
fn a_snapshot_on_main_is_the_current_one() {
    let table = with_snapshots(&table(2), 2);
    assert_eq!((table.current_snapshot_id(), table.last_sequence_number()), (Some(2), 2));
    let entry = table.snapshot_log()[1];
    assert_eq!((entry.snapshot_id, entry.timestamp_ms), (2, CREATED_MS + 2_000));
    // Going back happens now.
    let back = changed(&table, json!([branch("main", 1)]));
    let entry = back.snapshot_log()[2];
    assert_eq!((entry.snapshot_id, entry.timestamp_ms), (1, CREATED_MS + 10_000));
    assert_eq!((back.current_snapshot_id(), back.last_sequence_number()), (Some(1), 2));
    let side = changed(&table, json!([add(&snapshot(3, Some(2), 3)), branch("side", 3)]));
    assert_eq!((side.current_snapshot_id(), log(&side)), (Some(2), vec![1, 2]));
}

#[test]
fn a_snapshot_comes_after_the_last_one() {
    let table = with_snapshots(&table(2), 2);
    let stale = commit(&table, json!([add(&snapshot(3, Some(1), 2))]));
    assert_eq!(stale, Err(Error::Stale(Stale::SequenceNumber { sequence_number: 2, last: 2 })));
    assert!(commit(&table, json!([add(&snapshot(3, None, 1))])).is_err());
    assert!(commit(&table, json!([add(&snapshot(3, None, 2))])).is_ok());
    assert_eq!(fault(&table, json!([add(&snapshot(2, Some(1), 3))])), UpdateFault::SnapshotExists { id: 2 });
    assert_eq!(fault(&table, json!([add(&snapshot(3, None, -1))])), UpdateFault::SequenceNumber { id: 3 });
    let listed = json!({"snapshot-id": 3, "sequence-number": 3, "timestamp-ms": 1, "manifests": []});
    assert_eq!(fault(&table, json!([add(&listed)])), UpdateFault::ManifestsInMetadata { id: 3 });
}

#[test]
fn the_first_version_has_no_sequence_numbers() {
    let table = table(1);
    assert_eq!(fault(&table, json!([add(&snapshot(1, None, 1))])), UpdateFault::SequenceNumberOfV1 { id: 1 });
    let listed = json!({"snapshot-id": 1, "timestamp-ms": CREATED_MS, "manifests": ["m"]});
    let first = changed(&table, json!([add(&listed), branch("main", 1)]));
    let second = changed(&first, json!([add(&snapshot(2, Some(1), 0)), branch("main", 2)]));
    assert_eq!((second.last_sequence_number(), ids(&second)), (0, vec![1, 2]));
    let upgraded = changed(&second, json!([{"action": "upgrade-format-version", "format-version": 2}]));
    assert_eq!(upgraded.snapshots()[0].manifests(), ["m"]);
}

#[test]
fn rows_of_the_third_version_have_ids() {
    let table = table(3);
    let rows = |id: i64, first: i64, count: i64| {
        let mut snapshot = snapshot(id, (id > 1).then_some(id - 1), id);
        snapshot["first-row-id"] = json!(first);
        snapshot["added-rows"] = json!(count);
        json!([add(&snapshot), branch("main", id)])
    };
    assert_eq!(fault(&table, json!([add(&snapshot(1, None, 1))])), UpdateFault::NoFirstRowId);
    let one = changed(&table, rows(1, 0, 10));
    assert_eq!(one.next_row_id(), 10);
    let stale = Stale::FirstRowId { first_row_id: 9, next_row_id: 10 };
    assert_eq!(commit(&one, rows(2, 9, 1)), Err(Error::Stale(stale)));
    assert_eq!(changed(&one, rows(2, 12, 5)).next_row_id(), 15);
    assert_eq!(fault(&one, rows(2, 10, i64::MAX)), UpdateFault::RowIds);
    let old = changed(&super::super::fixture::table(2), rows(1, 0, 10));
    assert_eq!(old.next_row_id(), 0);
    let upgraded = changed(&old, json!([{"action": "upgrade-format-version", "format-version": 3}]));
    assert_eq!((upgraded.format_version(), upgraded.next_row_id()), (3, 0));
}

#[test]
fn references_lead_to_snapshots_and_main_is_a_branch() {
    let table = with_snapshots(&table(2), 2);
    let tag = |name: &str| json!([{"action": "set-snapshot-ref", "ref-name": name, "type": "tag", "snapshot-id": 1}]);
    let unknown = UpdateFault::UnknownSnapshot { name: "b".to_owned(), id: 9 };
    assert_eq!(fault(&table, json!([branch("b", 9)])), unknown);
    assert_eq!(fault(&table, tag("main")), UpdateFault::MainIsATag);
    let tagged = changed(&table, tag("t"));
    assert!(!tagged.refs()["t"].is_branch());
    let kept = json!([{"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 2,
        "min-snapshots-to-keep": 3, "max-snapshot-age-ms": 4, "max-ref-age-ms": 5}]);
    assert_eq!(changed(&table, kept).refs()["main"].min_snapshots_to_keep, Some(3));
    let wrong = json!([{"action": "set-snapshot-ref", "ref-name": "t", "type": "tag", "snapshot-id": 1,
        "max-snapshot-age-ms": 4}]);
    assert!(matches!(fault(&table, wrong), UpdateFault::Reference(_)));
    let without = changed(&tagged, json!([{"action": "remove-snapshot-ref", "ref-name": "main"}]));
    assert_eq!((without.current_snapshot_id(), without.refs().len()), (None, 1));
    assert_eq!(log(&without), [1, 2]);
}

#[test]
fn snapshots_that_were_current_within_a_commit_are_not_logged() {
    let table = with_snapshots(&table(2), 1);
    let two = changed(
        &table,
        json!([
            add(&snapshot(2, Some(1), 2)),
            branch("main", 2),
            add(&snapshot(3, Some(2), 3)),
            branch("main", 3)
        ]),
    );
    assert_eq!((log(&two), ids(&two)), (vec![1, 3], vec![1, 2, 3]));
    // An earlier snapshot that main passed by stays in the log: it was there before.
    let back = changed(&table, json!([add(&snapshot(2, Some(1), 2)), branch("main", 2), branch("main", 1)]));
    assert_eq!((log(&back), back.current_snapshot_id()), (vec![1, 1], Some(1)));
}

#[test]
fn removed_snapshots_take_all_with_them_and_the_log_before() {
    let file = |id: i64| json!({"snapshot-id": id, "statistics-path": "p", "file-size-in-bytes": 1});
    let mut puffin = file(2);
    puffin["file-footer-size-in-bytes"] = json!(1);
    puffin["blob-metadata"] = json!([]);
    let table = changed(
        &with_snapshots(&table(2), 4),
        json!([
        branch("old", 2),
        {"action": "set-statistics", "statistics": puffin},
        {"action": "set-partition-statistics", "partition-statistics": file(2)},
        {"action": "set-partition-statistics", "partition-statistics": file(3)}]),
    );
    let removed = changed(&table, json!([{"action": "remove-snapshots", "snapshot-ids": [2]}]));
    assert_eq!((ids(&removed), log(&removed)), (vec![1, 3, 4], vec![3, 4]));
    assert_eq!(removed.refs().keys().collect::<Vec<_>>(), ["main"]);
    assert!(removed.statistics().is_empty());
    assert_eq!(removed.partition_statistics().len(), 1);
    let all = changed(&table, json!([{"action": "remove-snapshots", "snapshot-ids": [4, 3, 2, 1]}]));
    assert_eq!((all.current_snapshot_id(), all.snapshots().len(), all.refs().len()), (None, 0, 0));
    assert!(all.snapshot_log().is_empty());
    let again = changed(
        &table,
        json!([
        {"action": "remove-snapshots", "snapshot-ids": [2]}, add(&snapshot(2, Some(4), 5)), branch("main", 2)]),
    );
    assert_eq!((ids(&again), log(&again).last()), (vec![1, 3, 4, 2], Some(&2)));
}

#[test]
fn what_is_in_use_is_not_removed() {
    let table = with_snapshots(&table(2), 1);
    let wide = changed(
        &table,
        json!([
        {"action": "add-schema", "schema": wider()}, {"action": "set-current-schema", "schema-id": -1}]),
    );
    let schemas = |ids: Value| json!([{"action": "remove-schemas", "schema-ids": ids}]);
    assert_eq!(fault(&wide, schemas(json!([1]))), UpdateFault::CurrentSchema);
    assert_eq!(fault(&wide, schemas(json!([0]))), UpdateFault::SchemaInUse { id: 0, snapshot_id: 1 });
    let both = changed(
        &wide,
        json!([
        {"action": "remove-schemas", "schema-ids": [0]}, {"action": "remove-snapshots", "snapshot-ids": [1]}]),
    );
    assert_eq!(both.schemas().len(), 1);
    let specs = |ids: Value| json!([{"action": "remove-partition-specs", "spec-ids": ids}]);
    assert_eq!(fault(&table, specs(json!([0]))), UpdateFault::DefaultSpec);
    let second = changed(
        &table,
        json!([
        {"action": "add-spec", "spec": {"fields": []}}, {"action": "set-default-spec", "spec-id": -1}]),
    );
    let removed = changed(&second, specs(json!([0])));
    assert_eq!((removed.specs().len(), removed.last_partition_id()), (1, 1_000));
}

#[test]
fn versions_go_up_and_the_uuid_stays() {
    let version = |version: i32| json!([{"action": "upgrade-format-version", "format-version": version}]);
    let second = table(2);
    assert_eq!(changed(&second, version(3)).format_version(), 3);
    assert_eq!(fault(&second, version(1)), UpdateFault::Downgrade { from: 2, to: 1 });
    for wrong in [0, 4, -1, 300] {
        assert_eq!(fault(&second, version(wrong)), UpdateFault::FormatVersion { version: wrong });
    }
    let uuid = |uuid: &str| json!([{"action": "assign-uuid", "uuid": uuid}]);
    assert_eq!(fault(&second, uuid("7e5f3c0b-1b8a-4a37-9f0d-0c6f5b1c9a11")), UpdateFault::UuidAssigned);
    assert!(matches!(fault(&second, uuid("x")), UpdateFault::Uuid { .. }));
}

#[test]
fn reserved_properties_are_not_kept() {
    let set =
        json!([{"action": "set-properties", "updates": {"format-version": "3", "uuid": "x", "a": "b"}}]);
    let set = changed(&table(2), set);
    assert_eq!((set.format_version(), set.properties().get("uuid")), (3, None));
    assert_eq!(set.properties().get("a").map(String::as_str), Some("b"));
    let removed = changed(&set, json!([{"action": "remove-properties", "removals": ["a", "none"]}]));
    assert_eq!(removed.properties().get("a"), None);
    let moved = changed(&set, json!([{"action": "set-location", "location": "s3://bucket/other//"}]));
    assert_eq!(moved.location(), "s3://bucket/other");
    assert_eq!(fault(&set, json!([{"action": "set-location", "location": ""}])), UpdateFault::NoLocation);
}

#[test]
fn keys_are_added_once() {
    let key = |metadata: &str| {
        json!([{"action": "add-encryption-key",
        "encryption-key": {"key-id": "k", "encrypted-key-metadata": metadata}}])
    };
    let table = changed(&table(3), key("AA=="));
    assert_eq!(commit(&table, key("AB==")), Ok(None));
    let removed = changed(&table, json!([{"action": "remove-encryption-key", "key-id": "k"}]));
    assert!(removed.encryption_keys().is_empty());
}

#[test]
fn times_of_a_commit_are_near_ours_and_in_order() {
    let at = |timestamp_ms: i64| {
        let mut snapshot = snapshot(2, Some(1), 2);
        snapshot["timestamp-ms"] = json!(timestamp_ms);
        json!([add(&snapshot), branch("main", 2)])
    };
    let table = with_snapshots(&table(2), 1);
    let now_ms = CREATED_MS + 10_000;
    assert!(commit(&table, at(now_ms + 60_000)).is_ok());
    assert!(matches!(fault(&table, at(now_ms + 60_001)), UpdateFault::TimestampAhead { .. }));
    assert!(commit(&table, at(CREATED_MS + 1_000 - 60_000)).is_ok());
    assert!(matches!(fault(&table, at(CREATED_MS + 1_000 - 60_001)), UpdateFault::TimestampBehind { .. }));
}

#[test]
fn a_transaction_makes_a_table_of_its_updates() {
    let base = table(2);
    let schema = serde_json::to_value(base.current_schema().unwrap().as_ref()).unwrap();
    let spec = serde_json::to_value(base.default_spec().unwrap()).unwrap();
    let all = json!([
        {"action": "assign-uuid", "uuid": UUID},
        {"action": "upgrade-format-version", "format-version": 3},
        {"action": "add-schema", "schema": schema, "last-column-id": 3},
        {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": spec},
        {"action": "set-default-spec", "spec-id": -1},
        {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
        {"action": "set-default-sort-order", "sort-order-id": -1},
        {"action": "set-location", "location": "s3://bucket/table"},
        {"action": "set-properties", "updates": {"write.parquet.compression-codec": "zstd"}},
    ]);
    let make = |all: &Value| TableMetadata::from_updates(&updates(all.clone()), CREATED_MS);
    let mut made = make(&all).unwrap();
    assert_eq!((made.format_version(), made.metadata_log().len()), (3, 0));
    made.format_version = 2;
    assert_eq!(made, base);
    for (left_out, what) in [(0, "UUID"), (6, "sort order"), (8, "location")] {
        let mut some = all.clone();
        some.as_array_mut().unwrap().remove(left_out);
        if left_out == 6 {
            some.as_array_mut().unwrap().remove(6);
        }
        assert_eq!(make(&some), Err(Error::Update(UpdateFault::Lacking { what })));
    }
    assert!(make(&json!([add(&snapshot(1, None, 1))])).is_err());
    assert!(make(&json!([{"action": "set-current-schema", "schema-id": 0}])).is_err());
}
