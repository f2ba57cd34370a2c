//! Which files of a snapshot lose rows, and which rows these are.
//!
//! What manifests become does not depend on deletes, so that versions share it. Where a snapshot has deletes, its manifests
//! are read once more for what says which of them apply to a file: its partition and its sequence number. That is
//! remembered, so that later versions read what is new; files that are newer than every delete are not looked at. Files
//! that lose rows leave their segments then.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use super::decode::each_live;
use super::error::{Error, Fault};
use super::identities::{Identities, Identity};
use super::key_columns::{KeyColumns, KeyFile};
use super::list::{Manifest, Source};
use super::manifests::Manifests;
use super::paths::Root;
use super::remembered::{Collector, Files, Names};
use crate::deletes;
use crate::deletes::files::{DataFile, DeleteFile, Equality, Scan};
use crate::deletes::positions::InlineVector;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::transform::Transform;
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{MANIFEST_BYTES_AT_ONCE, MANIFESTS_READ_AT_ONCE};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::entry::{Entry, FileContent};
use crate::manifest::partition::PartitionField;
use crate::scan::deletes::{Deletes, Partition, only_file};
use crate::side_by_side;
use crate::table::path_digest::PathDigest;

/// A file that loses rows.
#[derive(Debug)]
pub(super) struct Losing {
    /// Of its key.
    pub(super) digest: PathDigest,
    pub(super) vector: InlineVector,
    /// The number of its manifest among those of data.
    pub(super) manifest: usize,
}

/// The manifests of a snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists<'a> {
    pub(super) data: &'a [Manifest],
    pub(super) deletes: &'a [Manifest],
}

/// A data file that deletes apply to, with the digest of its key.
type Found = (PathDigest, DataFile);

/// A manifest, and its number among those of its list.
type Numbered = (usize, Manifest);

/// The files that lose rows, with the vectors of these rows. `lists.data` may be a part of the snapshot's manifests.
///
/// # Errors
/// What reading manifests and delete files can fail of.
pub(super) async fn read(
    source: &Source<'_>,
    manifests: &Manifests,
    metadata: &TableMetadata,
    lists: Lists<'_>,
) -> Result<Vec<Losing>, Error> {
    let mut applying = Applying::new(metadata, source.root.clone());
    let of_deletes: Vec<Numbered> = lists.deletes.iter().cloned().enumerate().collect();
    for batch in batches(&of_deletes) {
        let read = load(source, batch).await?;
        let task = spawn_blocking(move || applying.read_deletes(&read).map(|()| applying));
        applying = task.await.map_err(|_| Error::BrokenOff)??;
    }
    if applying.deletes.is_empty() {
        return Ok(Vec::new());
    }
    applying.names = Names::of(&applying.deletes);
    applying.know_keys(metadata)?;
    let applying = Arc::new(applying);
    let (places, data_files) = find(source, manifests, &applying, lists.data).await?;
    let from = deletes::files::Source { buckets: source.buckets, bucket: source.bucket };
    let vectors = deletes::read(&from, manifests.deletes(), &applying.files, &data_files).await?;
    let losing = places
        .into_iter()
        .zip(vectors)
        .filter_map(|((digest, manifest), vector)| Some(Losing { digest, vector: vector?, manifest }));
    Ok(losing.collect())
}

/// The data files that deletes apply to, each with its digest and the number of its manifest.
async fn find(
    source: &Source<'_>,
    manifests: &Manifests,
    applying: &Arc<Applying>,
    data: &[Manifest],
) -> Result<(Vec<(PathDigest, usize)>, Vec<DataFile>), Error> {
    let (mut places, mut data_files) = (Vec::new(), Vec::new());
    let mut add = |manifest: usize, found: Vec<Found>| {
        for (digest, file) in found {
            places.push((digest, manifest));
            data_files.push(file);
        }
    };
    let older =
        data.iter().enumerate().filter(|(_, one)| one.min_sequence_number <= applying.deletes.newest());
    let (mut known, mut unread) = (Vec::new(), Vec::new());
    for (number, manifest) in older {
        match manifests.remembered().get(source, manifest) {
            Some(files) => known.push((number, files)),
            None => unread.push((number, manifest.clone())),
        }
    }
    let recalled = {
        let applying = Arc::clone(applying);
        let recall = move || {
            let recalled = side_by_side::each(&known, |(_, files)| applying.recall(files))?;
            Ok::<_, Error>(known.into_iter().map(|(number, _)| number).zip(recalled).collect::<Vec<_>>())
        };
        spawn_blocking(recall).await.map_err(|_| Error::BrokenOff)??
    };
    for (number, found) in recalled {
        match (found, data.get(number)) {
            (None, Some(manifest)) => unread.push((number, manifest.clone())),
            (found, _) => add(number, found.unwrap_or_default()),
        }
    }
    for batch in batches(&unread) {
        let (read, applying) = (load(source, batch).await?, Arc::clone(applying));
        let task = spawn_blocking(move || side_by_side::each(&read, |manifest| applying.find(manifest)));
        let found = task.await.map_err(|_| Error::BrokenOff)??;
        for ((number, manifest), (files, found)) in batch.iter().zip(found) {
            manifests.remembered().put(source, manifest, files);
            add(*number, found);
        }
    }
    Ok((places, data_files))
}

/// Manifests that are in memory together.
fn batches(manifests: &[Numbered]) -> Vec<&[Numbered]> {
    let mut sum = 0;
    let batches = manifests.chunk_by(move |(_, manifest), (_, next)| {
        let bytes = |manifest: &Manifest| usize::try_from(manifest.length_bytes).unwrap_or(0);
        sum += bytes(manifest);
        let fits = sum + bytes(next) <= MANIFEST_BYTES_AT_ONCE;
        if !fits {
            sum = 0;
        }
        fits
    });
    batches.collect()
}

async fn load(source: &Source<'_>, manifests: &[Numbered]) -> Result<Vec<(Manifest, Bytes)>, Error> {
    let mut reads = Vec::new();
    for (_, manifest) in manifests {
        reads.push(load_one(source, manifest));
    }
    stream::iter(reads).buffered(MANIFESTS_READ_AT_ONCE).try_collect().await
}

async fn load_one(source: &Source<'_>, manifest: &Manifest) -> Result<(Manifest, Bytes), Error> {
    let bytes = source.buckets.read_whole(source.bucket, &manifest.key, MANIFEST_BYTES_MAX).await?;
    Ok((manifest.clone(), bytes))
}

/// The delete files of a snapshot, and what each applies to.
struct Applying {
    root: Root,
    /// Specs without a partition field.
    unpartitioned: HashSet<i32>,
    deletes: Deletes,
    /// The data files that they name.
    names: Names,
    /// By their numbers in `deletes`.
    files: Vec<DeleteFile>,
    /// Which of them hold keys instead of positions.
    equalities: HashMap<usize, KeyFile>,
    columns: KeyColumns,
    identities: Vec<Identities>,
    /// The partitions that equality deletes are of, numbered.
    scopes: HashMap<Option<Partition>, usize>,
}

impl Applying {
    fn new(metadata: &TableMetadata, root: Root) -> Self {
        let is_void =
            |field: &crate::iceberg::partition_spec::PartitionField| field.transform == Transform::Void;
        let specs = metadata.specs().iter().filter(|spec| spec.fields.iter().all(is_void));
        Self {
            root,
            unpartitioned: specs.map(|spec| spec.id).collect(),
            deletes: Deletes::default(),
            names: Names::default(),
            files: Vec::new(),
            equalities: HashMap::new(),
            columns: KeyColumns::default(),
            identities: metadata.specs().iter().map(Identities::of).collect(),
            scopes: HashMap::new(),
        }
    }

    fn read_deletes(&mut self, manifests: &[(Manifest, Bytes)]) -> Result<(), Error> {
        let mut unpacker = Unpacker::new();
        for (manifest, bytes) in manifests {
            each_live((manifest, bytes), &mut unpacker, &mut |entry| self.add(entry, manifest))?;
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry<'_>, manifest: &Manifest) -> Result<(), Error> {
        let path = || entry.file_path.to_owned();
        if entry.content == FileContent::Data {
            return Err(Error::Entry { path: manifest.path.clone(), file: path(), what: "the content" });
        }
        if entry.key_metadata.is_some_and(|key| !key.is_empty()) {
            return Err(Fault::Encrypted.into());
        }
        let key = self.root.own_key(entry.file_path);
        self.files.push(DeleteFile {
            path: path(),
            key: key.map_err(|source| Error::Path { path: path(), source })?,
            format: entry.file_format.to_owned(),
            record_count: u64::try_from(entry.record_count).unwrap_or(0),
            content_offset: entry.content_offset,
            content_size_bytes: entry.content_size_bytes,
            only: only_file(entry).map(str::to_owned),
            equality: None,
        });
        let is_unpartitioned = self.unpartitioned.contains(&manifest.spec_id);
        if entry.content == FileContent::EqualityDeletes {
            self.add_keys(entry, manifest.spec_id, is_unpartitioned);
        }
        self.deletes.add(entry, manifest.spec_id, is_unpartitioned);
        Ok(())
    }

    /// Notes the equality delete file that was noted last.
    fn add_keys(&mut self, entry: &Entry<'_>, spec_id: i32, is_unpartitioned: bool) {
        let partition = (!is_unpartitioned).then(|| Partition::of(spec_id, &entry.partition));
        let next = self.scopes.len();
        let scope = *self.scopes.entry(partition).or_insert(next);
        let sequence_number = entry.sequence_number.unwrap_or(0);
        let number = self.files.len().saturating_sub(1);
        if let Some(file) = self.files.last_mut() {
            file.equality = Some(Equality { columns: Arc::new([]), scope, sequence_number });
        }
        self.equalities.insert(number, KeyFile::of(entry));
    }

    /// Finds out what the keys of all equality deletes are made of.
    fn know_keys(&mut self, metadata: &TableMetadata) -> Result<(), Error> {
        if self.equalities.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<i32> = self.equalities.values().flat_map(|file| file.ids.iter().copied()).collect();
        self.columns = KeyColumns::of(metadata, &ids)?;
        for (&number, keys) in &self.equalities {
            let equality = self.files.get_mut(number).and_then(|file| file.equality.as_mut());
            if let Some(equality) = equality {
                equality.columns = self.columns.columns(&keys.ids).ok_or(Fault::EqualityDeletes)?;
            }
        }
        Ok(())
    }

    /// The data files of a manifest, and those that deletes apply to.
    fn find(&self, (manifest, bytes): &(Manifest, Bytes)) -> Result<(Files, Vec<Found>), Error> {
        let (mut files, mut found) = (Collector::default(), Vec::new());
        let fields = self.partition_fields(manifest, bytes)?;
        let identities = Identities::places(&self.identities, manifest.spec_id, &fields);
        each_live((manifest, bytes), &mut Unpacker::new(), &mut |entry| {
            let partition = Partition::of(manifest.spec_id, &entry.partition);
            let sequence_number = entry.sequence_number.unwrap_or(0);
            let mut deletes = self.deletes.of_file(entry.file_path, sequence_number, &partition);
            files.add(entry, partition);
            let scan = self.scan(entry, &mut deletes, (&identities, &fields))?;
            if !deletes.is_empty() {
                let row_count = u64::try_from(entry.record_count).unwrap_or(0);
                found.push(self.found(entry.file_path, row_count, (deletes, scan))?);
            }
            Ok(())
        })?;
        Ok((files.finish(), found))
    }

    /// What the partition tuples of a manifest are, if that matters.
    fn partition_fields(&self, manifest: &Manifest, bytes: &[u8]) -> Result<Vec<PartitionField>, Error> {
        if self.equalities.is_empty() {
            return Ok(Vec::new());
        }
        let opened = entries::Manifest::open(bytes);
        let opened = opened.map_err(|source| Error::Manifest { path: manifest.path.clone(), source })?;
        Ok(opened.partition_fields().to_vec())
    }

    /// How keys are looked for in a data file. Takes away equality deletes none of whose keys can be in it.
    fn scan(
        &self,
        entry: &Entry<'_>,
        deletes: &mut Vec<usize>,
        (identities, fields): (&[Identity], &[PartitionField]),
    ) -> Result<Option<Scan>, Error> {
        let mut ids = BTreeSet::new();
        // Nobody is told of files of other formats.
        let is_parquet = entry.file_format.eq_ignore_ascii_case("parquet");
        deletes.retain(|number| {
            let Some(keys) = self.equalities.get(number) else { return true };
            let may_match = is_parquet && keys.may_match(entry, &self.columns);
            ids.extend(keys.ids.iter().copied().filter(|_| may_match));
            may_match
        });
        if ids.is_empty() {
            return Ok(None);
        }
        let path = || entry.file_path.to_owned();
        let key = self.root.own_key(entry.file_path);
        let constants = self.columns.constants(identities, fields, &entry.partition)?;
        let size = |id: &i32| {
            let is_constant = constants.iter().any(|(constant, _)| constant == id);
            entry.column_sizes.and_then(|sizes| sizes.get(*id)).or(is_constant.then_some(0))
        };
        let sizes: Option<Vec<i64>> = ids.iter().map(size).collect();
        let sum = sizes.map_or(entry.file_size_bytes, |sizes| sizes.into_iter().fold(0, i64::saturating_add));
        Ok(Some(Scan {
            key: key.map_err(|source| Error::Path { path: path(), source })?,
            sequence_number: entry.sequence_number.unwrap_or(0),
            size_bytes: u64::try_from(sum).unwrap_or(u64::MAX),
            constants,
        }))
    }

    /// Those that deletes apply to, if what is remembered of a manifest tells.
    fn recall(&self, files: &Files) -> Result<Option<Vec<Found>>, Error> {
        let Some(named) = files.named(&self.deletes, &self.names) else { return Ok(None) };
        let found =
            named.into_iter().map(|named| self.found(named.path, named.row_count, (named.deletes, None)));
        found.collect::<Result<_, _>>().map(Some)
    }

    fn found(
        &self,
        path: &str,
        row_count: u64,
        (deletes, scan): (Vec<usize>, Option<Scan>),
    ) -> Result<Found, Error> {
        let path = path.to_owned();
        let key = self.root.resolve(&path);
        let key = key.map_err(|source| Error::Path { path: path.clone(), source })?.key;
        let digest = PathDigest::of(key);
        Ok((digest, DataFile { path, row_count, deletes, scan }))
    }
}
