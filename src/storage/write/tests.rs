//! Objects are whole, durable in their order of steps, and stay inside.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::Buckets;
use super::*;
use crate::error::Kind;
use crate::storage::files::attributes::Known;

const LARGE: u64 = 1 << 20;

fn buckets(dir: &Path) -> Buckets {
    std::fs::create_dir(dir.join("lake")).unwrap();
    Buckets::embedded(dir.to_owned())
}

async fn put(buckets: &Buckets, key: &str, text: &'static str) -> Result<(), Error> {
    buckets.put_new("lake", key, Bytes::from_static(text.as_bytes())).await
}

async fn read(buckets: &Buckets, key: &str) -> Result<Bytes, Error> {
    buckets.read_whole("lake", key, LARGE).await
}

fn temporary_count(dir: &Path) -> usize {
    std::fs::read_dir(dir.join(".lakeshare/tmp")).unwrap().count()
}

#[tokio::test]
async fn what_was_written_is_read_back_and_is_an_object_of_the_s3_door() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    put(&buckets, "t/metadata/v1.json", "hello").await.unwrap();
    assert_eq!(read(&buckets, "t/metadata/v1.json").await.unwrap(), "hello");
    let part = async |range| buckets.read_part("lake", "t/metadata/v1.json", range).await.unwrap();
    assert_eq!((part(1..3).await, part(3..99).await), ("el".into(), "lo".into()));
    assert_eq!((part(5..7).await, part(9..12).await), (Bytes::new(), Bytes::new()));
    put(&buckets, "t/metadata/empty", "").await.unwrap();
    assert_eq!(read(&buckets, "t/metadata/empty").await.unwrap(), "");
    let known = Known::of(File::open(dir.path().join("lake/t/metadata/v1.json")).unwrap()).unwrap();
    if known.attributes.is_some() {
        assert_eq!(known.etag(), "5d41402abc4b2a76b9719d911017c592");
    }
    assert_eq!(temporary_count(dir.path()), 0);
}

#[tokio::test]
async fn an_object_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    put(&buckets, "a/b", "one").await.unwrap();
    let error = put(&buckets, "a/b", "two").await.unwrap_err();
    assert!(matches!(&error, Error::ObjectExists { object } if object == "lake/a/b"), "{error:?}");
    assert_eq!(error.kind(), Kind::Conflict);
    assert_eq!(read(&buckets, "a/b").await.unwrap(), "one");
    assert_eq!(temporary_count(dir.path()), 0);
}

#[tokio::test]
async fn of_writers_of_one_key_exactly_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    let writers = (0..8).map(|number| {
        let buckets = buckets.clone();
        tokio::spawn(async move { buckets.put_new("lake", "a/b/c", Bytes::from(vec![number; 1_000])).await })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert!(matches!(error, Error::ObjectExists { .. }), "{error:?}"),
        }
    }
    assert_eq!(won, 1);
    let bytes = read(&buckets, "a/b/c").await.unwrap();
    assert!(bytes.len() == 1_000 && bytes.iter().all(|byte| *byte == bytes[0]));
}

#[tokio::test]
async fn what_lies_in_the_way_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    put(&buckets, "file", "x").await.unwrap();
    put(&buckets, "full/below", "x").await.unwrap();
    for key in ["file/below", "full"] {
        let error = put(&buckets, key, "y").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{key}: {error:?}");
        assert!(!matches!(error, Error::ObjectExists { .. }), "{key}: {error:?}");
    }
    std::fs::create_dir(dir.path().join("lake/hollow")).unwrap();
    put(&buckets, "hollow", "an empty directory makes way").await.unwrap();
    for key in ["", "../b", "a/", "a/.lakeshare-empty/b", ".lakeshare/x", &"x".repeat(256)] {
        assert_eq!(put(&buckets, key, "y").await.unwrap_err().kind(), Kind::Invalid, "{key}");
    }
    for key in ["parts//of/none", "/parts"] {
        put(&buckets, key, key).await.unwrap();
        assert_eq!(read(&buckets, key).await.unwrap(), key);
    }
    let missing = buckets.put_new("absent", "a", Bytes::new()).await.unwrap_err();
    assert!(matches!(missing, Error::NoSuchBucket { .. }), "{missing:?}");
    assert_eq!(temporary_count(dir.path()), 0);
    let large = buckets.read_whole("lake", "full/below", 0).await.unwrap_err();
    assert!(matches!(large, Error::ObjectTooLarge { size_bytes: 1, bytes_max: 0, .. }), "{large:?}");
    for key in ["full", "full/", "full/absent", "file/below", "absent/x"] {
        assert!(matches!(read(&buckets, key).await, Err(Error::NoSuchObject { .. })), "{key}");
    }
}

#[tokio::test]
async fn a_directory_that_may_not_be_written_to_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    put(&buckets, "t/one", "1").await.unwrap();
    let at = dir.path().join("lake/t");
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o500)).unwrap();
    let refused = put(&buckets, "t/two", "2").await;
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Whoever runs as root may write everywhere.
    if let Err(error) = refused {
        assert_eq!(error.kind(), Kind::Forbidden, "{error:?}");
        assert!(matches!(read(&buckets, "t/two").await, Err(Error::NoSuchObject { .. })));
    }
    assert_eq!((read(&buckets, "t/one").await.unwrap(), temporary_count(dir.path())), ("1".into(), 0));
}

#[test]
fn a_full_disk_passes_and_a_disk_for_reading_does_not() {
    let told = |errno: Errno| Error::of_files("lake/a".into(), io("writing")(errno));
    assert_eq!(told(Errno::NOSPC).kind(), Kind::Unavailable);
    assert_eq!(told(Errno::ROFS).kind(), Kind::Forbidden);
    assert_eq!(told(Errno::IO).kind(), Kind::Internal);
}

#[tokio::test]
async fn symbolic_links_lead_nowhere_outside() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let at = |name: &str| dir.path().join("lake").join(name);
    symlink(outside.path(), at("out")).unwrap();
    symlink(outside.path().join("secret"), at("leak")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink(outside.path(), dir.path().join("alias")).unwrap();
    for key in ["out/new", "out/secret", "out/deep/new", "leak"] {
        let error = put(&buckets, key, "x").await.unwrap_err();
        assert!(matches!(error, Error::OutsideBucket { .. }), "{key}: {error:?}");
    }
    assert!(put(&buckets, "dangling", "x").await.is_err());
    for key in ["out/secret", "leak"] {
        assert!(matches!(read(&buckets, key).await, Err(Error::OutsideBucket { .. })), "{key}");
    }
    assert!(buckets.remove("lake", vec!["out/secret".into()]).await.is_err());
    assert_eq!(buckets.remove_below("lake", "out").await.unwrap(), 0, "a link is no directory");
    assert!(matches!(buckets.remove_below("lake", "out/deep").await, Err(Error::OutsideBucket { .. })));
    assert!(matches!(buckets.put_new("alias", "x", Bytes::new()).await, Err(Error::NoSuchBucket { .. })));
    assert!(matches!(buckets.make_bucket("alias").await, Err(Error::NoSuchBucket { .. })));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
}

#[tokio::test]
async fn what_is_removed_takes_its_empty_directories_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    for key in ["t/m/1", "t/m/2", "t/d/3", "u/4"] {
        put(&buckets, key, "x").await.unwrap();
    }
    let keys = ["t/m/1", "t/absent/x", "t/m/2", "u/absent", "t/m"].map(str::to_owned);
    buckets.remove("lake", keys.to_vec()).await.unwrap();
    let there = |path: &str| dir.path().join("lake").join(path).exists();
    assert!(!there("t/m") && there("t/d/3") && there("u/4"));
    assert!(matches!(buckets.remove("absent", vec!["x".into()]).await, Err(Error::NoSuchBucket { .. })));
    // The same key can be written again at once, though its directory was known to be on disk.
    put(&buckets, "t/m/1", "again").await.unwrap();
    assert_eq!(read(&buckets, "t/m/1").await.unwrap(), "again");
}

#[tokio::test]
async fn a_prefix_is_removed_whole_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    for key in ["x/t/m/1", "x/t/d/p=1/2", "x/t/3", "x/tt/4", "x/t2", "y/5"] {
        put(&buckets, key, "x").await.unwrap();
    }
    let at = |name: &str| dir.path().join("lake").join(name);
    std::fs::create_dir_all(at("x/t/empty/within")).unwrap();
    symlink("../../y", at("x/t/link")).unwrap();
    symlink("../tt/4", at("x/t/d/file")).unwrap();
    assert_eq!(buckets.remove_below("lake", "x/t").await.unwrap(), 5, "links count as what they are");
    assert!(!at("x/t").exists() && at("x/tt/4").exists() && at("x/t2").exists() && at("y/5").exists());
    assert_eq!(buckets.remove_below("lake", "x/t").await.unwrap(), 0);
    assert_eq!(buckets.remove_below("lake", "x/t2").await.unwrap(), 0, "an object is no directory");
    assert_eq!(buckets.remove_below("lake", "x/tt/").await.unwrap(), 1);
    assert!(at("x/t2").exists() && !at("x/tt").exists());
    assert_eq!(buckets.remove_below("lake", "").await.unwrap_err().kind(), Kind::Invalid);
    symlink("y", at("inside")).unwrap();
    assert_eq!(buckets.remove_below("lake", "inside").await.unwrap(), 0);
    assert!(at("y/5").exists());
}

#[tokio::test]
async fn buckets_are_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    assert!(buckets.make_bucket("fresh").await.unwrap());
    assert!(!buckets.make_bucket("fresh").await.unwrap());
    assert!(!buckets.make_bucket("lake").await.unwrap());
    for name in ["_iceberg", "A", "metrics", "..", "a/b"] {
        assert!(matches!(buckets.make_bucket(name).await, Err(Error::BucketName { .. })), "{name}");
    }
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(buckets.make_bucket("file").await, Err(Error::NoSuchBucket { .. })));
    buckets.put_new("fresh", "a", Bytes::new()).await.unwrap();
}

#[tokio::test]
async fn files_of_a_dead_writer_are_cleaned_by_the_first_that_writes() {
    let dir = tempfile::tempdir().unwrap();
    let first = buckets(dir.path());
    put(&first, "a", "x").await.unwrap();
    let stale = dir.path().join(".lakeshare/tmp/stale");
    std::fs::write(&stale, "half an object").unwrap();
    put(&first, "b", "x").await.unwrap();
    assert!(stale.exists(), "not those of a living one");
    let second = Buckets::embedded(dir.path().to_owned());
    put(&second, "c", "x").await.unwrap();
    assert!(!stale.exists());
}
