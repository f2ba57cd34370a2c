//! Delta logs with one foreign file in them.

use std::sync::{Arc, LazyLock};

use lakeshare::delta::changes::{ChangeReader, survey};
use lakeshare::delta::error::Error;
use lakeshare::delta::history::History;
use lakeshare::delta::{self, Loaded, Wanted};
use lakeshare::error::Kind;
use lakeshare::storage::table_store::TableStore;
use lakeshare::table::change::Told;
use lakeshare::table::deletion_vector::Place;
use lakeshare::table::file_list::Block;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::json;
use tokio::runtime::Runtime;

const COMMIT_0: &str = concat!(
    r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"#,
    r#""writerFeatures":["deletionVectors"]}}"#,
    "\n",
    r#"{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"#,
    r#""{\"type\":\"struct\",\"fields\":[]}","partitionColumns":["p"],"configuration":{},"createdTime":1}}"#,
    "\n",
    r#"{"add":{"path":"p=1/a.parquet","partitionValues":{"p":"1"},"size":1,"modificationTime":1,"dataChange":true}}"#,
    "\n",
);
/// A protocol of old readers, so that the files of a table are looked at whatever features are served.
const OLD_PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime")
});

async fn store(files: &[(&str, Vec<u8>)]) -> TableStore {
    let store = Arc::new(InMemory::new());
    for (name, bytes) in files {
        let path = format!("t/_delta_log/{name}").into();
        store.put(&path, bytes.clone().into()).await.expect("memory takes it");
    }
    let store: Arc<dyn ObjectStore> = store;
    TableStore::new(store, "t", "t").expect("a store")
}

async fn load(files: &[(&str, Vec<u8>)], wanted: Wanted) -> Result<Loaded, Error> {
    delta::load(&store(files).await, wanted, None).await
}

/// Either every file of the version can be read, or the fault is one that stays and says so.
fn check(loaded: Result<Loaded, Error>) {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let passes = matches!(error.kind(), Kind::Internal | Kind::Unavailable | Kind::Throttled);
            assert!(!passes, "bytes that are wrong stay wrong: {error}");
            return;
        }
    };
    let files = &loaded.snapshot().files;
    let mut block = Block::default();
    let mut count = 0;
    for index in 0..files.block_count() {
        for file in files.read_block(index, &mut block) {
            let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>;
            is_object(file.partition_values_json).expect("partition values are an object");
            let stats = [b"\"", file.stats_escaped, b"\""].concat();
            serde_json::from_slice::<String>(&stats).expect("statistics are the inside of a string");
            if let Some(Place::Inline(vector)) = file.deletion_vector.map(|vector| vector.place) {
                let vector = [b"\"", vector, b"\""].concat();
                serde_json::from_slice::<String>(&vector).expect("a vector is the inside of a string");
            }
            count += 1;
        }
    }
    assert_eq!(count, files.file_count());
}

/// The bytes are the second commit of a table.
pub fn commit(bytes: &[u8]) {
    let old = COMMIT_0.split_once('\n').expect("lines").1;
    for first in [COMMIT_0.to_owned(), format!("{OLD_PROTOCOL}\n{old}")] {
        let files = [
            ("00000000000000000000.json", first.into_bytes()),
            ("00000000000000000001.json", bytes.to_vec()),
        ];
        check(RUNTIME.block_on(load(&files, Wanted::Latest)));
    }
}

/// The bytes are the second commit of a table, told as changes. What the first look finds good is told without a fault.
pub fn changes(bytes: &[u8]) {
    let old = COMMIT_0.split_once('\n').expect("lines").1;
    let first = format!("{OLD_PROTOCOL}\n{old}").into_bytes();
    let files = [("00000000000000000000.json", first), ("00000000000000000001.json", bytes.to_vec())];
    RUNTIME.block_on(async {
        let store = store(&files).await;
        let Ok(loaded) = delta::load(&store, Wanted::Latest, None).await else { return };
        let Ok(history) = History::open(&store, loaded.snapshot()).await else { return };
        let Ok(commits) = survey(&store, &history, 0..=1).await else { return };
        for commit in &commits {
            for told in [Told::Files, Told::Feed] {
                let mut reader = ChangeReader::new(&store, commit, told, vec!["p".to_owned()]);
                while reader.next().await.expect("what was looked through can be told").is_some() {}
            }
        }
    });
}

/// The bytes are lines: storage type, place, offset, size and cardinality of a file's deletion vector.
pub fn deletion_vector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (storage_type, place) = (line(), line());
    let [offset, size_bytes, cardinality] = [line(), line(), line()].map(|line| line.parse::<i64>().ok());
    let add = json!({"add": {"path": "v.parquet", "partitionValues": {"p": null}, "size": 1, "modificationTime": 1,
        "dataChange": true, "deletionVector": {"storageType": storage_type, "pathOrInlineDv": place,
        "offset": offset, "sizeInBytes": size_bytes, "cardinality": cardinality}}});
    let files = [
        ("00000000000000000000.json", COMMIT_0.as_bytes().to_vec()),
        ("00000000000000000001.json", add.to_string().into_bytes()),
    ];
    check(RUNTIME.block_on(load(&files, Wanted::Latest)));
}

/// The bytes are a checkpoint, and the only file of the log.
pub fn checkpoint(bytes: &[u8]) {
    let files = [("00000000000000000000.checkpoint.parquet", bytes.to_vec())];
    check(RUNTIME.block_on(load(&files, Wanted::Latest)));
}
