//! Scans planned by the server, of tables that others wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apache_avro::types::Value as Avro;
use serde_json::{Value, json};

use crate::delta::corpus::corpus;
use crate::support::admin::now_ms;
use crate::support::catalog::{Catalog, new_table};
use crate::support::server::Server;

/// Copies tables of the corpus into the warehouse that their locations name.
fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &place);
        } else {
            std::fs::write(&place, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// Registers a table of the corpus under its name in the namespace `n`.
async fn register(catalog: &Catalog, server: &Server, name: &str) {
    let folder = format!("iceberg/{name}/metadata");
    copy_tree(&corpus().join(&folder), &server.dir().join("corpus").join(&folder));
    let mut files: Vec<String> = std::fs::read_dir(corpus().join(&folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".metadata.json"))
        .collect();
    // `v10` comes after `v9`.
    files.sort_by_key(|name| (name.len(), name.clone()));
    let location = format!("s3://corpus/{folder}/{}", files.last().unwrap());
    let body = json!({"name": name, "metadata-location": location});
    catalog.post("/corpus/namespaces/n/register", &body).await.ok();
}

async fn start() -> (Server, Catalog) {
    let server = Server::start();
    let catalog = Catalog::new(&server).await;
    catalog.post("/warehouses", &json!({"name": "corpus"})).await.ok();
    catalog.post("/corpus/namespaces", &json!({"namespace": ["n"]})).await.ok();
    (server, catalog)
}

fn at(name: &str, call: &str) -> String {
    format!("/corpus/namespaces/n/tables/{name}/{call}")
}

async fn plan(catalog: &Catalog, name: &str, body: &Value) -> Value {
    let plan = catalog.post(&at(name, "plan"), body).await.ok();
    assert_eq!(plan["status"], "completed", "{plan}");
    plan
}

fn tasks(plan: &Value) -> &[Value] {
    plan["file-scan-tasks"].as_array().unwrap()
}

fn path(file: &Value, name: &str) -> String {
    let path = file["file-path"].as_str().unwrap();
    path.strip_prefix(&format!("s3://corpus/iceberg/{name}/")).unwrap_or(path).to_owned()
}

/// Each file with its deletes, and what is told of it.
fn told(plan: &Value, name: &str) -> BTreeMap<String, (Value, BTreeSet<String>)> {
    let deletes: Vec<String> =
        plan["delete-files"].as_array().unwrap().iter().map(|file| path(file, name)).collect();
    let task = |task: &Value| {
        let file = &task["data-file"];
        let references = task["delete-file-references"].as_array().into_iter().flatten();
        let references = references.map(|at| deletes[at.as_u64().unwrap() as usize].clone()).collect();
        let facts =
            json!([file["record-count"], file["file-size-in-bytes"], file["spec-id"], file["first-row-id"]]);
        (path(file, name), (facts, references))
    };
    tasks(plan).iter().map(task).collect()
}

#[tokio::test]
async fn every_file_of_the_corpus_is_planned_with_its_deletes() {
    let (server, catalog) = start().await;
    let mut files = 0;
    let mut with_deletes = 0;
    let mut names: Vec<String> = std::fs::read_dir(corpus().join("iceberg"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("spark40__"))
        .collect();
    names.sort();
    for name in &names {
        let expected = std::fs::read(corpus().join(format!("expected/iceberg/{name}.json"))).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        register(&catalog, &server, name).await;
        let wanted: BTreeMap<_, _> = expected["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| {
                let deletes: BTreeSet<String> = file["deletes"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|delete| delete["path"].as_str().unwrap().to_owned())
                    .collect();
                with_deletes += usize::from(!deletes.is_empty());
                let facts =
                    json!([file["record_count"], file["size"], file["spec_id"], file["first_row_id"]]);
                (file["path"].as_str().unwrap().to_owned(), (facts, deletes))
            })
            .collect();
        files += wanted.len();
        assert_eq!(told(&plan(&catalog, name, &json!({})).await, name), wanted, "{name}");
    }
    assert!(
        names.len() > 20 && files > 100 && with_deletes > 20,
        "{files} files, {with_deletes} with deletes"
    );
}

#[tokio::test]
async fn a_filter_leaves_partitions_and_files_out() {
    let (server, catalog) = start().await;
    let name = "pyiceberg__partitioned";
    register(&catalog, &server, name).await;
    let all = told(&plan(&catalog, name, &json!({})).await, name);
    assert_eq!(all.len(), 32);
    let text = |value: &str| json!({"type": "starts-with", "term": "txt", "value": value});
    let by_prefix = plan(&catalog, name, &json!({"filter": text("iY")})).await;
    let found = told(&by_prefix, name);
    assert_eq!(found.keys().map(|path| path.contains("p1=iY/")).collect::<Vec<_>>(), [true]);
    let task = &tasks(&by_prefix)[0];
    assert_eq!(task["data-file"]["partition"], json!(["1994-05-18", "iY"]));
    assert_eq!(task["residual-filter"], text("iY"));
    assert!(task["data-file"].get("lower-bounds").is_none(), "nobody asked for statistics");
    let since = json!({"type": "gt-eq", "left": {"type": "reference", "name": "ts"}, "right": "2019-09-20T00:00:00+00:00"});
    let newer = told(&plan(&catalog, name, &json!({"filter": since})).await, name);
    let wanted: Vec<&String> = all
        .keys()
        .filter(|path| {
            path.strip_prefix("data/p0=").is_some_and(|day| day >= "2019-09-20" && !day.starts_with("null"))
        })
        .collect();
    assert_eq!(newer.keys().collect::<Vec<_>>(), wanted);
    assert_eq!(told(&plan(&catalog, name, &json!({"filter": false})).await, name).len(), 0);
}

#[tokio::test]
async fn statistics_names_and_snapshots_are_those_asked_for() {
    let (server, catalog) = start().await;
    let name = "pyiceberg__partitioned";
    register(&catalog, &server, name).await;
    let asked = json!({"stats-fields": ["ID"], "select": ["TXT"], "case-sensitive": false,
        "filter": {"type": "starts-with", "term": "Txt", "value": "iY"}});
    let plan_of_one = plan(&catalog, name, &asked).await;
    let file = &tasks(&plan_of_one)[0]["data-file"];
    assert_eq!(file["value-counts"], json!({"keys": [1], "values": [1]}));
    assert_eq!(file["lower-bounds"], file["upper-bounds"]);
    assert_eq!(file["lower-bounds"]["values"][0].as_str().unwrap().len(), 16);
    let table = catalog.get("/corpus/namespaces/n/tables/pyiceberg__partitioned").await.ok();
    let snapshots = table["metadata"]["snapshots"].as_array().unwrap();
    let (first, second) = (&snapshots[0]["snapshot-id"], &snapshots[1]["snapshot-id"]);
    let of_first = plan(&catalog, name, &json!({"snapshot-id": first, "use-snapshot-schema": true})).await;
    assert_eq!(tasks(&of_first).len(), 24);
    let added = plan(&catalog, name, &json!({"start-snapshot-id": first, "end-snapshot-id": second})).await;
    assert_eq!(tasks(&added).len(), 8);
    for wrong in [
        json!({"select": ["unheard"]}),
        json!({"stats-fields": ["ID"]}),
        json!({"filter": {"type": "is-null", "term": "unheard"}}),
        json!({"filter": {"type": "between"}}),
        json!({"snapshot-id": 7}),
        json!({"start-snapshot-id": first}),
        json!({"start-snapshot-id": second, "end-snapshot-id": first}),
        json!({"snapshot-id": first, "start-snapshot-id": first, "end-snapshot-id": second}),
    ] {
        let answer = catalog.post(&at(name, "plan"), &wrong).await;
        assert_eq!(answer.error(), (400, "BadRequestException"), "{wrong}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_plan_is_fetched_and_cancelled_by_its_id_and_no_other_text() {
    let (server, catalog) = start().await;
    let name = "spark40__v2_mixed_deletes";
    register(&catalog, &server, name).await;
    register(&catalog, &server, "spark40__v1_plain").await;
    let planned = plan(&catalog, name, &json!({})).await;
    let id = planned["plan-id"].as_str().unwrap();
    let again = catalog.get(&at(name, &format!("plan/{id}"))).await.ok();
    assert_eq!(told(&again, name), told(&planned, name));
    let foreign = catalog.get(&at("spark40__v1_plain", &format!("plan/{id}"))).await;
    assert_eq!(foreign.error(), (404, "NoSuchPlanIdException"));
    assert_eq!(catalog.get(&at(name, "plan/forged")).await.error(), (404, "NoSuchPlanIdException"));
    let task = catalog.post(&at(name, "tasks"), &json!({"plan-task": id})).await;
    assert_eq!(task.error(), (404, "NoSuchPlanTaskException"));
    assert_eq!(catalog.delete(&at(name, &format!("plan/{id}"))).await.status, 204);
    assert_eq!(catalog.get(&at(name, &format!("plan/{id}"))).await.ok(), json!({"status": "cancelled"}));
    assert_eq!(catalog.delete(&at(name, "plan/forged")).await.status, 404);
    let unheard = catalog.post(&at("unheard", "plan"), &json!({})).await;
    assert_eq!(unheard.error(), (404, "NoSuchTableException"));
}

#[tokio::test]
async fn the_configuration_lists_the_calls() {
    let (_server, catalog) = start().await;
    let config = catalog.get("/config?warehouse=corpus").await.ok();
    let endpoints: Vec<&str> =
        config["endpoints"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for call in ["POST {}/plan", "GET {}/plan/{plan-id}", "DELETE {}/plan/{plan-id}", "POST {}/tasks"] {
        let call = call.replace("{}", "/v1/{prefix}/namespaces/{namespace}/tables/{table}");
        assert!(endpoints.contains(&call.as_str()), "{call}");
    }
}

/// Writes a table with three manifests of two files each, which claim to hold 6,000, and whose list is as large as said.
async fn large_table(catalog: &Catalog, server: &Server, list_bytes: usize) -> Value {
    let made = catalog.post("/corpus/namespaces/n/tables", &new_table("large")).await.ok();
    let location = made["metadata"]["location"].as_str().unwrap().to_owned();
    let place = server.dir().join(location.strip_prefix("s3://").unwrap());
    let text = |text: String| Avro::String(text);
    let record = |fields: Vec<(&str, Avro)>| {
        Avro::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let entry = |path: String| {
        let file = vec![
            ("file_path", text(path)),
            ("file_format", text("PARQUET".to_owned())),
            ("record_count", Avro::Long(1)),
            ("file_size_in_bytes", Avro::Long(10)),
        ];
        record(vec![("status", Avro::Int(1)), ("data_file", record(file))])
    };
    let mut files = Vec::new();
    for number in 0..3 {
        let entries = (0..2).map(|file| entry(format!("{location}/data/{number}-{file}.parquet")));
        std::fs::write(place.join(format!("metadata/m{number}.avro")), avro(MANIFEST, entries.collect()))
            .unwrap();
        files.push(record(vec![
            ("manifest_path", text(format!("{location}/metadata/m{number}.avro"))),
            ("manifest_length", Avro::Long(700)),
            ("partition_spec_id", Avro::Int(0)),
            ("sequence_number", Avro::Long(1)),
            ("added_snapshot_id", Avro::Long(5)),
            ("added_files_count", Avro::Int(6_000)),
            ("existing_files_count", Avro::Int(0)),
            ("key_metadata", Avro::Bytes(vec![0; list_bytes / 3])),
        ]));
    }
    std::fs::write(place.join("metadata/list.avro"), avro(LIST, files)).unwrap();
    let snapshot = json!({"snapshot-id": 5, "sequence-number": 1, "timestamp-ms": now_ms(), "schema-id": 0,
        "manifest-list": format!("{location}/metadata/list.avro"), "summary": {"operation": "append"}});
    let commit = json!({"requirements": [], "updates": [
        {"action": "add-snapshot", "snapshot": snapshot},
        {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 5}]});
    catalog.post("/corpus/namespaces/n/tables/large", &commit).await.ok()
}

const MANIFEST: &str = r#"{"type":"record","name":"manifest_entry","fields":[
    {"name":"status","type":"int","field-id":0},
    {"name":"data_file","field-id":2,"type":{"type":"record","name":"r2","fields":[
        {"name":"file_path","type":"string","field-id":100},{"name":"file_format","type":"string","field-id":101},
        {"name":"record_count","type":"long","field-id":103},{"name":"file_size_in_bytes","type":"long","field-id":104}]}}]}"#;

const LIST: &str = r#"{"type":"record","name":"manifest_file","fields":[
    {"name":"manifest_path","type":"string","field-id":500},{"name":"manifest_length","type":"long","field-id":501},
    {"name":"partition_spec_id","type":"int","field-id":502},{"name":"sequence_number","type":"long","field-id":515},
    {"name":"added_snapshot_id","type":"long","field-id":503},{"name":"added_files_count","type":"int","field-id":504},
    {"name":"existing_files_count","type":"int","field-id":505},{"name":"key_metadata","type":"bytes","field-id":519}]}"#;

fn avro(schema: &str, records: Vec<Avro>) -> Vec<u8> {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let mut writer = apache_avro::Writer::new(&schema, Vec::new());
    writer.extend(records).unwrap();
    writer.into_inner().unwrap()
}

fn paths(plan: &Value) -> Vec<String> {
    let names = tasks(plan).iter().map(|task| task["data-file"]["file-path"].as_str().unwrap());
    names.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_large_scan_is_told_in_tasks_that_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    catalog.post("/warehouses", &json!({"name": "corpus"})).await.ok();
    catalog.post("/corpus/namespaces", &json!({"namespace": ["n"]})).await.ok();
    large_table(&catalog, &server, 300).await;
    let planned = plan(&catalog, "large", &json!({"filter": {"type": "not-null", "term": "id"}})).await;
    assert!(planned.get("file-scan-tasks").is_none());
    let tokens = planned["plan-tasks"].as_array().unwrap().clone();
    assert_eq!(tokens.len(), 3);
    server.kill();
    let server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    let mut found = Vec::new();
    for token in &tokens {
        let told = catalog.post(&at("large", "tasks"), &json!({"plan-task": token})).await.ok();
        assert_eq!(tasks(&told)[0]["residual-filter"], json!({"type": "not-null", "term": "id"}));
        found.extend(paths(&told));
    }
    let wanted = ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"].map(|name| format!("{name}.parquet"));
    assert_eq!(found, wanted);
    let elsewhere = catalog.get(&at("large", &format!("plan/{}", tokens[0].as_str().unwrap()))).await;
    assert_eq!(elsewhere.error(), (404, "NoSuchPlanIdException"));
}

#[tokio::test]
async fn a_scan_with_a_large_list_is_submitted_and_planned_while_its_client_waits() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    catalog.post("/warehouses", &json!({"name": "corpus"})).await.ok();
    catalog.post("/corpus/namespaces", &json!({"namespace": ["n"]})).await.ok();
    let made = large_table(&catalog, &server, 2 << 20).await;
    let submit = || async {
        let submitted = catalog.post(&at("large", "plan"), &json!({})).await.ok();
        assert_eq!(submitted["status"], "submitted");
        at("large", &format!("plan/{}", submitted["plan-id"].as_str().unwrap()))
    };
    let (first, second) = (submit().await, submit().await);
    assert_ne!(first, second, "each client cancels its own plan");
    let fetched = until_over(&catalog, &first).await;
    assert_eq!(fetched["plan-tasks"].as_array().unwrap().len(), 3);
    assert_eq!(catalog.delete(&first).await.status, 204);
    assert_eq!(catalog.get(&first).await.ok(), json!({"status": "cancelled"}));
    assert_eq!(until_over(&catalog, &second).await["status"], "completed");
    // What a dead server has forgotten is planned for who asks.
    server.kill();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    assert_eq!(catalog.get(&second).await.ok()["plan-tasks"].as_array().unwrap().len(), 3);
    server.kill();
    let server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    let list = made["metadata"]["snapshots"][0]["manifest-list"].as_str().unwrap();
    let place = server.dir().join(list.strip_prefix("s3://").unwrap());
    let bytes = std::fs::read(&place).unwrap();
    std::fs::write(&place, &bytes[..bytes.len() - 10]).unwrap();
    let submitted = catalog.post(&at("large", "plan"), &json!({})).await.ok();
    let broken = at("large", &format!("plan/{}", submitted["plan-id"].as_str().unwrap()));
    let failed = until_over(&catalog, &broken).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!(422)), "{failed}");
}

/// What a plan comes to.
async fn until_over(catalog: &Catalog, path: &str) -> Value {
    loop {
        let fetched = catalog.get(path).await.ok();
        if fetched["status"] != "submitted" {
            return fetched;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn broken_manifests_are_told_and_none_outside_of_the_warehouse_is_read() {
    let (server, catalog) = start().await;
    let made = large_table(&catalog, &server, 300).await;
    let location = made["metadata"]["location"].as_str().unwrap();
    let place = server.dir().join(location.strip_prefix("s3://").unwrap()).join("metadata/list.avro");
    std::fs::write(&place, b"Obj\x01").unwrap();
    let broken = catalog.post(&at("large", "plan"), &json!({})).await;
    assert_eq!(broken.error(), (422, "UnprocessableEntityException"), "{}", broken.body);
    assert!(broken.message().contains("list.avro"));
    let outside = vec![Avro::Record(vec![
        ("manifest_path".to_owned(), Avro::String("s3://other/m.avro".to_owned())),
        ("manifest_length".to_owned(), Avro::Long(1)),
        ("partition_spec_id".to_owned(), Avro::Int(0)),
        ("sequence_number".to_owned(), Avro::Long(1)),
        ("added_snapshot_id".to_owned(), Avro::Long(5)),
        ("added_files_count".to_owned(), Avro::Int(1)),
        ("existing_files_count".to_owned(), Avro::Int(0)),
        ("key_metadata".to_owned(), Avro::Bytes(Vec::new())),
    ])];
    std::fs::write(&place, avro(LIST, outside)).unwrap();
    let refused = catalog.post(&at("large", "plan"), &json!({})).await;
    assert_eq!(refused.error(), (400, "BadRequestException"), "{}", refused.body);
}
