//! A table's objects are read, and nothing beside them.

use std::os::unix::fs::symlink;

use super::super::Buckets;
use super::*;
use crate::error::Kind;

/// A data directory with the bucket `lake` and a table in it.
fn data_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("lake/sales/orders 100%/_delta_log");
    std::fs::create_dir_all(log.join("_sidecars")).unwrap();
    std::fs::write(log.join("_sidecars/hidden.parquet"), "x").unwrap();
    for name in ["b", "a", "c d%20", ".crc"] {
        std::fs::write(log.join(name), name).unwrap();
    }
    std::fs::write(dir.path().join("secret"), "secret").unwrap();
    dir
}

fn open(dir: &tempfile::TempDir) -> TableStore {
    Buckets::embedded(dir.path().into()).open("lake", "sales/orders 100%").unwrap()
}

async fn names(table: &TableStore, directory: &str, after: &str) -> Vec<String> {
    let mut names = Vec::new();
    table.list(directory, after, &mut |name, _| names.push(name.to_owned())).await.unwrap();
    names.sort();
    names
}

#[tokio::test]
async fn a_directory_lists_its_objects_and_not_those_below() {
    let dir = data_dir();
    let table = open(&dir);
    assert_eq!(names(&table, "_delta_log", "").await, [".crc", "a", "b", "c d%20"]);
    assert_eq!(names(&table, "_delta_log", "a").await, ["b", "c d%20"]);
    assert_eq!(names(&table, "absent", "").await, [""; 0]);
}

#[tokio::test]
async fn empty_parts_of_a_key_are_not_passed_over() {
    let dir = data_dir();
    let table = open(&dir);
    let place = dir.path().join("lake/sales/orders 100%/_delta_log/.lakeshare-empty");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("a"), "beside it").unwrap();
    assert_eq!(table.read("_delta_log//a", 99).await.unwrap().0, "beside it");
    assert_eq!(table.read("_delta_log/a", 99).await.unwrap().0, "a");
    assert_eq!(table.head("/_delta_log/a").await.unwrap(), None);
}

#[tokio::test]
async fn a_store_without_links_lists_the_same_from_an_offset() {
    let dir = data_dir();
    let store = object_store::local::LocalFileSystem::new_with_prefix(dir.path()).unwrap();
    let table = TableStore::new(Arc::new(store), "lake/sales/orders 100%", "other").unwrap();
    assert_eq!(names(&table, "_delta_log", "").await, [".crc", "a", "b", "c d%20"]);
    assert_eq!(names(&table, "_delta_log", "a").await, ["b", "c d%20"]);
}

#[tokio::test]
async fn objects_are_read_whole_or_in_part() {
    let dir = data_dir();
    let table = open(&dir);
    let key = "_delta_log/c d%20";
    let (bytes, info) = table.read(key, 6).await.unwrap();
    assert_eq!(bytes, "c d%20");
    assert_eq!(table.head(key).await.unwrap().unwrap(), info);
    assert_eq!(table.read_range(key, &info, 2..4).await.unwrap(), "d%");
    assert_eq!(table.read_range(key, &info, 4..40).await.unwrap(), "20");
    assert_eq!(table.read_range(key, &info, 40..50).await.unwrap(), "");
    assert!(matches!(table.read(key, 5).await, Err(Error::ObjectTooLarge { size_bytes: 6, .. })));
    assert_eq!(table.head("_delta_log/absent").await.unwrap(), None);
    assert!(matches!(table.read("_delta_log/absent", 5).await, Err(Error::NoSuchObject { .. })));
    std::fs::write(dir.path().join("lake/sales/orders 100%/_delta_log/c d%20"), "other").unwrap();
    assert!(matches!(table.read_range(key, &info, 2..4).await, Err(Error::ObjectChanged { .. })));
}

#[test]
fn names_that_are_no_bucket_and_no_table_are_refused() {
    let dir = data_dir();
    let buckets = Buckets::embedded(dir.path().into());
    for bucket in ["", ".", "..", ".lakeshare", "_admin", "a/b", "lake/..", "a\0b", "é"] {
        assert!(matches!(buckets.open(bucket, "t"), Err(Error::BucketName { .. })), "{bucket}");
    }
    for bucket in ["absent", "secret"] {
        assert_eq!(buckets.open(bucket, "t").unwrap_err().kind(), Kind::NotFound, "{bucket}");
    }
    for location in ["..", "a/../b", "a//b", "./a", "a/\0b"] {
        assert!(matches!(buckets.open("lake", location), Err(Error::Location { .. })), "{location}");
    }
}

#[tokio::test]
async fn symbolic_links_that_leave_the_bucket_are_refused() {
    let dir = data_dir();
    let outside = tempfile::tempdir().unwrap();
    let root = dir.path().join("lake");
    symlink(outside.path(), root.join("away")).unwrap();
    symlink("sales", root.join("inside")).unwrap();
    symlink(&root, dir.path().join("alias")).unwrap();
    let log = root.join("sales/orders 100%/_delta_log");
    symlink("../../../../secret", log.join("leak")).unwrap();
    symlink("a", log.join("link")).unwrap();
    symlink("nowhere", log.join("dangling")).unwrap();
    let buckets = Buckets::embedded(dir.path().into());
    assert!(matches!(buckets.open("lake", "away"), Err(Error::OutsideBucket { .. })));
    assert!(matches!(buckets.open("alias", "sales"), Err(Error::NoSuchBucket { .. })));
    let table = buckets.open("lake", "inside/orders 100%").unwrap();
    assert_eq!(table.read("_delta_log/link", 9).await.unwrap().0, "a");
    assert!(matches!(table.read("_delta_log/leak", 9).await, Err(Error::OutsideBucket { .. })));
    assert!(matches!(table.head("_delta_log/leak").await, Err(Error::OutsideBucket { .. })));
    assert_eq!(table.head("_delta_log/dangling").await.unwrap(), None);
}
