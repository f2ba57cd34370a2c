//! Position delete files of all makes, read by path.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{BinaryArray, Int32Array, Int64Array, StringArray};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;

use super::*;
use crate::deletes::fixture::{batch, written};

fn read(bytes: Bytes, wanted: &[&str]) -> Result<PositionFile, Unread> {
    PositionFile::read(bytes, &wanted.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
}

fn fault(bytes: Bytes) -> Fault {
    match read(bytes, &["a"]) {
        Err(Unread::Content(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn all(file: &PositionFile) -> BTreeMap<String, BTreeSet<u64>> {
    let of = |path: &str| (path.to_owned(), file.of(path).unwrap().iter().collect());
    file.paths().map(of).collect()
}

fn expected(rows: &[(&str, i64)]) -> BTreeMap<String, BTreeSet<u64>> {
    let mut expected = BTreeMap::<String, BTreeSet<u64>>::new();
    for (path, row) in rows {
        expected.entry((*path).to_owned()).or_default().insert(u64::try_from(*row).unwrap());
    }
    expected
}

const ROWS: [(&str, i64); 5] = [("a", 3), ("a", 7), ("b", 0), ("a", 1), ("ö/%20 c", 1 << 40)];

#[test]
fn columns_are_found_by_their_ids_or_their_names() {
    for has_ids in [true, false] {
        let found = read(written(&batch(&ROWS, has_ids), WriterProperties::default()), &["a"]).unwrap();
        assert_eq!(all(&found), expected(&ROWS));
        assert!(found.is_whole() && found.of("c").is_none() && found.memory_bytes() > 300);
    }
}

#[test]
fn paths_may_be_bytes() {
    let paths: ArrayRef = Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"\xff"]));
    let rows: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_from_iter([(PATH.1, paths), (POSITION.1, rows)]).unwrap();
    assert_eq!(fault(written(&batch, WriterProperties::default())), Fault::NotUtf8);
    let first = written(&batch.slice(0, 1), WriterProperties::default());
    assert_eq!(all(&read(first, &["a"]).unwrap()), expected(&[("a", 1)]));
}

#[test]
fn row_groups_of_other_paths_are_passed_over() {
    let rows: Vec<(String, i64)> = (0..9).map(|row| (format!("path-{}", row / 3), row)).collect();
    let rows: Vec<(&str, i64)> = rows.iter().map(|(path, row)| (path.as_str(), *row)).collect();
    let properties = || WriterProperties::builder().set_max_row_group_row_count(Some(4));
    let grouped = written(&batch(&rows, true), properties().build());
    let found = read(grouped.clone(), &["path-0", "path-10", "path-9"]).unwrap();
    assert_eq!((all(&found), found.is_whole()), (expected(&rows[..8]), false));
    let found = read(grouped, &["a", "path-2", "z"]).unwrap();
    assert_eq!((all(&found), found.is_whole()), (expected(&rows[4..]), false));
    let bare = properties().set_statistics_enabled(EnabledStatistics::None).build();
    let found = read(written(&batch(&rows, true), bare), &["path-2"]).unwrap();
    assert_eq!((all(&found), found.is_whole()), (expected(&rows), true));
}

#[test]
fn what_is_no_delete_file_is_named() {
    let one = |name: &'static str, column: ArrayRef| (name, column, true);
    let paths = || -> ArrayRef { Arc::new(StringArray::from(vec![Some("a"), Some("b")])) };
    let longs = |rows: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(rows)) };
    let of = |columns: [(&'static str, ArrayRef, bool); 2]| {
        fault(written(
            &RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
            WriterProperties::default(),
        ))
    };
    let fine = || one(POSITION.1, longs(vec![Some(1), Some(2)]));
    assert_eq!(of([one("path", paths()), fine()]), Fault::Missing { column: PATH.1 });
    assert_eq!(
        of([one(PATH.1, paths()), one("rows", longs(vec![None; 2]))]),
        Fault::Missing { column: POSITION.1 }
    );
    let null = one(POSITION.1, longs(vec![Some(1), None]));
    assert_eq!(of([one(PATH.1, paths()), null]), Fault::Null { column: POSITION.1 });
    let null = one(PATH.1, Arc::new(StringArray::from(vec![Some("a"), None])));
    assert_eq!(of([null, fine()]), Fault::Null { column: PATH.1 });
    let negative = one(POSITION.1, longs(vec![Some(1), Some(-1)]));
    assert_eq!(of([one(PATH.1, paths()), negative]), Fault::Negative);
    let small = one(POSITION.1, Arc::new(Int32Array::from(vec![1, 2])));
    let wrong = Fault::WrongType { column: POSITION.1, expected: "long" };
    assert_eq!(of([one(PATH.1, paths()), small]), wrong);
    let wrong = Fault::WrongType { column: PATH.1, expected: "string" };
    assert_eq!(of([one(PATH.1, longs(vec![Some(1); 2])), fine()]), wrong);
    assert!(matches!(read(Bytes::from_static(b"PAR1"), &["a"]), Err(Unread::Parquet(_))));
}

#[test]
fn rows_in_no_order_take_memory_in_bounds() {
    let mut collector = Collector::default();
    for number in 0..DELETE_FILE_STRETCHES_MAX as u64 {
        collector.add(b"a", (number % 2) << STRETCH_BITS).unwrap();
    }
    let max = DELETE_FILE_STRETCHES_MAX as u64;
    assert_eq!(collector.add(b"a", 0), Err(Fault::TooMany { what: "rows in no order", max }));
    let mut collector = Collector::default();
    for number in 0..DELETE_FILE_PATHS_MAX {
        collector.add(number.to_string().as_bytes(), 0).unwrap();
    }
    collector.add(b"0", 1).unwrap();
    let fault = collector.add(b"one more", 0).unwrap_err();
    assert!(fault.is_of_size() && fault.to_string().contains("200000 paths; rewrite it"), "{fault}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn each_row_is_read_once(
        rows in prop::collection::vec((0_u8..4, 0_i64..200_000), 0..300),
        is_sorted in any::<bool>(), group in 1_usize..100,
    ) {
        let mut rows: Vec<(String, i64)> = rows.iter().map(|(path, row)| (format!("s3://b/{path}"), *row)).collect();
        if is_sorted {
            rows.sort();
        }
        let rows: Vec<(&str, i64)> = rows.iter().map(|(path, row)| (path.as_str(), *row)).collect();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
        let bytes = written(&batch(&rows, true), properties);
        let wanted = ["s3://b/0", "s3://b/1", "s3://b/2", "s3://b/3"];
        prop_assert_eq!(all(&read(bytes.clone(), &wanted).unwrap()), expected(&rows));
        let (some, expected) = (read(bytes, &wanted[1..3]).unwrap(), expected(&rows));
        for path in &wanted[1..3] {
            let found: Option<BTreeSet<u64>> = some.of(path).map(|rows| rows.iter().collect());
            prop_assert_eq!(found.as_ref(), expected.get(*path));
        }
    }
}
