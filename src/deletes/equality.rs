//! Equality deletes, resolved to positions.
//!
//! An equality delete file holds keys: a row of an older data file is deleted if its values in the key columns are one of
//! them. So the key columns of data files are read, and nothing else of them. How much this may be is known from the
//! manifests and bounded before anything is read. What was found in a data file is kept: a later version looks only for
//! the keys of delete files that are new.
//!
//! Source: the Iceberg table specification, "Equality Delete Files" and "Scan Planning".

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use tokio::task::spawn_blocking;

use super::error::Error;
use super::files::{DataFile, DeleteFile, Equality, Scan, Source};
use super::kept::{Found, Kept, Place, Scanned};
use super::key_reader::{Fault, Plan};
use super::keys::{Key, KeyColumn};
use super::pieces::Pieces;
use super::positions::Positions;
use crate::limits::deletes::{
    DELETE_FILE_BYTES_MAX, DELETE_FILES_AT_ONCE, EQUALITY_KEYS_MAX, SCANNED_AT_ONCE_BYTES, SCANNED_BYTES_MAX,
    SCANNED_FILES_MAX, SCANS_READ_AT_ONCE,
};
use crate::side_by_side;
use crate::storage::parquet_footer;
use crate::table::path_digest::{DigestIsHash, PathDigest};

/// Columns of keys, and the files that they apply to.
type Group = (Arc<[KeyColumn]>, usize);

/// The greatest sequence number with which a key is deleted.
type Deleted = hashbrown::HashMap<Key, i64, DigestIsHash>;

/// A data file that has to be read.
struct Task<'a> {
    at: usize,
    file: &'a DataFile,
    scan: &'a Scan,
    /// All delete files that apply to it.
    deletes: Vec<PathDigest>,
    /// The numbers of those that are looked for.
    wanted: Vec<usize>,
    /// What is known of the others.
    before: Option<Arc<Scanned>>,
}

/// The rows that equality deletes delete, with the places of their data files.
///
/// # Errors
/// [`Error`], as for other deletes; beyond the bounds before a data file is read.
pub(super) async fn read(
    source: &Source<'_>,
    kept: &Kept,
    delete_files: &[DeleteFile],
    data_files: &[DataFile],
) -> Result<Vec<(usize, Arc<Scanned>)>, Error> {
    let digests: Vec<Option<PathDigest>> =
        delete_files.iter().map(|file| file.equality.as_ref().map(|_| digest(source, &file.key))).collect();
    let (mut found, mut tasks) = (Vec::new(), Vec::new());
    for (at, file) in data_files.iter().enumerate() {
        let Some(scan) = &file.scan else { continue };
        let mut of: Vec<(PathDigest, usize)> =
            file.deletes.iter().filter_map(|&number| Some(((*digests.get(number)?)?, number))).collect();
        of.sort_unstable();
        let before = kept.scanned(digest(source, &scan.key));
        // What was found with other delete files may be too much.
        let is_wanted = |one: &PathDigest| of.binary_search_by_key(one, |(digest, _)| *digest).is_ok();
        let before = before.filter(|before| before.deletes.iter().all(is_wanted));
        let is_new = |one: PathDigest| before.as_ref().is_none_or(|before| !before.is_of(one));
        let wanted: Vec<usize> =
            of.iter().filter(|(digest, _)| is_new(*digest)).map(|(_, number)| *number).collect();
        match before {
            Some(before) if wanted.is_empty() => found.push((at, before)),
            before => {
                let deletes = of.into_iter().map(|(digest, _)| digest).collect();
                tasks.push(Task { at, file, scan, deletes, wanted, before });
            }
        }
    }
    check(delete_files, &tasks)?;
    let keys = Arc::new(load_keys(source, kept, delete_files, &tasks).await?);
    for batch in batches(&tasks) {
        for (task, rows) in batch.iter().zip(scan(source, delete_files, &keys, batch).await?) {
            let scanned = Arc::new(task.scanned(rows));
            kept.put_scanned(digest(source, &task.scan.key), &scanned);
            found.push((task.at, scanned));
        }
    }
    Ok(found)
}

fn digest(source: &Source<'_>, key: &str) -> PathDigest {
    PathDigest::of(format!("{}\0{key}", source.bucket).as_bytes())
}

impl Task<'_> {
    /// What is known of the file afterwards.
    fn scanned(&self, mut rows: Positions) -> Scanned {
        if let Some(before) = &self.before {
            rows.merge(&before.rows, self.file.row_count);
        }
        Scanned { deletes: self.deletes.clone(), rows }
    }
}

/// Looks whether it is not too much.
fn check(delete_files: &[DeleteFile], tasks: &[Task<'_>]) -> Result<(), Error> {
    let bytes = tasks.iter().fold(0_u64, |sum, task| sum.saturating_add(task.scan.size_bytes));
    if bytes > SCANNED_BYTES_MAX || tasks.len() > SCANNED_FILES_MAX {
        return Err(Error::LongScan);
    }
    let of = wanted(tasks).filter_map(|number| delete_files.get(number));
    let rows = of.fold(0_u64, |sum, file| sum.saturating_add(file.record_count));
    if rows > EQUALITY_KEYS_MAX as u64 { Err(Error::ManyKeys) } else { Ok(()) }
}

/// The delete files whose keys are looked for, each once.
fn wanted<'t>(tasks: &'t [Task<'_>]) -> impl Iterator<Item = usize> + use<'t> {
    let numbers: std::collections::BTreeSet<usize> =
        tasks.iter().flat_map(|task| task.wanted.iter().copied()).collect();
    numbers.into_iter()
}

/// The keys of all delete files that are wanted.
async fn load_keys(
    source: &Source<'_>,
    kept: &Kept,
    delete_files: &[DeleteFile],
    tasks: &[Task<'_>],
) -> Result<HashMap<Group, Deleted>, Error> {
    let (mut loads, mut files) = (Vec::new(), Vec::new());
    for number in wanted(tasks) {
        let file = delete_files.get(number);
        if let Some((file, equality)) = file.and_then(|file| Some((file, file.equality.as_ref()?))) {
            loads.push(load_file(source, kept, file, equality));
            files.push(equality);
        }
    }
    let mut loads = stream::iter(loads).buffered(DELETE_FILES_AT_ONCE);
    let mut all: HashMap<Group, Deleted> = HashMap::new();
    let mut count = 0;
    for equality in files {
        let found = loads.next().await.ok_or(Error::BrokenOff)??;
        let Found::Keys(keys) = &*found else { return Err(Error::BrokenOff) };
        count += keys.len();
        if count > EQUALITY_KEYS_MAX {
            return Err(Error::ManyKeys);
        }
        let deleted = all.entry((Arc::clone(&equality.columns), equality.scope)).or_default();
        for key in keys {
            let number = deleted.entry(*key).or_insert(equality.sequence_number);
            *number = equality.sequence_number.max(*number);
        }
    }
    Ok(all)
}

/// Reads an equality delete file, unless it is kept.
async fn load_file(
    source: &Source<'_>,
    kept: &Kept,
    file: &DeleteFile,
    equality: &Equality,
) -> Result<Arc<Found>, Error> {
    if !file.format.eq_ignore_ascii_case("parquet") {
        return Err(Error::Format { path: file.path.clone(), format: file.format.clone() });
    }
    let place = Place { bucket: source.bucket.to_owned(), key: file.key.clone(), offset: None };
    if let Some(found) = kept.get(&place) {
        return Ok(found);
    }
    let bytes = source.buckets.read_whole(source.bucket, &file.key, DELETE_FILE_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| Error::of_file(error, &file.path))?;
    let columns = Arc::clone(&equality.columns);
    let read =
        spawn_blocking(move || guarded(|| keys(bytes, &columns))).await.map_err(|_| Error::BrokenOff)?;
    let keys = read.map_err(|source| Error::Keys { path: file.path.clone(), source })?;
    let found = Arc::new(Found::Keys(keys));
    kept.put(place, &found);
    Ok(found)
}

/// The keys of a delete file.
fn keys(bytes: Bytes, columns: &[KeyColumn]) -> Result<Vec<Key>, Fault> {
    let metadata = ArrowReaderMetadata::load(&bytes, options())?;
    let plan = Plan::of(metadata.parquet_schema(), &[columns], &|_| None)?;
    let rows = metadata.metadata().file_metadata().num_rows();
    if usize::try_from(rows).unwrap_or(usize::MAX) > EQUALITY_KEYS_MAX {
        return Err(Fault::TooMany);
    }
    let mut keys = Vec::new();
    plan.read(bytes, metadata, &mut |_, _, key| keys.push(key))?;
    Ok(keys)
}

/// The types of the file count, not those that its writer had in memory.
fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

/// Not every broken file makes the decoder, which is not ours, return an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Fault::DecoderGaveUp))
}

/// Data files whose key columns are in memory together.
fn batches<'t, 'a>(tasks: &'t [Task<'a>]) -> impl Iterator<Item = &'t [Task<'a>]> {
    let mut sum = 0_u64;
    tasks.chunk_by(move |task, next| {
        sum = sum.saturating_add(task.scan.size_bytes);
        let fits = sum.saturating_add(next.scan.size_bytes) <= SCANNED_AT_ONCE_BYTES;
        if !fits {
            sum = 0;
        }
        fits
    })
}

/// A data file as far as it is read.
struct Loaded {
    path: String,
    metadata: ArrowReaderMetadata,
    plan: Plan,
    pieces: Pieces,
    /// The keys that are looked for, by the sets of the plan.
    groups: Vec<Group>,
    sequence_number: i64,
}

/// The rows of each of these files that are deleted.
async fn scan(
    source: &Source<'_>,
    delete_files: &[DeleteFile],
    keys: &Arc<HashMap<Group, Deleted>>,
    tasks: &[Task<'_>],
) -> Result<Vec<Positions>, Error> {
    let mut loads = Vec::new();
    for task in tasks {
        loads.push(load(source, delete_files, task));
    }
    let loaded: Vec<Loaded> = stream::iter(loads).buffered(SCANS_READ_AT_ONCE).try_collect().await?;
    let keys = Arc::clone(keys);
    let scanning = spawn_blocking(move || {
        let loaded: Vec<_> = loaded.into_iter().map(|one| std::sync::Mutex::new(Some(one))).collect();
        side_by_side::each(&loaded, |one| {
            let one = one.lock().ok().and_then(|mut one| one.take()).ok_or(Error::BrokenOff)?;
            let path = one.path.clone();
            guarded(|| one.rows(&keys)).map_err(|source| Error::Scanned { path, source })
        })
    });
    scanning.await.map_err(|_| Error::BrokenOff)?
}

/// Reads the key columns of a data file.
async fn load(source: &Source<'_>, delete_files: &[DeleteFile], task: &Task<'_>) -> Result<Loaded, Error> {
    let Task { file, scan, wanted, .. } = task;
    let broken = |source| Error::Scanned { path: file.path.clone(), source };
    let store = source.buckets.open(source.bucket, "")?;
    let footer = parquet_footer::read(&store, &scan.key, &file.path).await?;
    let (footer, info) = footer.ok_or_else(|| broken(Fault::NoFooter))?;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer).map_err(Fault::from).map_err(broken)?;
    let groups: BTreeMap<(Vec<i32>, usize), Group> = wanted
        .iter()
        .filter_map(|&number| {
            let equality = delete_files.get(number)?.equality.as_ref()?;
            let ids = equality.columns.iter().map(|column| column.id).collect();
            Some(((ids, equality.scope), (Arc::clone(&equality.columns), equality.scope)))
        })
        .collect();
    let groups: Vec<Group> = groups.into_values().collect();
    let sets: Vec<&[KeyColumn]> = groups.iter().map(|(columns, _)| &**columns).collect();
    let plan = Plan::of(metadata.file_metadata().schema_descr(), &sets, &|column| scan.absent(column));
    let plan = plan.map_err(broken)?;
    let ranges = ranges(&metadata, &plan);
    let bytes = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.end - range.start));
    // What manifests say of sizes may be wrong.
    if bytes > SCANNED_BYTES_MAX {
        return Err(Error::LongScan);
    }
    let mut list = Vec::new();
    for range in ranges {
        list.push((range.start, store.read_range(&scan.key, &info, range).await?));
    }
    let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options()).map_err(Fault::from);
    Ok(Loaded {
        path: file.path.clone(),
        metadata: metadata.map_err(broken)?,
        plan,
        pieces: Pieces { size_bytes: info.size_bytes, list },
        groups,
        sequence_number: scan.sequence_number,
    })
}

/// Where the columns of a plan lie.
fn ranges(metadata: &ParquetMetaData, plan: &Plan) -> Vec<std::ops::Range<u64>> {
    let leaves = plan.leaves();
    let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
        let chunks = leaves.iter().filter_map(|&leaf| group.columns().get(leaf));
        let range = |chunk: &parquet::file::metadata::ColumnChunkMetaData| {
            let (start, length) = chunk.byte_range();
            start..start.saturating_add(length)
        };
        chunks.map(range).collect::<Vec<_>>()
    };
    metadata.row_groups().iter().flat_map(of_group).collect()
}

impl Loaded {
    fn rows(self, keys: &HashMap<Group, Deleted>) -> Result<Positions, Fault> {
        let deleted: Vec<Option<&Deleted>> = self.groups.iter().map(|group| keys.get(group)).collect();
        let mut found: Vec<u64> = Vec::new();
        let mut rows = Positions::default();
        self.plan.read(self.pieces, self.metadata, &mut |set, row, key| {
            let number = deleted.get(set).copied().flatten().and_then(|deleted| deleted.get(&key));
            if number.is_some_and(|number| *number > self.sequence_number) {
                found.push(row);
                if found.len() >= 1 << 16 {
                    rows.add(&found);
                    found.clear();
                }
            }
        })?;
        rows.add(&found);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
