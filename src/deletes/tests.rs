//! Delete files of data files, put together to vectors.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::encode::z85;
use crate::error::Kind;
use crate::storage::Buckets;

const BUCKET: &str = "lake";

fn buckets(dir: &Path) -> Buckets {
    std::fs::create_dir(dir.join(BUCKET)).unwrap();
    Buckets::embedded(dir.to_owned())
}

async fn put(buckets: &Buckets, key: &str, bytes: impl Into<Bytes>) {
    buckets.put_new(BUCKET, key, bytes.into()).await.unwrap();
}

fn of_positions(key: &str) -> DeleteFile {
    DeleteFile {
        path: format!("s3://{BUCKET}/{key}"),
        key: key.to_owned(),
        format: "PARQUET".to_owned(),
        record_count: 0,
        content_offset: None,
        content_size_bytes: None,
        only: None,
        equality: None,
    }
}

fn vector(key: &str, offset: usize, blob: &[u8], record_count: u64) -> DeleteFile {
    DeleteFile {
        format: "puffin".to_owned(),
        record_count,
        content_offset: Some(i64::try_from(offset).unwrap()),
        content_size_bytes: Some(i64::try_from(blob.len()).unwrap()),
        ..of_positions(key)
    }
}

fn data(path: &str, row_count: u64, deletes: &[usize]) -> DataFile {
    DataFile { path: path.to_owned(), row_count, deletes: deletes.to_vec(), scan: None }
}

fn rows(vector: Option<&InlineVector>) -> BTreeSet<u64> {
    let Some(vector) = vector else { return BTreeSet::new() };
    let mut bytes = z85::decode(vector.text.as_bytes()).unwrap();
    bytes.truncate(usize::try_from(vector.size_bytes).unwrap());
    let rows = fixture::naive(&bytes[4..]);
    assert_eq!(rows.len() as u64, vector.cardinality);
    rows
}

async fn read_rows(
    buckets: &Buckets,
    kept: &Kept,
    deletes: &[DeleteFile],
    files: &[DataFile],
) -> Result<Vec<BTreeSet<u64>>, Error> {
    let source = Source { buckets, bucket: BUCKET };
    let told = read(&source, kept, deletes, files).await?;
    Ok(told.iter().map(|vector| rows(vector.as_ref())).collect())
}

#[tokio::test]
async fn what_several_files_say_of_one_becomes_one_vector() {
    let dir = tempfile::tempdir().unwrap();
    let (buckets, kept) = (buckets(dir.path()), Kept::new());
    put(&buckets, "one", fixture::file(&[("a", 3), ("b", 0), ("b", 9)])).await;
    put(&buckets, "two", fixture::file(&[("a", 1), ("a", 3), ("c", 2)])).await;
    let (first, second) = (fixture::blob(&[5, 6]), fixture::blob(&[0]));
    put(&buckets, "puffin", [b"PFA1", &first[..], &second].concat()).await;
    let deletes = [
        of_positions("one"),
        of_positions("two"),
        vector("puffin", 4, &first, 2),
        vector("puffin", 4 + first.len(), &second, 1),
        of_positions("nowhere"),
    ];
    // Rows that a file does not have are not deleted from it, and a delete file that applies to none is not read.
    let files = [data("a", 10, &[0, 1]), data("b", 9, &[0]), data("d", 6, &[2]), data("e", 1, &[3, 1])];
    let wanted = [vec![1, 3], vec![0], vec![5], vec![0]].map(BTreeSet::from_iter);
    assert_eq!(read_rows(&buckets, &kept, &deletes, &files).await.unwrap(), wanted);
    assert_eq!(read_rows(&buckets, &kept, &deletes, &[data("b", 9, &[1])]).await.unwrap(), [BTreeSet::new()]);
    // What was read is kept, each vector of a file for itself.
    buckets.remove(BUCKET, ["one", "two", "puffin"].map(str::to_owned).to_vec()).await.unwrap();
    assert!(kept.memory_bytes() > 0);
    assert_eq!(read_rows(&buckets, &kept, &deletes, &files).await.unwrap(), wanted);
    let error = read_rows(&buckets, &Kept::new(), &deletes, &files).await.unwrap_err();
    assert!(error.is_of_change() && error.kind() == Kind::Corrupt, "{error}");
}

#[tokio::test]
async fn files_that_cannot_be_read_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets(dir.path());
    let blob = fixture::blob(&[1]);
    put(&buckets, "blob", blob.clone()).await;
    let refused = async |delete: DeleteFile, row_count| {
        let (source, files) = (Source { buckets: &buckets, bucket: BUCKET }, [data("a", row_count, &[0])]);
        let error = read(&source, &Kept::new(), &[delete], &files).await.unwrap_err();
        (error.kind(), error.to_string())
    };
    let orc = DeleteFile { format: "ORC".to_owned(), ..of_positions("blob") };
    let (kind, text) = refused(orc, 9).await;
    assert_eq!(kind, Kind::Unsupported);
    assert!(text.starts_with("the delete file s3://lake/blob has the format ORC"), "{text}");
    assert_eq!(refused(of_positions("blob"), 9).await.0, Kind::Corrupt);
    let (kind, text) = refused(vector("blob", 0, &blob, 2), 9).await;
    assert_eq!(kind, Kind::Corrupt);
    assert!(text.ends_with("it has 1 rows, and its manifest says 2"), "{text}");
    assert_eq!(refused(vector("blob", 1, &blob, 1), 9).await.0, Kind::Corrupt);
    let nowhere = DeleteFile { content_offset: None, ..vector("blob", 0, &blob, 1) };
    assert_eq!(refused(nowhere, 9).await.0, Kind::Corrupt);
    let large = DeleteFile { content_size_bytes: Some(1 << 40), ..vector("blob", 0, &blob, 1) };
    assert_eq!(refused(large, 9).await.0, Kind::Unsupported);
    put(&buckets, "moved", fixture::file(&[("hdfs://a", 1)])).await;
    let moved = DeleteFile { only: Some("a".to_owned()), record_count: 1, ..of_positions("moved") };
    let (kind, text) = refused(moved, 9).await;
    assert_eq!(kind, Kind::Unsupported);
    assert!(text.starts_with("the delete file s3://lake/moved names other files than a"), "{text}");
    let (kind, text) = refused(vector("blob", 0, &blob, 1), DELETED_FROM_ROWS_MAX + 1).await;
    assert_eq!(kind, Kind::Unsupported);
    assert!(text.contains("rewrite it"), "{text}");
}

#[test]
fn vectors_take_memory_in_bounds() {
    let dense = |row_count, has_gaps| Found::Vector(fixture::dense(row_count, has_gaps));
    let file = |number: usize| data(&number.to_string(), 1 << 26, &[0]);
    let files: Vec<DataFile> = (0..40).map(file).collect();
    let mut merged = Merged::of(&files).unwrap();
    // Bits take as much whatever they say; runs take little.
    merged.add(&dense(1 << 26, false), 0).unwrap();
    let half = dense((u32::try_from(VECTOR_BYTES_MAX).unwrap() - (64 << 10)) * 8, true);
    let full = (1..40).find_map(|at| merged.add(&half, at).err().map(|error| (at, error))).unwrap();
    assert!(matches!(full, (32..34, Error::LongVectors)), "{full:?}");
    let mut merged = Merged::of(&files).unwrap();
    let error = merged.add(&dense(1 << 26, true), 7).unwrap_err();
    assert!(error.to_string().contains("of the file 7 are deleted"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_file_loses_the_rows_that_are_named(
        parts in prop::collection::vec((0_usize..3, 0_usize..4, 0_u64..50), 0..60),
        applies in prop::collection::vec(prop::collection::btree_set(0_usize..3, 0..3), 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let buckets = buckets(dir.path());
        let names = ["w", "x", "y", "z"];
        let files: Vec<DataFile> = applies.iter().zip(names).map(|(deletes, name)| {
            data(name, 40, &deletes.iter().copied().collect::<Vec<_>>())
        }).collect();
        let deletes: Vec<DeleteFile> = (0..3_usize).map(|number| of_positions(&number.to_string())).collect();
        let wanted: Vec<BTreeSet<u64>> = (0..4).map(|file| {
            let named = parts.iter().filter(|(delete, of, row)| {
                *of == file && *row < 40 && applies[file].contains(delete)
            });
            named.map(|(_, _, row)| *row).collect()
        }).collect();
        let found = runtime.block_on(async {
            for number in 0..3 {
                let rows: Vec<(&str, i64)> = parts.iter().filter(|part| part.0 == number)
                    .map(|(_, file, row)| (names[*file], row.cast_signed())).collect();
                put(&buckets, &number.to_string(), fixture::file(&rows)).await;
            }
            read_rows(&buckets, &Kept::new(), &deletes, &files).await.unwrap()
        });
        prop_assert_eq!(found, wanted);
    }
}
