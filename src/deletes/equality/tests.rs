//! Keys in data files, against a walk through all rows.

use std::collections::{BTreeSet, HashMap as Map};
use std::path::Path;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::super::keys::{Kind, Part};
use super::super::read;
use super::*;
use crate::encode::z85;
use crate::error::Kind as ErrorKind;
use crate::storage::Buckets;

const BUCKET: &str = "lake";

/// Columns with their ids.
type Columns = Vec<(i32, ArrayRef)>;

fn field(id: i32, of: &DataType) -> Field {
    let id = ("PARQUET:field_id".to_owned(), id.to_string());
    Field::new(format!("c{}", id.1), of.clone(), true).with_metadata(Map::from([id]))
}

/// A file of these columns, in row groups of seven rows.
fn parquet(columns: &Columns) -> Bytes {
    let fields: Vec<Field> = columns.iter().map(|(id, array)| field(*id, array.data_type())).collect();
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(7)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

fn column(id: i32, kind: Kind) -> KeyColumn {
    KeyColumn { id, names: vec![format!("c{id}")], kind, has_default: false }
}

/// A bucket, and what was kept of it.
struct Lake {
    buckets: Buckets,
    kept: Kept,
    dir: tempfile::TempDir,
}

impl Lake {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        Self { buckets: Buckets::embedded(dir.path().to_owned()), kept: Kept::new(), dir }
    }

    fn path(&self, key: &str) -> std::path::PathBuf {
        Path::new(self.dir.path()).join(BUCKET).join(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        std::fs::write(self.path(key), bytes).unwrap();
    }

    async fn rows(&self, deletes: &[DeleteFile], files: &[DataFile]) -> Result<Vec<BTreeSet<u64>>, Error> {
        let source = Source { buckets: &self.buckets, bucket: BUCKET };
        let vectors = read(&source, &self.kept, deletes, files).await?;
        let rows = vectors.iter().map(|vector| {
            let Some(vector) = vector else { return BTreeSet::new() };
            let bytes = z85::decode(vector.text.as_bytes()).unwrap();
            super::super::fixture::naive(&bytes[4..usize::try_from(vector.size_bytes).unwrap()])
        });
        Ok(rows.collect())
    }

    /// The deleted rows of one file with these columns.
    async fn one(&mut self, kinds: &[KeyColumn], keys: &Columns, data: &Columns) -> Result<Vec<u64>, Error> {
        self.put("keys", &parquet(keys));
        self.put("data", &parquet(data));
        self.kept = Kept::new();
        let rows = self.rows(&[delete("keys", kinds, 2, 9)], &[data_file("data", 1, &[0])]).await?;
        Ok(rows[0].iter().copied().collect())
    }
}

fn delete(key: &str, columns: &[KeyColumn], sequence_number: i64, record_count: u64) -> DeleteFile {
    DeleteFile {
        path: format!("s3://{BUCKET}/{key}"),
        key: key.to_owned(),
        format: "parquet".to_owned(),
        record_count,
        content_offset: None,
        content_size_bytes: None,
        only: None,
        equality: Some(Equality { columns: columns.into(), scope: 0, sequence_number }),
    }
}

fn data_file(key: &str, sequence_number: i64, deletes: &[usize]) -> DataFile {
    DataFile {
        path: format!("s3://{BUCKET}/{key}"),
        row_count: 1_000,
        deletes: deletes.to_vec(),
        scan: Some(Scan { key: key.to_owned(), sequence_number, size_bytes: 10, constants: Vec::new() }),
    }
}

fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn longs(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[tokio::test]
async fn numbers_are_equal_in_all_their_widths() {
    let mut lake = Lake::new();
    let decimals = |values: Vec<i128>, precision| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, 2).unwrap())
    };
    let doubles = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let floats = |values: Vec<f32>| -> ArrayRef { Arc::new(Float32Array::from(values)) };
    let day: ArrayRef = Arc::new(Date32Array::from(vec![-1, 2]));
    let moment: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![-86_400_000_000, 172_800_000_001, 172_800_000_000]));
    for (kind, keys, data, wanted) in [
        (Kind::Whole, ints(&[Some(-3), None]), longs(&[Some(3), Some(-3), None, Some(1 << 32)]), vec![1, 2]),
        (Kind::Whole, longs(&[Some(5), Some(5)]), ints(&[Some(5), Some(6), Some(5), None]), vec![0, 2]),
        (
            Kind::Float,
            floats(vec![0.5, f32::NAN, 0.0]),
            doubles(vec![f64::NAN, 0.5, -0.0, 0.0, 0.1]),
            vec![0, 1, 3],
        ),
        (Kind::Float, doubles(vec![-0.0, -f64::NAN]), floats(vec![0.0, -0.0, f32::NAN]), vec![1, 2]),
        (
            Kind::Decimal { scale: 2 },
            decimals(vec![1_420, -1], 9),
            decimals(vec![-1, 142, 1_420], 30),
            vec![0, 2],
        ),
        (Kind::Moment { is_nanos: false }, day, moment, vec![0, 2]),
    ] {
        let found = lake.one(&[column(1, kind)], &vec![(1, keys)], &vec![(1, data)]).await.unwrap();
        assert_eq!(found, wanted, "{kind:?}");
    }
}

#[tokio::test]
async fn columns_are_found_by_id_in_structs_too() {
    let mut lake = Lake::new();
    let inner = |values: &[Option<i32>], nulls: Option<Vec<bool>>| -> ArrayRef {
        let fields = Fields::from(vec![field(3, &DataType::Int32)]);
        Arc::new(StructArray::try_new(fields, vec![ints(values)], nulls.map(NullBuffer::from)).unwrap())
    };
    let keys = vec![(2, inner(&[Some(1), None], None))];
    let data = vec![
        (9, ints(&[Some(1), Some(1), Some(1), Some(1)])),
        (2, inner(&[Some(7), Some(1), None, Some(7)], Some(vec![true, true, true, false]))),
    ];
    assert_eq!(lake.one(&[column(3, Kind::Whole)], &keys, &data).await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn what_a_file_lacks_is_null_or_told_by_its_partition() {
    let lake = Lake::new();
    lake.put("data", &parquet(&vec![(1, ints(&[Some(1), Some(2)]))]));
    lake.put("keys", &parquet(&vec![(1, ints(&[Some(1), Some(2)])), (2, ints(&[None, Some(5)]))]));
    let kinds = [column(1, Kind::Whole), column(2, Kind::Whole)];
    let deletes = [delete("keys", &kinds, 2, 2)];
    let with = |constants: Vec<(i32, Part)>| {
        let mut file = data_file("data", 1, &[0]);
        file.scan.as_mut().unwrap().constants = constants;
        [file]
    };
    assert_eq!(lake.rows(&deletes, &with(Vec::new())).await.unwrap(), [BTreeSet::from([0])]);
    let lake = Lake { kept: Kept::new(), ..lake };
    assert_eq!(lake.rows(&deletes, &with(vec![(2, Part::number(5))])).await.unwrap(), [BTreeSet::from([1])]);
    let lake = Lake { kept: Kept::new(), ..lake };
    let defaulted = KeyColumn { has_default: true, ..column(2, Kind::Whole) };
    let deletes = [delete("keys", &[column(1, Kind::Whole), defaulted], 2, 2)];
    let error = lake.rows(&deletes, &with(Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_later_version_looks_for_new_keys_only() {
    let lake = Lake::new();
    lake.put("data", &parquet(&vec![(1, ints(&[Some(1), Some(2), Some(3)]))]));
    for (name, key) in [("one", 1), ("two", 2)] {
        lake.put(name, &parquet(&vec![(1, ints(&[Some(key)]))]));
    }
    let kinds = [column(1, Kind::Whole)];
    let deletes = [delete("one", &kinds, 2, 1), delete("two", &kinds, 3, 1)];
    let (first, both) = ([data_file("data", 1, &[0])], [data_file("data", 1, &[0, 1])]);
    assert_eq!(lake.rows(&deletes, &first).await.unwrap(), [BTreeSet::from([0])]);
    lake.put("one", b"");
    assert_eq!(lake.rows(&deletes, &both).await.unwrap(), [BTreeSet::from([0, 1])]);
    lake.put("data", b"");
    assert_eq!(lake.rows(&deletes, &both).await.unwrap(), [BTreeSet::from([0, 1])]);
    let error = lake.rows(&deletes, &first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "the version before knew less: {error}");
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_read() {
    let lake = Lake::new();
    let kinds = [column(1, Kind::Whole)];
    let many = delete("none", &kinds, 2, EQUALITY_KEYS_MAX as u64 + 1);
    let error = lake.rows(&[many], &[data_file("data", 1, &[0])]).await.unwrap_err();
    assert!(matches!(error, Error::ManyKeys) && error.kind() == ErrorKind::Unsupported);
    let mut long = data_file("data", 1, &[0]);
    long.scan.as_mut().unwrap().size_bytes = SCANNED_BYTES_MAX + 1;
    let error = lake.rows(&[delete("none", &kinds, 2, 1)], &[long]).await.unwrap_err();
    assert!(matches!(error, Error::LongScan) && error.to_string().contains("compact the table"));
}

#[tokio::test]
async fn what_is_no_file_of_keys_is_an_error() {
    let mut lake = Lake::new();
    let (kinds, keys) = ([column(1, Kind::Whole)], vec![(1, ints(&[Some(1)]))]);
    let text: Columns = vec![(1, Arc::new(StringArray::from(vec!["1"])))];
    for (keys, data) in
        [(vec![(2, ints(&[Some(1)]))], keys.clone()), (keys.clone(), text.clone()), (text, keys)]
    {
        let error = lake.one(&kinds, &keys, &data).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let orc = DeleteFile { format: "ORC".to_owned(), ..delete("keys", &kinds, 2, 1) };
    let refused = lake.rows(&[orc], &[data_file("data", 1, &[0])]).await.unwrap_err();
    assert!(refused.to_string().contains("has the format ORC"), "{refused}");
}

/// A row of a nullable number and a nullable text, of few values.
fn row() -> impl Strategy<Value = (Option<i32>, Option<&'static str>)> {
    (prop::option::of(0..4), prop::option::of(prop::sample::select(vec!["", "a", "b"])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_are_deleted_as_a_walk_through_all_finds(
        files in prop::collection::vec((prop::collection::vec(row(), 1..20), 1_i64..5), 1..4),
        deletes in prop::collection::vec((prop::collection::vec(row(), 1..4), 1_i64..6, 0_usize..3, any::<bool>()), 1..6),
        seen in any::<u8>(),
    ) {
        let columns = |rows: &[(Option<i32>, Option<&str>)], is_wide: bool| -> Columns {
            let numbers = rows.iter().map(|(number, _)| number.map(i64::from)).collect::<Vec<_>>();
            let narrow = rows.iter().map(|(number, _)| *number).collect::<Vec<_>>();
            let texts = rows.iter().map(|(_, text)| *text).collect::<StringArray>();
            vec![(2, Arc::new(texts)), (1, if is_wide { longs(&numbers) } else { ints(&narrow) })]
        };
        let lake = Lake::new();
        let (number, text) = (column(1, Kind::Whole), column(2, Kind::Bytes));
        let sets = [vec![number.clone()], vec![text.clone()], vec![number, text]];
        let mut delete_files = Vec::new();
        for (index, (rows, sequence_number, set, is_wide)) in deletes.iter().enumerate() {
            let key = format!("keys{index}");
            lake.put(&key, &parquet(&columns(rows, *is_wide)));
            delete_files.push(delete(&key, &sets[*set], *sequence_number, rows.len() as u64));
        }
        // What an earlier version saw, then all.
        for visible in [seen, u8::MAX] {
            let (mut data_files, mut wanted) = (Vec::new(), Vec::new());
            for (index, (rows, sequence_number)) in files.iter().enumerate() {
                let key = format!("data{index}");
                lake.put(&key, &parquet(&columns(rows, index % 2 == 0)));
                let applies = |number: &usize| deletes[*number].1 > *sequence_number && visible >> number & 1 == 1;
                let of: Vec<usize> = (0..deletes.len()).filter(applies).collect();
                let is_deleted = |row: &(Option<i32>, Option<&str>)| of.iter().any(|&number| {
                    let (keys, _, set, _) = &deletes[number];
                    keys.iter().any(|key| match set {
                        0 => key.0 == row.0,
                        1 => key.1 == row.1,
                        _ => key == row,
                    })
                });
                wanted.push((0_u64..).zip(rows).filter(|(_, row)| is_deleted(row)).map(|(at, _)| at).collect::<BTreeSet<_>>());
                let file = data_file(&key, *sequence_number, &of);
                data_files.push(DataFile { scan: file.scan.filter(|_| !of.is_empty()), ..file });
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let found = runtime.block_on(lake.rows(&delete_files, &data_files)).unwrap();
            prop_assert_eq!(found, wanted);
        }
    }
}
