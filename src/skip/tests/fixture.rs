//! Tables of a few files, and which of them a hint keeps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::encode::json::unescape_into;
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;
use crate::skip::pruner::{Pruner, Sought};
use crate::table::file_list::{Block, FileList};
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::PathDigest;
use crate::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use crate::table::snapshot::Metadata;

/// A file's partition values and statistics.
pub(super) struct Described {
    pub(super) partition_values: Value,
    pub(super) stats: String,
}

pub(super) fn file(partition_values: Value, stats: &Value) -> Described {
    Described { partition_values, stats: stats.to_string() }
}

/// A field of a schema.
pub(super) fn field(name: &str, data_type: &Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
}

pub(super) fn metadata(fields: &[Value], partition_columns: &[&str]) -> Metadata {
    Metadata {
        id: String::new(),
        name: None,
        description: None,
        format_provider: "parquet".to_owned(),
        format_options: BTreeMap::new(),
        schema_string: json!({"type": "struct", "fields": fields}).to_string(),
        partition_columns: partition_columns.iter().map(ToString::to_string).collect(),
        configuration: BTreeMap::new(),
        created_time_ms: None,
    }
}

/// Columns of every type, partitioned by an integer and a text.
pub(super) fn plain() -> Metadata {
    let point =
        json!({"type": "struct", "fields": [field("x", &json!("integer")), field("b.c", &json!("string"))]});
    let fields = [
        ("i", json!("integer")),
        ("l", json!("long")),
        ("f", json!("float")),
        ("g", json!("double")),
        ("m", json!("decimal(10,2)")),
        ("w", json!("decimal(38,10)")),
        ("s", json!("string")),
        ("d", json!("date")),
        ("t", json!("timestamp")),
        ("n", json!("timestamp_ntz")),
        ("b", json!("boolean")),
        ("Point", point),
        ("p", json!("integer")),
        ("day", json!("string")),
    ];
    metadata(&fields.map(|(name, data_type)| field(name, &data_type)), &["p", "day"])
}

pub(super) fn list(files: &[Described]) -> FileList {
    list_of(&[files])
}

/// A list with a segment for each group of files.
pub(super) fn list_of(groups: &[&[Described]]) -> FileList {
    let segment = |(group, files): (usize, &&[Described])| builder(group, files).finish(&mut copy);
    FileList::new(groups.iter().enumerate().flat_map(segment).collect())
}

/// Where file `number` of a group lies.
pub(super) fn path(group: usize, number: usize) -> String {
    format!("{group}/{number:05}.parquet")
}

/// The files of a group, to be added to a list.
pub(super) fn builder(group: usize, files: &[Described]) -> FileListBuilder {
    let mut builder = FileListBuilder::default();
    for (number, file) in files.iter().enumerate() {
        let path = path(group, number);
        builder.push(&NewFile {
            path: FilePath::plain(&path),
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: 1,
            modification_time_ms: 0,
            partition_values: file.partition_values.to_string().as_bytes(),
            statistics: StatisticsText::Raw(&file.stats),
            record_count: None,
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
    }
    builder
}

pub(super) fn copy(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(json);
}

/// Which files the hints keep.
pub(super) fn kept(hints: &Hints, metadata: &Metadata, files: &FileList) -> Vec<bool> {
    let count = usize::try_from(files.file_count()).unwrap();
    let Some(mut pruner) = Pruner::new(Predicate::compile(hints, metadata)) else { return vec![true; count] };
    let sought = sought(Pruner::new(Predicate::compile(hints, metadata)), files);
    let mut block = Block::default();
    let mut kept = Vec::new();
    for index in 0..files.block_count() {
        let any = pruner.may_match_block(files, index);
        assert_eq!(any, sought.contains(&index), "block {index} is found exactly if it may hold a kept file");
        let answers: Vec<bool> =
            files.read_block(index, &mut block).map(|file| pruner.may_match(&file)).collect();
        assert!(any || !answers.contains(&true), "a refused block holds no kept file");
        kept.extend(answers);
    }
    kept
}

/// The blocks that a pruner finds on its way from the first.
fn sought(pruner: Option<Pruner>, files: &FileList) -> BTreeSet<usize> {
    let (mut found, mut next) = (BTreeSet::new(), 0);
    let Some(mut pruner) = pruner else { return found };
    while next < files.block_count() {
        let before = next;
        next = match pruner.seek(files, next) {
            Sought::At(block) => {
                found.insert(block);
                block + 1
            }
            Sought::Before(block) => block,
        };
        assert!(next > before, "each step comes nearer to the end");
    }
    found
}

/// Which files a predicate keeps that is asked of the text of each by itself.
pub(super) fn kept_one_by_one(hints: &Hints, metadata: &Metadata, files: &FileList) -> Vec<bool> {
    let predicate = Predicate::compile(hints, metadata);
    let (mut block, mut kept) = (Block::default(), Vec::new());
    for index in 0..files.block_count() {
        kept.extend(files.read_block(index, &mut block).map(|file| {
            let mut stats = Vec::new();
            unescape_into(file.stats_escaped, &mut stats);
            let partition = predicate.partition_domains(file.partition_values_json);
            let truth = predicate.ask_file(&partition, std::str::from_utf8(&stats).unwrap());
            // Nothing can be left out for want of statistics.
            truth.can_be_true
                || file.stats_escaped.is_empty() && predicate.ask_partition(&partition, &[]).can_be_true
        }));
    }
    kept
}

pub(super) fn sql(text: &str) -> Hints {
    Hints { sql: vec![text.to_owned()], ..Hints::default() }
}

pub(super) fn json_hint(tree: &Value) -> Hints {
    Hints { json: Some(tree.to_string()), ..Hints::default() }
}

/// Whether one file is kept by an SQL hint.
pub(super) fn keeps(hint: &str, file: Described) -> bool {
    kept(&sql(hint), &plain(), &list(&[file]))[0]
}
