//! Every rule of a view's update.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::error::{Error, Unmet, UpdateFault, ViewFault};
use super::super::view::ViewMetadata;
use super::super::view_version::{self, ViewVersion};
use super::{NewView, ViewRequirement, ViewUpdate};
use crate::error::Kind;

const UUID: &str = "fa6506c3-7681-40c8-86dc-e36561f83385";
const NOW_MS: i64 = 1_700_000_000_000;

fn schema(name: &str) -> Value {
    json!({"type": "struct", "schema-id": 7, "fields": [{"id": 1, "name": name, "required": false, "type": "int"}]})
}

fn version(id: i32, sql: &str, dialects: &[&str]) -> Value {
    let query = |dialect: &&str| json!({"type": "sql", "sql": sql, "dialect": dialect, "x": 1});
    json!({"version-id": id, "timestamp-ms": NOW_MS - 1_000 + i64::from(id), "schema-id": 0, "default-namespace": ["ns"],
        "summary": {"engine-name": "spark"}, "representations": dialects.iter().map(query).collect::<Vec<_>>(), "y": []})
}

fn new_view(version: Value) -> Result<ViewMetadata, Error> {
    let view = NewView {
        uuid: Uuid::try_parse(UUID).unwrap(),
        location: "s3://b/v".to_owned(),
        schema: serde_json::from_value(schema("a")).unwrap(),
        version: serde_json::from_value(version).unwrap(),
        properties: [("comment".to_owned(), "c".to_owned())].into(),
    };
    view.build(NOW_MS)
}

fn view() -> ViewMetadata {
    new_view(version(5, "SELECT 1", &["spark"])).unwrap()
}

fn commit(view: &ViewMetadata, updates: Value) -> Result<Option<ViewMetadata>, Error> {
    let updates: Vec<ViewUpdate> = serde_json::from_value(updates).unwrap();
    view.apply(&updates, NOW_MS + 50)
}

fn changed(view: &ViewMetadata, updates: Value) -> ViewMetadata {
    commit(view, updates).unwrap().expect("something changes")
}

fn fault(view: &ViewMetadata, updates: Value) -> UpdateFault {
    match commit(view, updates) {
        Err(Error::Update(fault)) => fault,
        other => panic!("no fault of an update: {other:?}"),
    }
}

fn replaced(sql: &str) -> Value {
    json!([{"action": "add-view-version", "view-version": version(1, sql, &["spark"])},
        {"action": "set-current-view-version", "view-version-id": -1}])
}

fn ids(view: &ViewMetadata) -> Vec<i32> {
    view.versions().iter().map(|version| version.id).collect()
}

fn log(view: &ViewMetadata) -> Vec<i32> {
    view.version_log().iter().map(|entry| entry.version_id).collect()
}

#[test]
fn a_new_view_has_its_first_version() {
    let view = view();
    let current = view.current_version().unwrap();
    assert_eq!((view.current_version_id(), current.schema_id, log(&view)), (1, 0, vec![1]));
    assert_eq!((view.uuid(), view.location(), view.schemas().len()), (UUID, "s3://b/v", 1));
    assert_eq!(view.version_log()[0].timestamp_ms, NOW_MS - 995);
    assert_eq!(ViewMetadata::parse(&view.to_json()), Ok(view));
    let twice = new_view(version(1, "SELECT 1", &["trino", "TRINO"])).unwrap_err();
    assert_eq!(twice.to_string(), "Invalid view version: Cannot add multiple queries for dialect trino");
    let none = new_view(version(1, "SELECT 1", &[]));
    assert_eq!(none, Err(Error::Update(UpdateFault::ViewVersion(view_version::Fault::Empty))));
    let mut other = version(1, "SELECT 1", &["spark"]);
    other["representations"][0]["type"] = json!("plan");
    assert!(new_view(other).unwrap_err().to_string().contains("plan"));
    let mut half = version(1, "SELECT 1", &["spark"]);
    half["representations"][0]["sql"] = Value::Null;
    assert_eq!(new_view(half).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn what_is_not_understood_is_kept() {
    let written = json!({"view-uuid": UUID, "format-version": 1, "location": "l", "current-version-id": 1, "z": {"a": 1},
        "properties": {}, "schemas": [{"type": "struct", "schema-id": 0, "fields": []}],
        "versions": [version(1, "SELECT 1", &["spark"])], "version-log": [{"timestamp-ms": 5, "version-id": 1}]});
    let parse = |value: &Value| ViewMetadata::parse(value.to_string().as_bytes());
    let again: Value = serde_json::from_slice(&parse(&written).unwrap().to_json()).unwrap();
    assert_eq!(again, written);
    for (name, value) in [
        ("current-version-id", json!(2)),
        ("schemas", json!([])),
        ("versions", json!([written["versions"][0], written["versions"][0]])),
        ("view-uuid", Value::Null),
        ("version-log", Value::Null),
    ] {
        let mut wrong = written.clone();
        wrong[name] = value;
        assert_eq!(parse(&wrong).unwrap_err().kind(), Kind::Corrupt, "{name}");
    }
    let mut later = written;
    later["format-version"] = json!(2);
    assert_eq!(parse(&later), Err(Error::Version { version: 2 }));
}

#[test]
fn a_replaced_view_has_a_new_version_and_goes_back_to_an_equal_one() {
    let second = changed(&view(), replaced("SELECT 2"));
    assert_eq!((second.current_version_id(), ids(&second), log(&second)), (2, vec![1, 2], vec![1, 2]));
    let known = fault(&second, replaced("SELECT 2"));
    assert_eq!(known, UpdateFault::View(ViewFault::NoVersionAdded));
    let back = changed(&second, json!([{"action": "set-current-view-version", "view-version-id": 1}]));
    assert_eq!((back.current_version_id(), log(&back)), (1, vec![1, 2, 1]));
    assert_eq!(back.version_log()[2].timestamp_ms, NOW_MS + 50);
    let unknown = json!([{"action": "set-current-view-version", "view-version-id": 9}]);
    assert_eq!(fault(&back, unknown), UpdateFault::View(ViewFault::UnknownVersion { id: 9 }));
    let same = json!([{"action": "set-current-view-version", "view-version-id": 1}]);
    assert_eq!(commit(&back, same), Ok(None));
}

#[test]
fn a_version_names_a_schema_that_is_there() {
    let with_schema = |id: i32| {
        let mut version = version(1, "SELECT 2", &["spark"]);
        version["schema-id"] = json!(id);
        json!({"action": "add-view-version", "view-version": version})
    };
    let add = |name: &str| json!({"action": "add-schema", "schema": schema(name), "last-column-id": 1});
    let current = json!({"action": "set-current-view-version", "view-version-id": -1});
    let view = view();
    let wide = changed(&view, json!([add("b"), with_schema(-1), current]));
    assert_eq!((wide.schemas().len(), wide.current_version().unwrap().schema_id), (2, 1));
    assert_eq!(fault(&view, json!([with_schema(3)])), UpdateFault::View(ViewFault::UnknownSchema { id: 3 }));
    assert_eq!(fault(&view, json!([with_schema(-1)])), UpdateFault::NoneAdded { what: "schema" });
    assert_eq!(commit(&view, json!([add("a")])), Ok(None));
}

#[test]
fn old_versions_expire_and_their_part_of_the_log() {
    let set = json!([{"action": "set-properties", "updates": {"version.history.num-entries": "2"}}]);
    let mut view = changed(&view(), set);
    for number in 2..=4 {
        view = changed(&view, replaced(&format!("SELECT {number}")));
    }
    assert_eq!((ids(&view), log(&view)), (vec![3, 4], vec![3, 4]));
    let back = changed(&view, json!([{"action": "set-current-view-version", "view-version-id": 3}]));
    let next = changed(&back, replaced("SELECT 5"));
    assert_eq!((ids(&next), log(&next)), (vec![4, 5], vec![5]));
    let wrong = json!([{"action": "set-properties", "updates": {"version.history.num-entries": "0"}}]);
    assert!(matches!(fault(&view, wrong), UpdateFault::View(ViewFault::HistorySize { .. })));
    let both = json!([
        replaced("SELECT 6")[0],
        replaced("SELECT 7")[0],
        replaced("SELECT 8")[0],
        replaced("SELECT 7")[1]
    ]);
    assert_eq!(ids(&changed(&view, both)), [5, 6, 7]);
}

#[test]
fn a_dialect_is_not_lost_unless_that_is_allowed() {
    let both = new_view(version(1, "SELECT 1", &["spark", "trino"])).unwrap();
    let lost = fault(&both, replaced("SELECT 2"));
    assert!(lost.to_string().contains("Cannot replace view due to loss of view dialects"));
    let allowed = json!([{"action": "set-properties", "updates": {"replace.drop-dialect.allowed": "true"}}]);
    let allowed = changed(&both, allowed);
    assert_eq!(changed(&allowed, replaced("SELECT 2")).current_version_id(), 2);
}

#[test]
fn the_rest_of_a_view_changes_like_a_table() {
    let view = view();
    let nothing = json!([{"action": "assign-uuid", "uuid": UUID}, {"action": "upgrade-format-version", "format-version": 1},
        {"action": "set-location", "location": "s3://b/v"}, {"action": "set-properties", "updates": {}},
        {"action": "remove-properties", "removals": []}]);
    assert_eq!(commit(&view, nothing), Ok(None));
    let other = json!([{"action": "set-location", "location": "s3://b/w"},
        {"action": "set-properties", "updated": {"a": "b"}}, {"action": "remove-properties", "removed": ["comment"]}]);
    let other = changed(&view, other);
    assert_eq!(other.location(), "s3://b/w");
    assert_eq!(other.properties().iter().collect::<Vec<_>>(), [(&"a".to_owned(), &"b".to_owned())]);
    let uuid = json!([{"action": "assign-uuid", "uuid": "7e5f3c0b-1b8a-4a37-9f0d-0c6f5b1c9a11"}]);
    assert_eq!(fault(&view, uuid), UpdateFault::UuidAssigned);
    for version in [0, 2] {
        let upgrade = json!([{"action": "upgrade-format-version", "format-version": version}]);
        assert!(matches!(fault(&view, upgrade), UpdateFault::View(_)));
    }
    assert!(serde_json::from_value::<ViewUpdate>(json!({"action": "add-snapshot"})).is_err());
}

#[test]
fn a_view_is_known_by_its_uuid() {
    let asks = |uuid: &str| -> ViewRequirement {
        serde_json::from_value(json!({"type": "assert-view-uuid", "uuid": uuid})).unwrap()
    };
    let view = view();
    assert_eq!(asks(&UUID.to_uppercase()).check(Some(&view)), Ok(()));
    let other = asks("x").check(Some(&view)).unwrap_err();
    assert!(matches!(other, Error::Requirement(Unmet::ViewUuid { .. })) && other.kind() == Kind::Conflict);
    assert_eq!(asks("x").check(None).unwrap_err().kind(), Kind::Conflict);
    let version: ViewVersion = serde_json::from_value(version(1, "SELECT 1", &["Spark"])).unwrap();
    assert_eq!(version.dialects().into_iter().collect::<Vec<_>>(), ["spark"]);
}
