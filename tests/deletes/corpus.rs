//! What is left of tables with deletes is what their writers read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use lakeshare::deletes;
use lakeshare::deletes::files::{DataFile, DeleteFile, Source};
use lakeshare::deletes::kept::Kept;
use lakeshare::encode::z85;
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::manifest::codec::Unpacker;
use lakeshare::manifest::entries::Manifest;
use lakeshare::manifest::entry::{Entry, FileContent, Inherited};
use lakeshare::manifest::error::Error;
use lakeshare::manifest::manifest_list::{Content, ManifestList};
use lakeshare::scan::deletes::{Deletes, only_file};
use lakeshare::storage::Buckets;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use roaring::RoaringTreemap;
use serde_json::Value;

use crate::delta::corpus::corpus;
use crate::delta::log_builder::block_on;

/// With position deletes of one file, of a partition, deletion vectors, or several kinds after each other.
const TABLES: &[&str] = &[
    "ddbi__legacy_bare_deletion_vector",
    "spark40__compacted",
    "spark40__partition_evolution",
    "spark40__v2_pos_deletes_file",
    "spark40__v2_pos_deletes_partition",
    "spark40__v3_dv",
    "spark40__v3_upgrade",
];

struct Table {
    folder: PathBuf,
    /// What its paths begin with.
    location: String,
    metadata: TableMetadata,
    expected: Value,
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn table(name: &str) -> Table {
    let expected = json(&corpus().join(format!("expected/iceberg/{name}.json")));
    let told = json(&corpus().join("CORPUS.json"))["tables"][format!("iceberg/{name}")].clone();
    let folder = corpus().join("iceberg").join(name);
    let file = folder.join(expected["metadata_file"].as_str().unwrap());
    Table {
        folder,
        location: told["original_location"].as_str().unwrap().to_owned(),
        metadata: TableMetadata::parse(&std::fs::read(file).unwrap()).unwrap(),
        expected,
    }
}

impl Table {
    fn key(&self, path: &str) -> String {
        path.strip_prefix(&self.location).unwrap_or_else(|| panic!("{path}")).trim_matches('/').to_owned()
    }

    fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(self.key(path))).unwrap()
    }

    /// Calls `visit` with each live file of one kind, and the spec of its manifest.
    fn each(&self, list: &str, content: Content, visit: &mut dyn FnMut(&Entry<'_>, i32)) {
        let list = self.read(list);
        let mut manifests = Vec::new();
        let read = ManifestList::open(&list).unwrap().each(&mut Unpacker::new(), |file| {
            let inherited = Inherited {
                snapshot_id: file.added_snapshot_id,
                sequence_number: file.sequence_number,
                first_row_id: file.first_row_id,
            };
            if file.content == content {
                manifests.push((file.path.to_owned(), file.partition_spec_id, inherited));
            }
            Ok::<_, Error>(())
        });
        read.unwrap();
        for (path, spec_id, inherited) in manifests {
            let bytes = self.read(&path);
            let read = Manifest::open(&bytes).unwrap().each(inherited, &mut Unpacker::new(), |entry| {
                if entry.is_live() {
                    visit(entry, spec_id);
                }
                Ok::<_, Error>(())
            });
            read.unwrap();
        }
    }

    /// The files of a snapshot with their deleted rows.
    fn files(&self, snapshot_id: i64, kept: &Kept, buckets: &Buckets) -> Vec<(DataFile, RoaringTreemap)> {
        let list = self.metadata.snapshot(snapshot_id).unwrap().manifest_list().unwrap();
        let (mut applying, mut delete_files, mut data_files) = (Deletes::default(), Vec::new(), Vec::new());
        self.each(&list, Content::Deletes, &mut |entry, spec_id| {
            assert_eq!(entry.content, FileContent::PositionDeletes);
            applying.add(entry, spec_id, false);
            delete_files.push(DeleteFile {
                path: entry.file_path.to_owned(),
                key: self.key(entry.file_path),
                format: entry.file_format.to_owned(),
                record_count: entry.record_count as u64,
                content_offset: entry.content_offset,
                content_size_bytes: entry.content_size_bytes,
                only: only_file(entry).map(str::to_owned),
                equality: None,
            });
        });
        self.each(&list, Content::Data, &mut |entry, spec_id| {
            data_files.push(DataFile {
                path: entry.file_path.to_owned(),
                row_count: entry.record_count as u64,
                deletes: applying.of(entry, spec_id),
                scan: None,
            });
        });
        let source = Source { buckets, bucket: "table" };
        let vectors = block_on(deletes::read(&source, kept, &delete_files, &data_files)).unwrap();
        let rows = vectors.iter().map(|vector| {
            let Some(vector) = vector else { return RoaringTreemap::new() };
            let bytes = z85::decode(vector.text.as_bytes()).unwrap();
            // As the kernel of Delta reads it: what fills it up is left over.
            let rows = RoaringTreemap::deserialize_from(&bytes[4..]).unwrap();
            assert_eq!((bytes[..4].to_vec(), rows.len()), (vec![0xD1, 0xD3, 0x39, 0x64], vector.cardinality));
            rows
        });
        let rows: Vec<RoaringTreemap> = rows.collect();
        data_files.into_iter().zip(rows).collect()
    }

    /// Rows that are left, and the sum of each column of whole numbers.
    fn left(&self, files: &[(DataFile, RoaringTreemap)]) -> (u64, BTreeMap<String, i128>) {
        let (mut count, mut sums) = (0, BTreeMap::new());
        for (file, deleted) in files {
            let bytes = bytes::Bytes::from(self.read(&file.path));
            let mut row = 0;
            for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
                let batch = batch.unwrap();
                let left: Vec<usize> =
                    (0..batch.num_rows()).filter(|at| !deleted.contains(row + *at as u64)).collect();
                row += batch.num_rows() as u64;
                count += left.len() as u64;
                add(&batch, &left, &mut sums);
            }
            assert_eq!(row, file.row_count);
        }
        (count, sums)
    }
}

fn add(batch: &RecordBatch, rows: &[usize], sums: &mut BTreeMap<String, i128>) {
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let longs = column.as_primitive_opt::<Int64Type>();
        let ints = column.as_primitive_opt::<Int32Type>();
        let value = |row: &usize| match (longs, ints) {
            _ if column.is_null(*row) => 0,
            (Some(longs), _) => i128::from(longs.value(*row)),
            (_, Some(ints)) => i128::from(ints.value(*row)),
            _ => 0,
        };
        if longs.is_some() || ints.is_some() {
            *sums.entry(field.name().clone()).or_default() += rows.iter().map(value).sum::<i128>();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place)
        } else {
            drop(std::fs::copy(entry.path(), place))
        }
    }
}

#[test]
fn what_is_left_of_every_table_is_what_its_writers_read() {
    let mut snapshots = 0;
    let mut with_deletes = BTreeSet::new();
    for name in TABLES {
        let table = table(name);
        let dir = tempfile::tempdir().unwrap();
        copy(&table.folder, &dir.path().join("table"));
        let (buckets, kept) = (Buckets::embedded(dir.path().to_owned()), Kept::new());
        for snapshot in table.expected["snapshots"].as_array().unwrap() {
            let Some(row_count) = snapshot["num_rows"].as_u64() else { continue };
            let files =
                table.files(snapshot["snapshot_id"].as_str().unwrap().parse().unwrap(), &kept, &buckets);
            let left: u64 = files.iter().map(|(file, deleted)| file.row_count - deleted.len()).sum();
            assert_eq!(left, row_count, "{name} {snapshot}");
            snapshots += 1;
        }
        let current = table.expected["current_snapshot_id"].as_str().unwrap().parse().unwrap();
        let files = table.files(current, &kept, &buckets);
        let told: BTreeSet<String> = table.expected["files"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|file| file["deletes"].as_array().is_some_and(|deletes| !deletes.is_empty()))
            .map(|file| file["path"].as_str().unwrap().to_owned())
            .collect();
        let found = files.iter().filter(|(_, deleted)| !deleted.is_empty());
        let found: BTreeSet<String> = found.map(|(file, _)| table.key(&file.path)).collect();
        // A delete file of a partition may name none of a file's rows.
        assert!(found.is_subset(&told), "{name}");
        with_deletes.extend(found);
        let (count, sums) = table.left(&files);
        assert_eq!(Some(count), table.expected["num_rows"].as_u64(), "{name}");
        for (column, expected) in table.expected["columns"].as_object().unwrap() {
            if let (Some(sum), "int" | "bigint") = (sums.get(column), expected["type"].as_str().unwrap()) {
                assert_eq!(Some(sum.to_string().as_str()), expected["sum"].as_str(), "{name} {column}");
            }
        }
    }
    assert!(snapshots > 30 && with_deletes.len() > 20, "{snapshots} snapshots, {} files", with_deletes.len());
}
