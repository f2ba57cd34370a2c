//! What goes into a file list comes out, alive and in order.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::super::deletion_vector::{DeletionVector, Place};
use super::super::file_list_builder::FileListBuilder;
use super::super::path_digest::{PathDigest, PathDigests};
use super::super::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use super::*;
use crate::limits::{SEGMENT_FILES_MAX, STATS_BLOCK_FILES};

#[derive(Debug, Clone, PartialEq)]
struct Row {
    path: String,
    size: u64,
    partition: String,
    stats: String,
    count: Option<u64>,
    /// Text, whether it is inline, offset, cardinality.
    vector: Option<(String, bool, Option<u64>, u64)>,
    base_row_id: Option<u64>,
}

fn row(number: usize) -> Row {
    Row {
        path: match number % 3 {
            0 => format!("d={}/part-{number:05}.parquet", number % 7),
            _ => format!(
                "d={}/part-{number:05}-{number:08x}-0000-4000-8000-0000000000ff-c000.parquet",
                number % 7
            ),
        },
        size: number as u64,
        partition: format!("{{\"d\":\"{}\"}}", number % 7),
        stats: if number.is_multiple_of(5) { String::new() } else { format!("{{\"numRecords\":{number}}}") },
        count: (!number.is_multiple_of(5)).then_some(number as u64),
        vector: number.is_multiple_of(3).then(|| {
            let offset = (!number.is_multiple_of(2)).then_some(1);
            (format!("dv-{number}"), number.is_multiple_of(2), offset, number as u64 / 2)
        }),
        base_row_id: (number % 4 == 1).then_some(number as u64 * 100),
    }
}

fn push(builder: &mut FileListBuilder, row: &Row) {
    builder.push(&NewFile {
        path: FilePath::plain(&row.path),
        digest: PathDigest::of(row.path.as_bytes()),
        size_bytes: row.size,
        modification_time_ms: -3,
        partition_values: row.partition.as_bytes(),
        statistics: StatisticsText::Raw(&row.stats),
        record_count: row.count,
        deletion_vector: row.vector.as_ref().map(|(text, is_inline, offset, cardinality)| DeletionVector {
            place: if *is_inline { Place::Inline(text.as_bytes()) } else { Place::File(text.as_bytes()) },
            offset: *offset,
            size_bytes: 34,
            cardinality: *cardinality,
        }),
        row_ids: RowIds { base: row.base_row_id, default_commit_version: row.base_row_id },
    });
}

fn builder(rows: &[Row]) -> FileListBuilder {
    let mut builder = FileListBuilder::default();
    for row in rows {
        push(&mut builder, row);
    }
    builder
}

fn copy(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(json);
}

fn list(rows: &[Row]) -> FileList {
    FileList::new(builder(rows).finish(&mut copy))
}

/// The rows as a list has them: those of each segment by their partition values.
fn in_order(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.chunks_mut(SEGMENT_FILES_MAX).for_each(|rows| rows.sort_by(|a, b| a.partition.cmp(&b.partition)));
    rows
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn row_of(file: &File<'_>) -> Row {
    assert_eq!(file.modification_time_ms, -3);
    let stats = serde_json::from_str(&format!("\"{}\"", text(file.stats_escaped)));
    Row {
        path: text(file.log_directory) + &text(file.log_name),
        size: file.size_bytes,
        partition: text(file.partition_values_json),
        stats: stats.unwrap(),
        count: file.record_count,
        vector: file.deletion_vector.map(|vector| {
            assert_eq!(vector.size_bytes, 34);
            let (is_inline, text_or_key) = match vector.place {
                Place::Inline(text) => (true, text),
                Place::File(key) => (false, key),
            };
            (text(text_or_key), is_inline, vector.offset, vector.cardinality)
        }),
        base_row_id: file.row_ids.base.filter(|_| file.row_ids.base == file.row_ids.default_commit_version),
    }
}

fn read(list: &FileList) -> Vec<Row> {
    let mut block = Block::default();
    let mut rows = Vec::new();
    for index in 0..list.block_count() {
        let mut files = list.read_block(index, &mut block);
        while let Some(file) = files.next() {
            rows.push(row_of(&file));
            // A listing leaves off in the middle of a block and goes on later.
            if rows.len().is_multiple_of(97) {
                let row = files.row().unwrap_or(usize::MAX);
                files = list.reopen_block(index, row, &block);
            }
        }
    }
    assert_eq!(rows.len() as u64, list.file_count());
    assert_eq!(rows.iter().map(|row| row.size).sum::<u64>(), list.size_bytes());
    rows
}

fn digests<'a>(rows: impl IntoIterator<Item = &'a Row>) -> PathDigests {
    let mut digests = PathDigests::default();
    rows.into_iter().for_each(|row| {
        digests.insert(PathDigest::of(row.path.as_bytes()));
    });
    digests
}

#[test]
fn an_empty_list_has_no_blocks() {
    let list = list(&[]);
    assert_eq!((list.block_count(), list.file_count(), list.size_bytes()), (0, 0, 0));
    assert_eq!(list.read_block(3, &mut Block::default()).count(), 0);
}

#[test]
fn files_come_back_in_order_over_blocks_and_segments() {
    let rows: Vec<_> = (0..SEGMENT_FILES_MAX + 1_500).map(row).collect();
    let list = list(&rows);
    assert_eq!(list.segments().count(), 2);
    assert!(list.block_count() <= rows.len() / STATS_BLOCK_FILES + 2 * 7);
    assert_eq!(read(&list), in_order(&rows));
    let memory_per_file = list.memory_bytes() / rows.len();
    assert!((50..150).contains(&memory_per_file), "{memory_per_file} bytes a file");
}

#[test]
fn a_list_without_some_files_keeps_the_rest_and_its_predecessor_is_unharmed() {
    let rows: Vec<_> = (0..5_000).map(row).collect();
    let first = list(&rows);
    let gone = digests(rows.iter().filter(|row| row.size % 3 == 0));
    let second = first.successor(&gone, FileListBuilder::default(), &mut copy);
    let kept: Vec<_> = rows.iter().filter(|row| row.size % 3 != 0).cloned().collect();
    assert_eq!(read(&second), in_order(&kept));
    assert_eq!(read(&first), in_order(&rows));
    assert_eq!(second.segments().count(), 1);
}

#[test]
fn a_thousand_small_versions_leave_few_segments() {
    let mut current = list(&(0..100_000).map(row).collect::<Vec<_>>());
    let first = current.segments().map(std::ptr::from_ref).next();
    for version in 0..1_000 {
        let new: Vec<_> = (0..3).map(|file| row(100_000 + version * 3 + file)).collect();
        current = current.successor(&digests(&new), builder(&new), &mut copy);
    }
    assert_eq!(current.file_count(), 103_000);
    assert!(current.segments().count() <= 12, "{} segments", current.segments().count());
    assert_eq!(current.segments().map(std::ptr::from_ref).next(), first, "large segments are shared");
    let mut sizes: Vec<_> = read(&current).iter().map(|row| row.size).collect();
    sizes.sort_unstable();
    assert!(sizes.into_iter().eq(0..103_000));
}

#[test]
fn deletion_vectors_count_only_while_their_files_are_alive() {
    let rows: Vec<_> = (0..100).map(row).collect();
    let first = list(&rows);
    assert!(first.has_deletion_vectors());
    let mut block = Block::default();
    let mut counts = Vec::new();
    for index in 0..first.block_count() {
        let files = first.read_block(index, &mut block);
        counts.extend(files.map(|file| (file.size_bytes, file.live_row_count())));
    }
    counts.sort_unstable();
    let counts: Vec<_> = counts.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts[..7], [None, Some(1), Some(2), Some(2), Some(4), None, Some(3)]);
    let gone = digests(rows.iter().filter(|row| row.vector.is_some()));
    let second = first.successor(&gone, FileListBuilder::default(), &mut copy);
    assert!(!second.has_deletion_vectors() && second.file_count() == 66);
    assert!(!FileList::default().has_deletion_vectors());
}

#[test]
fn files_get_vectors_and_the_rest_of_their_segment_stays() {
    let plain = |number| Row { vector: None, ..row(number) };
    let rows: Vec<_> = (0..20_000).map(plain).collect();
    let first = list(&rows);
    let given = |row: &Row| row.size % 1_000 == 7;
    let vectors = rows.iter().filter(|row| given(row)).map(|row| {
        let vector =
            DeletionVector { place: Place::Inline(b"v"), offset: None, size_bytes: 34, cardinality: 5 };
        (PathDigest::of(row.path.as_bytes()), vector)
    });
    let vectors: super::super::successor::Vectors<'_> = vectors.collect();
    let second = first.with_vectors(&vectors);
    assert_eq!((second.file_count(), second.size_bytes()), (first.file_count(), first.size_bytes()));
    assert!(std::ptr::eq(first.segments().next().unwrap(), second.segments().next().unwrap()));
    let by_size = |list: &FileList| {
        let mut rows = read(list);
        rows.sort_by_key(|row| row.size);
        rows
    };
    let with_vector = |row: &Row| {
        let vector = given(row).then(|| ("v".to_owned(), true, None, 5));
        Row { vector, ..row.clone() }
    };
    assert_eq!(by_size(&second), rows.iter().map(with_vector).collect::<Vec<_>>());
    assert!(second.has_deletion_vectors() && !first.has_deletion_vectors());
    // Another vector makes another file: pages and changes tell them apart.
    let plain = digests(rows.iter().filter(|row| given(row)));
    assert_eq!(second.successor(&plain, FileListBuilder::default(), &mut copy).file_count(), 20_000);
    let none = first.with_vectors(&HashMap::new());
    assert_eq!(read(&none), read(&first));
}

#[test]
fn encoded_spellings_survive_a_merge() {
    let key = "p=a b/ä%.parquet";
    let log = "p=a%20b/%C3%A4%25.parquet";
    let mut builder = FileListBuilder::default();
    builder.push(&NewFile {
        path: FilePath {
            log: log.as_bytes(),
            log_directory_bytes: 8,
            key: key.as_bytes(),
            key_directory_bytes: 6,
        },
        digest: PathDigest::of(key.as_bytes()),
        size_bytes: 1,
        modification_time_ms: 0,
        partition_values: b"{}",
        statistics: StatisticsText::Raw("\"\u{2028}"),
        record_count: None,
        deletion_vector: None,
        row_ids: RowIds::default(),
    });
    let first = FileList::new(builder.finish(&mut copy));
    let mut more = FileListBuilder::default();
    (0..3).for_each(|number| push(&mut more, &row(number)));
    let second = first.successor(&PathDigests::default(), more, &mut copy);
    assert_eq!(second.segments().count(), 1);
    for list in [first, second] {
        let mut block = Block::default();
        let files: Vec<_> = list.read_block(0, &mut block).collect();
        let file = files.iter().find(|file| file.log_name == b"%C3%A4%25.parquet").unwrap();
        assert_eq!(text(file.log_directory), "p=a%20b/");
        assert_eq!(text(file.encoded_directory), "p%3Da%20b/");
        assert_eq!(text(file.encoded_name), "%C3%A4%25.parquet");
        assert_eq!(text(file.stats_escaped), "\\\"\\u2028");
    }
}

#[test]
fn monstrous_statistics_are_left_out_and_large_ones_make_smaller_blocks() {
    let mut rows: Vec<_> = (0..10).map(row).collect();
    for row in &mut rows {
        row.stats = "s".repeat(crate::limits::STATS_BYTES_MAX);
    }
    rows[4].stats.push('s');
    let list = list(&rows);
    assert!(list.block_count() > 3);
    rows[4].stats.clear();
    assert_eq!(read(&list), in_order(&rows));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn successors_hold_what_a_map_would_hold(versions in proptest::collection::vec((0_usize..60, 0_usize..60), 1..40)) {
        let mut list = FileList::default();
        let mut map = BTreeMap::new();
        for (version, (added, removed)) in versions.into_iter().enumerate() {
            let adds: Vec<_> = (0..added)
                .map(|number| Row { count: Some(version as u64), ..row(number * 13 % 97) })
                .collect::<Vec<_>>();
            let adds: BTreeMap<_, _> = adds.into_iter().map(|row| (row.path.clone(), row)).collect();
            let removes: Vec<_> = (0..removed).map(|number| row(number * 29 % 97)).collect();
            let settled = digests(adds.values().chain(&removes));
            for row in &removes {
                map.remove(&row.path);
            }
            map.extend(adds.clone());
            list = list.successor(&settled, builder(&adds.into_values().collect::<Vec<_>>()), &mut copy);
            let mut rows = read(&list);
            rows.sort_by(|a, b| a.path.cmp(&b.path));
            prop_assert_eq!(&rows, &map.values().cloned().collect::<Vec<_>>());
        }
    }
}
