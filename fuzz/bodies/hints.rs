//! Hints of queries and the statistics that they are asked of.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use lakeshare::skip::hints::Hints;
use lakeshare::skip::predicate::Predicate;
use lakeshare::skip::pruner::{Pruner, Sought};
use lakeshare::table::file_list::{Block, FileList};
use lakeshare::table::file_list_builder::FileListBuilder;
use lakeshare::table::path_digest::PathDigest;
use lakeshare::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use lakeshare::table::snapshot::Metadata;
use serde_json::json;

/// One column of each type; `p` and `q` are partition columns.
static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let field = |name: &str, data_type: &serde_json::Value| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let inner = json!({"type": "struct", "fields": [field("x", &json!("integer"))]});
    let fields = [
        ("i", json!("integer")),
        ("l", json!("long")),
        ("f", json!("float")),
        ("g", json!("double")),
        ("m", json!("decimal(10,2)")),
        ("s", json!("string")),
        ("d", json!("date")),
        ("t", json!("timestamp")),
        ("n", json!("timestamp_ntz")),
        ("b", json!("boolean")),
        ("c", inner),
        ("p", json!("integer")),
        ("q", json!("string")),
    ];
    let fields = fields.map(|(name, data_type)| field(name, &data_type));
    Metadata {
        id: String::new(),
        name: None,
        description: None,
        format_provider: "parquet".to_owned(),
        format_options: BTreeMap::new(),
        schema_string: json!({"type": "struct", "fields": fields}).to_string(),
        partition_columns: vec!["p".to_owned(), "q".to_owned()],
        configuration: BTreeMap::new(),
        created_time_ms: None,
    }
});

const STATS: &str = r#"{"numRecords":3,"minValues":{"i":1,"l":-5,"g":0.5,"s":"a","d":"2021-01-01","t":"2021-01-01T00:00:00.000Z"},"maxValues":{"i":9,"l":5,"g":1.5,"s":"b","d":"2021-12-31","t":"2021-12-31T00:00:00.000Z"},"nullCount":{"i":0,"l":1,"g":3}}"#;

fn list(partition_values: &[&str], stats: &str) -> FileList {
    let mut builder = FileListBuilder::default();
    for (number, partition_values) in partition_values.iter().enumerate() {
        let path = format!("{number}.parquet");
        builder.push(&NewFile {
            path: FilePath::plain(&path),
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: 1,
            modification_time_ms: 0,
            partition_values: partition_values.as_bytes(),
            statistics: StatisticsText::Raw(stats),
            record_count: None,
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
    }
    FileList::new(builder.finish(&mut |json, out| out.extend_from_slice(json)))
}

/// Which files are kept; `None` if the hints say nothing.
fn kept(hints: &Hints, files: &FileList) -> Option<Vec<bool>> {
    let mut pruner = Pruner::new(Predicate::compile(hints, &METADATA))?;
    let mut block = Block::default();
    let mut kept = Vec::new();
    let sought = sought(hints, files)?;
    for index in 0..files.block_count() {
        let any = pruner.may_match_block(files, index);
        let answers: Vec<bool> =
            files.read_block(index, &mut block).map(|file| pruner.may_match(&file)).collect();
        assert!(any || !answers.contains(&true), "a refused block holds no kept file");
        assert!(
            sought.contains(&index) || !answers.contains(&true),
            "a block that is passed over holds no kept file"
        );
        kept.extend(answers);
    }
    Some(kept)
}

/// The blocks that are found one after the other.
fn sought(hints: &Hints, files: &FileList) -> Option<Vec<usize>> {
    let mut pruner = Pruner::new(Predicate::compile(hints, &METADATA))?;
    let (mut found, mut index) = (Vec::new(), 0);
    while index < files.block_count() {
        let next = match pruner.seek(files, index) {
            Sought::At(block) => {
                found.push(block);
                block + 1
            }
            Sought::Before(block) => block,
        };
        assert!(next > index, "a look goes on");
        index = next;
    }
    Some(found)
}

static FILES: LazyLock<FileList> =
    LazyLock::new(|| list(&[r#"{"p":"1","q":"2021-01-01"}"#, r#"{"p":null,"q":"x\u2028\"y"}"#, "{}"], STATS));

pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    kept(&Hints { json: Some(text.to_owned()), sql: Vec::new() }, &FILES);
}

pub fn sql(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let of = |text: String| kept(&Hints { json: None, sql: vec![text] }, &FILES);
    if let (Some(plain), Some(twice)) = (of(text.to_owned()), of(format!("NOT (NOT ({text}))"))) {
        assert_eq!(plain, twice, "a condition negated twice is the condition");
    }
}

/// The first line is partition values, the rest statistics.
pub fn statistics(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (partition_values, stats) = text.split_once('\n').unwrap_or(("{}", text));
    let files = list(&[partition_values], stats);
    for hint in [
        "i = 1 OR l < 2 OR c.x > 3",
        "f > 1.5 AND g <= 2.5 AND m = 1.25",
        "s >= 'abc' AND NOT (b)",
        "d = DATE '2021-01-01' OR t > TIMESTAMP '2021-01-01 00:00:00' OR n < TIMESTAMP_NTZ '2021-01-01 00:00:00'",
        "p = 1 OR q <=> 'x' OR CAST(q AS DATE) = DATE '2021-01-01'",
        "i IS NULL AND s IS NOT NULL",
    ] {
        kept(&Hints { json: None, sql: vec![hint.to_owned()] }, &files);
    }
}
