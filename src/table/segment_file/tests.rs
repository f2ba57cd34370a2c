//! Segments come back from their bytes as they were.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::deletion_vector::{DeletionVector, Place};
use super::super::file_list::{Block, FileList};
use super::super::file_list_builder::FileListBuilder;
use super::super::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use super::*;

#[derive(Debug, Clone)]
struct Row {
    /// In the spelling of the log, and decoded.
    path: (String, String),
    partition: String,
    numbers: (u64, i64, Option<u64>),
    stats: String,
    /// Text, whether it is inline, offset, cardinality.
    vector: Option<(String, bool, Option<u64>, u64)>,
    ids: (Option<u64>, Option<u64>),
}

fn rows(count: usize) -> impl Strategy<Value = Vec<Row>> {
    let path = prop_oneof![
        "[a-c]{0,2}/part-0000[0-9]-c000\\.parquet".prop_map(|path| (path.clone(), path)),
        ("\\PC{0,4}/\\PC{0,9}", "\\PC{0,4}/\\PC{0,9}"),
    ];
    let vector = option::weighted(0.2, ("[a-z]{0,9}", any::<bool>(), option::of(any::<u64>()), any::<u64>()));
    let number = || option::weighted(0.3, 0..u64::MAX);
    let parts = (
        path,
        "[xy]{0,2}",
        (any::<u64>(), any::<i64>(), number()),
        "\\PC{0,30}",
        vector,
        (number(), number()),
    );
    let row = parts.prop_map(|(path, partition, numbers, stats, vector, ids)| Row {
        path,
        partition,
        numbers,
        stats,
        vector,
        ids,
    });
    vec(row, 0..count)
}

fn push(builder: &mut FileListBuilder, row: &Row) {
    let (log, key) = (&row.path.0, &row.path.1);
    let place = |(text, is_inline, ..): &(String, bool, Option<u64>, u64)| {
        let text: &'static [u8] = text.clone().leak().as_bytes();
        if *is_inline { Place::Inline(text) } else { Place::File(text) }
    };
    builder.push(&NewFile {
        path: FilePath {
            log: log.as_bytes(),
            log_directory_bytes: log.rfind('/').map_or(0, |slash| slash + 1),
            key: key.as_bytes(),
            key_directory_bytes: key.rfind('/').map_or(0, |slash| slash + 1),
        },
        digest: PathDigest::of(log.as_bytes()),
        size_bytes: row.numbers.0,
        modification_time_ms: row.numbers.1,
        partition_values: row.partition.as_bytes(),
        statistics: StatisticsText::Raw(&row.stats),
        record_count: row.numbers.2,
        deletion_vector: row.vector.as_ref().map(|vector| DeletionVector {
            place: place(vector),
            offset: vector.2,
            size_bytes: 34,
            cardinality: vector.3,
        }),
        row_ids: RowIds { base: row.ids.0, default_commit_version: row.ids.1 },
    });
}

fn segments(rows: &[Row]) -> Vec<Segment> {
    let mut builder = FileListBuilder::default();
    for row in rows {
        push(&mut builder, row);
    }
    builder.finish(&mut |json, out| out.extend_from_slice(json))
}

/// Every field of every file, and the digests.
fn told(segments: Vec<Segment>) -> (Vec<String>, Vec<PathDigest>) {
    let digests = segments.iter().flat_map(|segment| segment.digests.by_row().to_vec()).collect();
    let list = FileList::new(segments);
    let mut block = Block::default();
    let mut files = Vec::new();
    for index in 0..list.block_count() {
        files.extend(list.read_block(index, &mut block).map(|file| format!("{file:?}")));
    }
    (files, digests)
}

fn bytes_of(segment: &Segment) -> (Vec<u8>, u128) {
    let mut bytes = Vec::new();
    let mut out = ColumnWriter::new(&mut bytes);
    segment.write(&mut out).unwrap();
    let (digest, byte_count) = out.finish();
    assert_eq!(byte_count, bytes.len() as u64);
    (bytes, digest)
}

fn read(mut bytes: &[u8]) -> Result<(Segment, u128), Error> {
    let byte_count = bytes.len() as u64;
    let mut input = ColumnReader::new(&mut bytes, byte_count);
    let segment = Segment::read(&mut input)?;
    Ok((segment, input.finish()?))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn segments_come_back_from_their_bytes(rows in rows(150)) {
        let segments = segments(&rows);
        let mut again = Vec::new();
        for segment in &segments {
            let (bytes, digest) = bytes_of(segment);
            let (read, found) = read(&bytes).unwrap();
            prop_assert_eq!(found, digest);
            prop_assert_eq!(read.has_outside, segment.has_outside);
            prop_assert_eq!(bytes_of(&read).0, bytes, "and are written as the same bytes");
            again.push(read);
        }
        prop_assert_eq!(told(again), told(segments));
    }

    #[test]
    fn bytes_that_were_cut_or_changed_are_no_segment(
        rows in rows(40),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        for segment in segments(&rows) {
            let (mut bytes, digest) = bytes_of(&segment);
            let at = at.index(bytes.len());
            prop_assert!(read(&bytes[..at]).is_err());
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&bytes).map_or(true, |(_, found)| found != digest));
            bytes[at] ^= 1 << bit;
            bytes.push(0);
            prop_assert!(read(&bytes).is_err());
        }
    }
}
