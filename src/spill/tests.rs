//! What is kept comes back, and what is damaged does not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::manifest::Tip;
use super::*;
use crate::storage::table_store::ObjectInfo;
use crate::table::deletion_vector::{DeletionVector, Place as In};
use crate::table::file_list::Block;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::{PathDigest, PathDigests};
use crate::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use crate::table::snapshot::{Metadata, Protocol};

const FILES: usize = 10_000;

struct Disk {
    dir: TempDir,
    runtime: Runtime,
}

impl Disk {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Self { dir: tempfile::tempdir().unwrap(), runtime }
    }

    fn open(&self) -> Spill {
        self.open_with(1 << 30)
    }

    fn open_with(&self, bytes_max: u64) -> Spill {
        let control = self.runtime.handle().clone();
        Spill::open(self.dir.path(), bytes_max, control, Clock::fixed(1_000)).unwrap()
    }

    fn restore(&self, spill: &Spill, table: &str, wanted: Option<Version>) -> Option<Kept> {
        self.runtime.block_on(spill.restore(&source(table), wanted))
    }

    fn files(&self, folder: &str) -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(self.dir.path().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Until all that was asked for is done.
fn settle(spill: &Spill) {
    while spill.shared.queue.is_busy() {
        std::thread::yield_now();
    }
}

fn keep(spill: &Spill, table: &str, kept: &Kept) {
    spill.keep(&source(table), kept);
    settle(spill);
}

fn source(table: &str) -> TableSource {
    TableSource::Delta { bucket: "b".to_owned(), location: table.to_owned() }
}

fn builder(numbers: impl Iterator<Item = usize>) -> FileListBuilder {
    let mut builder = FileListBuilder::default();
    for number in numbers {
        // Some names are spelled differently in URLs.
        let path =
            format!("d={}/part-{number}{}.parquet", number % 9, if number % 5 == 4 { " ä" } else { "" });
        let has_more = number % 7 == 6;
        let vector = DeletionVector { place: In::Inline(b"dv"), offset: None, size_bytes: 1, cardinality: 2 };
        builder.push(&NewFile {
            path: FilePath::plain(&path),
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: number as u64,
            modification_time_ms: 7,
            partition_values: b"{}",
            statistics: StatisticsText::Raw("{}"),
            record_count: has_more.then_some(9),
            deletion_vector: has_more.then_some(vector),
            row_ids: RowIds { base: has_more.then_some(3), default_commit_version: None },
        });
    }
    builder
}

fn copy(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(json);
}

fn kept_of(version: Version, files: FileList) -> Kept {
    let protocol = Protocol {
        min_reader_version: 1,
        min_writer_version: 2,
        reader_features: None,
        writer_features: None,
    };
    let metadata = Metadata {
        id: "id".to_owned(),
        name: Some("\u{0}ä".to_owned()),
        description: None,
        format_provider: "parquet".to_owned(),
        format_options: [("a".to_owned(), "b".to_owned())].into(),
        schema_string: "{}".to_owned(),
        partition_columns: vec!["d".to_owned()],
        configuration: [].into(),
        created_time_ms: Some(-1),
    };
    let snapshot = Snapshot { version, commit_timestamp_ms: 17, protocol, metadata, files };
    let info = ObjectInfo { size_bytes: 3, modified_ms: -4, tag: Some("t".to_owned()) };
    Kept { snapshot: Arc::new(snapshot), tip: Tip { key: format!("_delta_log/{version}"), info } }
}

fn first() -> Kept {
    kept_of(1, FileList::new(builder(0..FILES).finish(&mut copy)))
}

/// The version after, with a file less and a file more.
fn next(before: &Kept) -> Kept {
    let mut settled = PathDigests::default();
    settled.insert(PathDigest::of(b"d=3/part-3.parquet"));
    let files = before.snapshot.files.successor(&settled, builder(FILES..=FILES), &mut copy);
    kept_of(before.snapshot.version + 1, files)
}

fn told(kept: &Kept) -> (Vec<String>, String) {
    let Snapshot { version, commit_timestamp_ms, protocol, metadata, files } = &*kept.snapshot;
    let mut block = Block::default();
    let mut lines = Vec::new();
    for index in 0..files.block_count() {
        lines.extend(files.read_block(index, &mut block).map(|file| format!("{file:?}")));
    }
    let sums = (files.file_count(), files.size_bytes());
    let rest = format!("{version} {commit_timestamp_ms} {protocol:?} {metadata:?} {sums:?} {:?}", kept.tip);
    (lines, rest)
}

#[test]
fn a_version_comes_back_in_another_process_as_it_was() {
    let disk = Disk::new();
    let versions = first();
    let versions = [next(&versions), versions];
    keep(&disk.open(), "t", &versions[1]);
    let spill = disk.open();
    settle(&spill);
    assert!(disk.restore(&spill, "other", None).is_none());
    assert!(disk.restore(&spill, "t", Some(2)).is_none());
    let restored = disk.restore(&spill, "t", Some(1)).unwrap();
    assert_eq!(told(&restored), told(&versions[1]));
    let again = disk.restore(&spill, "t", None).unwrap();
    let segment = |kept: &Kept| kept.snapshot.files.parts().next().unwrap().segment;
    assert!(Arc::ptr_eq(&segment(&restored), &segment(&again)), "what is in memory is not read again");
    let before = disk.files("segments");
    keep(&spill, "t", &next(&restored));
    let after = disk.files("segments");
    assert_eq!((before.len(), after.len()), (1, 2), "a commit writes a small segment");
    assert!(after.is_superset(&before));
    drop((restored, again, spill));
    let restored = disk.restore(&disk.open(), "t", None).unwrap();
    assert_eq!(told(&restored), told(&versions[0]));
}

#[test]
fn segments_that_no_version_holds_are_removed() {
    let disk = Disk::new();
    let spill = disk.open();
    keep(&spill, "t", &first());
    let other = kept_of(2, FileList::new(builder(5..FILES + 5).finish(&mut copy)));
    keep(&spill, "t", &other);
    assert_eq!((disk.files("segments").len(), disk.files("manifests").len()), (1, 1));
    fs::write(disk.dir.path().join(format!("segments/{:032x}", 10)), "of a version that was never finished")
        .unwrap();
    fs::write(disk.dir.path().join("tmp/77"), "of a server that died").unwrap();
    drop(spill);
    let spill = disk.open();
    settle(&spill);
    assert_eq!(disk.files("segments").len(), 1);
    assert_eq!(told(&disk.restore(&spill, "t", None).unwrap()), told(&other));
    assert!(!disk.dir.path().join("tmp/77").exists());
}

#[test]
fn small_tables_leave_no_files() {
    let disk = Disk::new();
    let spill = disk.open();
    assert_eq!(FILES as u64, SPILL_FILES_MIN);
    let list = |count| kept_of(1, FileList::new(builder(0..count).finish(&mut copy)));
    keep(&spill, "t", &list(FILES - 1));
    assert!(!disk.dir.path().join("manifests").exists());
    keep(&spill, "t", &list(FILES));
    assert_eq!(disk.files("manifests").len(), 1);
    keep(&spill, "t", &list(FILES - 1));
    assert_eq!((disk.files("segments").len(), disk.files("manifests").len()), (0, 0), "it has become small");
}

#[test]
fn the_least_recently_used_table_leaves_when_the_disk_is_full() {
    let disk = Disk::new();
    let size = {
        let spill = disk.open();
        keep(&spill, "a", &kept_of(1, FileList::new(builder(0..FILES).finish(&mut copy))));
        let path = disk.files("segments").pop_first().unwrap();
        fs::metadata(path).unwrap().len()
    };
    let spill = disk.open_with(size * 5 / 2);
    settle(&spill);
    let of = |start| kept_of(1, FileList::new(builder(start..start + FILES).finish(&mut copy)));
    keep(&spill, "b", &of(1));
    // A use of the older one; now the other is the older.
    assert!(disk.restore(&spill, "a", None).is_some());
    settle(&spill);
    keep(&spill, "c", &of(2));
    let there = |spill: &Spill| ["a", "b", "c"].map(|table| disk.restore(spill, table, None).is_some());
    assert_eq!(there(&spill), [true, false, true]);
    keep(&spill, "d", &kept_of(1, FileList::new(builder(0..4 * FILES).finish(&mut copy))));
    assert_eq!(there(&spill), [true, false, true], "what alone exceeds the budget is not written");
    drop(spill);
    let spill = disk.open_with(10);
    settle(&spill);
    assert_eq!(there(&spill), [false; 3], "a smaller budget holds from the start on");
    assert!(disk.files("segments").is_empty());
}

type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn whatever_is_damaged_is_refused_and_removed_and_can_be_written_again() {
    let disk = Disk::new();
    let kept = first();
    let half = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let flip_back = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let damages: [Damage<'_>; 6] = [&half, &Vec::clear, &flip(0), &flip(8), &flip(5_000), &flip_back];
    for (number, damage) in damages.iter().enumerate() {
        for folder in ["segments", "manifests"] {
            if (number, folder) == (4, "manifests") {
                continue;
            }
            // Both while the server runs, which knows its files, and before it starts.
            for is_running in [true, false] {
                let spill = disk.open();
                keep(&spill, "t", &kept);
                let path = disk.files(folder).pop_first().unwrap();
                let spill = is_running.then_some(spill);
                change(&path, |bytes| damage(bytes));
                let spill = spill.unwrap_or_else(|| disk.open());
                spill.shared.in_memory().clear();
                assert!(disk.restore(&spill, "t", None).is_none(), "{number} {folder}");
                settle(&spill);
                assert!(!path.exists() && disk.files("manifests").is_empty(), "{number} {folder}");
                keep(&spill, "t", &kept);
                assert_eq!(told(&disk.restore(&spill, "t", None).unwrap()), told(&kept));
            }
        }
    }
}

#[test]
fn a_manifest_of_another_key_or_table_is_of_no_use() {
    let disk = Disk::new();
    let foreign: [fn(&mut Head); 2] =
        [|head| head.key_check.replace_range(..1, "x"), |head| head.source = source("other")];
    for change_head in foreign {
        let spill = disk.open();
        keep(&spill, "t", &first());
        let path = disk.files("manifests").pop_first().unwrap();
        let (mut manifest, _) = Manifest::parse(&fs::read(&path).unwrap()).unwrap();
        change_head(&mut manifest.head);
        fs::write(&path, manifest.to_bytes().unwrap()).unwrap();
        assert!(disk.restore(&spill, "t", None).is_none());
        settle(&spill);
        assert!(!path.exists());
    }
}

/// `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn the_seeds_of_the_fuzz_targets_are_of_this_format() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let (manifest, segment) = (seeds.join("manifest/next"), seeds.join("segment_file/plain"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let disk = Disk::new();
        let spill = disk.open();
        keep(&spill, "t", &next(&first()));
        let bytes = fs::read(disk.files("manifests").pop_first().unwrap()).unwrap();
        fs::write(&manifest, bytes.split_last_chunk::<16>().unwrap().0).unwrap();
        let list = FileList::new(builder(0..40).finish(&mut copy));
        let place = Place::new(disk.dir.path());
        let (digest, _) = segment_file::write(&place, &list.parts().next().unwrap().segment).unwrap();
        fs::copy(place.segment(digest), &segment).unwrap();
    }
    let mut bytes = fs::read(manifest).unwrap();
    manifest::seal(&mut bytes);
    assert_eq!(Manifest::parse(&bytes).unwrap().0.head.version, 2);
    let bytes = fs::read(segment).unwrap();
    let (segment, _) = segment_file::parse(&mut bytes.as_slice(), bytes.len() as u64).unwrap();
    assert_eq!(segment.row_count(), 40);
}
