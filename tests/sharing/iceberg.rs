//! Iceberg tables behind Delta Sharing: shared, followed, refused.

use serde_json::{Value, json};

use super::wire::{Answer, Ask};
use super::world::{QUERY, TABLE, World, error_of};
use crate::support::catalog::Catalog;
use crate::support::iceberg_table::IcebergTable;

/// A server with the warehouse `lake`, the namespace `sales` and the table `orders` in it.
pub async fn start() -> (World, IcebergTable) {
    let world = World::start();
    let catalog = Catalog::with_sales(&world.server).await;
    let table = IcebergTable::create(&world.server, &catalog, "orders").await;
    (world, table)
}

pub fn uniform(table: &str) -> Value {
    json!({"name": "t", "sourceType": "uniform", "warehouse": "lake", "namespace": "sales", "table": table})
}

fn share(world: &World, table: &Value) -> Answer {
    let share = json!({"name": "s", "schemas": [{"name": "default", "tables": [table]}]});
    world.admin("POST", "/shares", &share)
}

/// Shares `table` as `s`.`default`.`t`, and gives back a token for it.
pub fn shared(world: &World, table: &Value) -> String {
    let answer = share(world, table);
    assert_eq!(answer.status, 201, "{}", answer.text());
    world.token("s", &json!({}))
}

pub fn with_history(mut table: Value) -> Value {
    table["history"] = json!(true);
    table
}

/// Version and rows of an answer, by the statistics of its files.
pub fn told(answer: &Answer) -> (i64, i64) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let version = answer.header("delta-table-version").unwrap().parse().unwrap();
    let rows = answer.lines().iter().filter_map(|line| line["file"]["stats"].as_str().map(rows_of)).sum();
    (version, rows)
}

fn rows_of(stats: &str) -> i64 {
    let stats: Value = serde_json::from_str(stats).unwrap();
    stats["numRecords"].as_i64().unwrap()
}

pub fn version(world: &World, token: &str, version: i64) -> Answer {
    world.query(token, &json!({"version": version}).to_string())
}

#[tokio::test]
async fn a_table_of_the_catalog_is_read_as_it_is_at_each_request() {
    let (world, table) = start().await;
    let token = shared(&world, &uniform("orders"));
    assert_eq!(told(&world.query(&token, "{}")), (0, 0));
    for (number, rows) in [(1, 3), (2, 5), (3, 1)] {
        table.write(&vec![7; rows]).await;
        assert_eq!(told(&world.query(&token, "{}")), (number, i64::try_from(rows).unwrap()));
        assert_eq!(told(&world.query(&token, "{}")), (number, i64::try_from(rows).unwrap()), "kept");
    }
    let metadata = table.metadata().await;
    table.commit(&json!([{"action": "set-properties", "updates": {"a": "b"}}])).await;
    assert_eq!(told(&world.query(&token, "{}")), (3, 1), "a property makes no version");
    let answer = world.get(&token, "/shares/s/schemas/default/tables/t/metadata");
    assert_eq!(answer.lines()[1]["metaData"]["id"], metadata["table-uuid"]);
}

#[tokio::test]
async fn the_file_of_an_answer_is_the_one_that_was_written() {
    let (world, table) = start().await;
    table.write(&[1, 2, 3]).await;
    let token = shared(&world, &uniform("orders"));
    let answer = world.query(&token, "{}");
    let file = answer.lines()[2]["file"].clone();
    assert_eq!(file["partitionValues"], json!({}));
    let url = file["url"].as_str().unwrap();
    let read = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!((read.len() as u64, &read[..4]), (file["size"].as_u64().unwrap(), &b"PAR1"[..]));
    let stats: Value = serde_json::from_str(file["stats"].as_str().unwrap()).unwrap();
    assert_eq!((&stats["numRecords"], &stats["minValues"]["id"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn what_cannot_be_found_is_not_shared() {
    let (world, table) = start().await;
    for (source, hint) in [
        (uniform("customers"), "lakeshare table list"),
        (json!({"warehouse": "pond", "namespace": "sales", "table": "orders"}), "lakeshare warehouse list"),
        (json!({"warehouse": "lake", "namespace": "x", "table": "orders"}), "there is no table x.orders"),
        (json!({"ref": "audit", "warehouse": "lake", "namespace": "sales", "table": "orders"}), "audit"),
    ] {
        let mut spec = json!({"name": "t", "sourceType": "uniform"});
        spec.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        let (code, message) = error_of(&share(&world, &spec), 400);
        assert_eq!(code, "TABLE_DATA_NOT_FOUND");
        assert!(message.contains(hint), "{message}");
    }
    let spec = json!({"name": "t", "sourceType": "iceberg", "bucket": "lake", "location": "nowhere"});
    let (_, message) = error_of(&share(&world, &spec), 400);
    assert!(message.contains("not an Iceberg table"), "{message}");
    // A table that is dropped later is no longer there; one that is made anew under the name is another one.
    let token = shared(&world, &uniform("orders"));
    table.write(&[1]).await;
    table.write(&[1, 2]).await;
    assert_eq!(told(&world.query(&token, "{}")), (2, 2));
    table.catalog.delete("/lake/namespaces/sales/tables/orders").await;
    let (code, message) = error_of(&world.query(&token, "{}"), 404);
    assert_eq!(code, "RESOURCE_DOES_NOT_EXIST");
    assert!(!message.contains("lake"), "{message}");
    let table = IcebergTable::create(&world.server, &table.catalog, "orders").await;
    table.write(&[9]).await;
    assert_eq!(told(&world.query(&token, "{}")), (1, 1));
}

#[tokio::test]
async fn versions_are_kept_over_rollback_expiry_and_restart() {
    let (mut world, table) = start().await;
    let token = shared(&world, &with_history(uniform("orders")));
    let ids = [table.write(&[1]).await, table.write(&[1, 2]).await, table.write(&[1, 2, 3]).await];
    assert_eq!(told(&world.query(&token, "{}")), (3, 3));
    table.roll_back(ids[0]).await;
    assert_eq!(told(&world.query(&token, "{}")), (4, 1));
    for (number, rows) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 1)] {
        assert_eq!(told(&version(&world, &token, number)), (number, rows));
    }
    table.commit(&json!([{"action": "remove-snapshots", "snapshot-ids": [ids[1]]}])).await;
    let (_, message) = error_of(&version(&world, &token, 2), 400);
    assert_eq!(message, "version 2 is not available; available: 0 to 1, 3 to 4");
    let (_, message) = error_of(&version(&world, &token, 9), 400);
    assert_eq!(message, "version 9 does not exist, the latest is 4");
    world.server.restart();
    assert_eq!(told(&world.query(&token, "{}")), (4, 1));
    assert_eq!(told(&version(&world, &token, 3)), (3, 3));
    error_of(&version(&world, &token, 2), 400);
}

#[tokio::test]
async fn files_whose_keys_have_empty_parts_are_read() {
    let (world, table) = start().await;
    let id = table.stage("s3://lake/spread/0110//orders", &[1, 2, 3]).await;
    table.roll_back(id).await;
    let token = shared(&world, &uniform("orders"));
    let answer = world.query(&token, "{}");
    assert_eq!(told(&answer), (1, 3));
    let url = answer.lines()[2]["file"]["url"].as_str().unwrap().to_owned();
    assert!(url.contains("/lake/spread/0110//orders/"), "{url}");
    let read = reqwest::get(&url).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read[..4], b"PAR1");
    assert_ne!(reqwest::get(url.replacen("0110//", "0110/", 1)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn branches_and_tags_are_shared_by_name() {
    let (world, table) = start().await;
    let first = table.write(&[1]).await;
    let second = table.write(&[1, 2]).await;
    let reference = |name: &str, kind: &str, id: i64| json!([{"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id}]);
    table.commit(&reference("audit", "branch", first)).await;
    table.commit(&reference("v1", "tag", second)).await;
    let mut tables = Vec::new();
    for name in ["audit", "v1", "main"] {
        let mut spec = uniform("orders");
        spec["name"] = json!(name);
        spec["ref"] = json!(name);
        tables.push(spec);
    }
    let share = json!({"name": "s", "schemas": [{"name": "default", "tables": tables}]});
    let answer = world.admin("POST", "/shares", &share);
    let names: Vec<Value> = answer.json()["share"]["schemas"][0]["tables"].as_array().unwrap().clone();
    assert_eq!(
        names.iter().map(|one| one["ref"].clone()).collect::<Vec<_>>(),
        [json!("audit"), Value::Null, json!("v1")]
    );
    let token = world.token("s", &json!({}));
    let query = |name: &str| {
        let target = format!("/delta-sharing/shares/s/schemas/default/tables/{name}/query");
        world.ask(&token, &Ask::post(&target, "{}"))
    };
    table.write(&[1, 2, 3]).await;
    assert_eq!([told(&query("audit")), told(&query("v1")), told(&query("main"))], [(1, 1), (2, 2), (3, 3)]);
    table.commit(&reference("audit", "branch", second)).await;
    assert_eq!(told(&query("audit")), (2, 2));
    table.commit(&json!([{"action": "remove-snapshot-ref", "ref-name": "audit"}])).await;
    error_of(&query("audit"), 404);
    assert_eq!(told(&query("v1")), (2, 2));
}

#[tokio::test]
async fn a_table_without_a_catalog_is_its_newest_metadata_file() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let location = table.metadata().await["location"].as_str().unwrap().to_owned();
    let path = location.strip_prefix("s3://lake/").unwrap();
    let spec = json!({"name": "t", "sourceType": "iceberg", "bucket": "lake", "location": path});
    let token = shared(&world, &with_history(spec));
    assert_eq!(told(&world.query(&token, "{}")), (1, 1));
    table.write(&[1, 2]).await;
    assert_eq!(told(&world.query(&token, "{}")), (2, 2));
    // The hint counts, whatever else lies there.
    let directory = world.bucket().join(path).join("metadata");
    let current = table.metadata_location().await;
    let current = std::fs::read(directory.join(current.rsplit('/').next().unwrap())).unwrap();
    std::fs::write(directory.join("v1.metadata.json"), &current).unwrap();
    std::fs::write(directory.join("version-hint.text"), "1").unwrap();
    table.write(&[1, 2, 3]).await;
    assert_eq!(told(&world.query(&token, "{}")), (2, 2));
    std::fs::remove_file(directory.join("version-hint.text")).unwrap();
    assert_eq!(told(&world.query(&token, "{}")), (3, 3));
    assert_eq!(told(&version(&world, &token, 2)), (2, 2));
}

#[tokio::test]
async fn directories_are_refused() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let token = shared(&world, &with_history(uniform("orders")));
    let target = format!("{TABLE}/temporary-table-credentials");
    error_of(&world.ask(&token, &Ask::post(&target, "{}")), 400);
}

#[tokio::test]
async fn tables_of_both_kinds_are_listed_alike() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    world.table("d", &super::log_table::Head::plain()).add_files(1, 10);
    let delta = json!({"name": "d", "sourceType": "delta", "bucket": "lake", "location": "d"});
    let share = json!({"name": "s", "schemas": [{"name": "default", "tables": [delta, uniform("orders")]}]});
    assert_eq!(world.admin("POST", "/shares", &share).status, 201);
    let token = world.token("s", &json!({}));
    let items = world.get(&token, "/shares/s/schemas/default/tables").json()["items"].clone();
    let keys = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&items[0]), keys(&items[1]));
    for name in ["d", "t"] {
        let answer = world.get(&token, &format!("/shares/s/schemas/default/tables/{name}/metadata"));
        assert_eq!(answer.lines()[0]["protocol"], json!({"minReaderVersion": 1}), "{name}");
    }
}

/// A table without a catalog below `lake/PLACE`, whose metadata is that of `table` with changes, and its files the same.
pub async fn bare(world: &World, table: &IcebergTable, place: &str, changes: &Value) -> Value {
    let mut metadata = table.metadata().await;
    metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let directory = world.bucket().join(place).join("metadata");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("v1.metadata.json"), metadata.to_string()).unwrap();
    json!({"name": "t", "sourceType": "iceberg", "bucket": "lake", "location": place, "allowedLocations": ["lake"]})
}

#[tokio::test]
async fn files_elsewhere_are_signed_where_the_share_allows_it() {
    let (world, table) = start().await;
    let id = table.stage("s3://lake/else/where", &[1, 2]).await;
    table.roll_back(id).await;
    let mut spec = bare(&world, &table, "moved", &json!({})).await;
    spec["allowedLocations"] = json!([]);
    let (_, message) = error_of(&share(&world, &spec), 400);
    assert!(message.contains("lake/else/where") && message.contains("--allow-location"), "{message}");
    spec["allowedLocations"] = json!(["lake/else"]);
    let token = shared(&world, &spec);
    let answer = world.query(&token, "{}");
    assert_eq!(told(&answer), (1, 2));
    let url = answer.lines()[2]["file"]["url"].as_str().unwrap().to_owned();
    assert!(url.contains("/lake/else/where/data/"), "{url}");
    assert!(reqwest::get(url).await.unwrap().bytes().await.unwrap().starts_with(b"PAR1"));
    // Of the catalog's tables the whole warehouse is the place, and nothing beyond.
    let specs = json!({"name": "x", "schemas": [{"name": "default", "tables": [uniform("orders")]}]});
    assert_eq!(world.admin("POST", "/shares", &specs).status, 201);
    std::fs::create_dir(world.bucket().join("../pond")).unwrap();
    let id = table.stage("s3://pond/t", &[1]).await;
    table.roll_back(id).await;
    let (_, message) =
        error_of(&world.admin("POST", "/shares", &json!({"name": "y", "schemas": specs["schemas"]})), 400);
    assert!(message.contains("metadata is only read from the table's own bucket"), "{message}");
}

#[tokio::test]
async fn snapshots_that_no_branch_leads_to_are_not_told() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let token = shared(&world, &with_history(uniform("orders")));
    let location = table.metadata().await["location"].as_str().unwrap().to_owned();
    let staged = table.stage(&location, &[1, 2]).await;
    assert_eq!(told(&world.query(&token, "{}")), (1, 1));
    error_of(&version(&world, &token, 2), 400);
    table.roll_back(staged).await;
    assert_eq!(told(&world.query(&token, "{}")), (2, 2), "published");
}

#[tokio::test]
async fn what_says_nothing_of_rows_is_left_aside() {
    let (world, table) = start().await;
    let id = table.write(&[1, 2, 3]).await;
    let statistics = json!({"snapshot-id": id, "statistics-path": "s3://lake/none", "file-size-in-bytes": 9,
        "file-footer-size-in-bytes": 5, "blob-metadata": []});
    let of_partitions =
        json!({"snapshot-id": id, "statistics-path": "s3://lake/none", "file-size-in-bytes": 9});
    let mut schema = table.metadata().await["schemas"][0].clone();
    schema["fields"][0]["required"] = json!(true);
    schema["identifier-field-ids"] = json!([1]);
    let order = json!({"order-id": 1, "fields": [
        {"transform": "identity", "source-id": 1, "direction": "asc", "null-order": "nulls-first"}]});
    let field = |id: i32, transform: &str| json!({"source-id": 1, "field-id": id, "name": transform, "transform": transform});
    let specs = json!([{"spec-id": 0, "fields": []},
        {"spec-id": 1, "fields": [field(1000, "void"), field(1001, "to_come")]}]);
    let changes = json!({"statistics": [statistics], "partition-statistics": [of_partitions], "schemas": [schema],
        "sort-orders": [{"order-id": 0, "fields": []}, order], "default-sort-order-id": 1,
        "partition-specs": specs, "default-spec-id": 1, "last-partition-id": 1001});
    let token = shared(&world, &bare(&world, &table, "sorted", &changes).await);
    assert_eq!(told(&world.query(&token, "{}")), (1, 3));
}

#[tokio::test]
async fn formats_to_come_encrypted_tables_and_views_are_refused() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let key = json!({"key-id": "k", "encrypted-key-metadata": "eA=="});
    for (place, changes, reason) in [
        ("later", json!({"format-version": 4}), "Cannot read unsupported version 4"),
        (
            "locked",
            json!({"format-version": 3, "next-row-id": 1, "encryption-keys": [key]}),
            "it is encrypted",
        ),
    ] {
        let spec = bare(&world, &table, place, &changes).await;
        let (code, message) = error_of(&share(&world, &spec), 400);
        assert!(code == "UNSUPPORTED_OPERATION" && message.contains(reason), "{code}: {message}");
    }
    let view = json!({"name": "v", "schema": {"type": "struct", "schema-id": 0, "fields": []}, "properties": {},
        "view-version": {"version-id": 1, "schema-id": 0, "timestamp-ms": 1_790_000_000_000_i64, "summary": {},
            "default-namespace": ["sales"], "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}});
    table.catalog.post("/lake/namespaces/sales/views", &view).await.ok();
    let (_, message) = error_of(&share(&world, &uniform("v")), 400);
    assert!(message.contains("a view has no files that could be shared"), "{message}");
}

#[tokio::test]
async fn a_column_of_unknown_type_is_void() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let mut schema = table.metadata().await["schemas"][0].clone();
    let column = json!({"id": 2, "name": "u", "required": false, "type": "unknown"});
    schema["fields"].as_array_mut().unwrap().push(column);
    let changes = json!({"format-version": 3, "next-row-id": 1, "last-column-id": 2, "schemas": [schema]});
    let token = shared(&world, &bare(&world, &table, "unknown", &changes).await);
    let (_, message) = error_of(&world.query(&token, "{}"), 400);
    assert!(message.contains("the column 'u' of type void"), "{message}");
    let delta = Ask::post(QUERY, "{}").header("delta-sharing-capabilities", "responseformat=delta");
    let answer = world.ask(&token, &delta);
    let schema = answer.lines()[1]["metaData"]["deltaMetadata"]["schemaString"].as_str().unwrap().to_owned();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["fields"][1]["type"], "void");
}

#[tokio::test]
async fn options_of_delta_tables_are_refused() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    for (option, value) in [("directoryAccess", json!(true)), ("partitionFilter", json!({"id": ["1"]}))] {
        let mut spec = with_history(uniform("orders"));
        spec[option] = value;
        let (_, message) = error_of(&share(&world, &spec), 400);
        assert!(message.contains(option) && message.contains("is for Delta tables"), "{message}");
    }
}
