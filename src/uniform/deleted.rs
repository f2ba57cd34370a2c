//! Which files of a snapshot lose rows, and which rows these are.
//!
//! What manifests become does not depend on deletes, so that versions share it. Where a snapshot has deletes, its manifests
//! are read once more for what says which of them apply to a file: its partition and its sequence number. Files that
//! lose rows leave their segments then.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use super::decode::each_live;
use super::error::{Error, Fault};
use super::list::{Manifest, Source};
use super::paths::Root;
use crate::deletes::kept::Kept;
use crate::deletes::positions::InlineVector;
use crate::deletes::{self, DataFile, DeleteFile};
use crate::iceberg::metadata::TableMetadata;
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{MANIFEST_BYTES_AT_ONCE, MANIFESTS_READ_AT_ONCE};
use crate::manifest::codec::Unpacker;
use crate::manifest::entry::{Entry, FileContent};
use crate::scan::deletes::{Deletes, only_file};
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
pub(super) struct Manifests<'a> {
    pub(super) data: &'a [Manifest],
    pub(super) deletes: &'a [Manifest],
}

/// The files that lose rows, with the vectors of these rows. `data` may be a part of the snapshot's manifests.
///
/// # Errors
/// [`Fault::EqualityDeletes`], and what reading manifests and delete files can fail of.
pub(super) async fn read(
    source: &Source<'_>,
    kept: &Kept,
    metadata: &TableMetadata,
    manifests: Manifests<'_>,
) -> Result<Vec<Losing>, Error> {
    let root = source.root.clone();
    let mut applying = Applying::new(metadata, root);
    for batch in batches(manifests.deletes) {
        let read = load(source, batch).await?;
        let task = spawn_blocking(move || applying.read_deletes(&read).map(|()| applying));
        applying = task.await.map_err(|_| Error::BrokenOff)??;
    }
    if applying.deletes.is_empty() {
        return Ok(Vec::new());
    }
    let applying = Arc::new(applying);
    let (mut found, mut data_files, mut first) = (Vec::new(), Vec::new(), 0);
    for batch in batches(manifests.data) {
        let (read, applying) = (load(source, batch).await?, Arc::clone(&applying));
        let task = spawn_blocking(move || side_by_side::each(&read, |manifest| applying.find(manifest)));
        let files = task.await.map_err(|_| Error::BrokenOff)??;
        for (manifest, (digest, file)) in
            (first..).zip(files).flat_map(|(number, files)| files.into_iter().map(move |file| (number, file)))
        {
            found.push((digest, manifest));
            data_files.push(file);
        }
        first += batch.len();
    }
    let from = deletes::Source { buckets: source.buckets, bucket: source.bucket };
    let vectors = deletes::read(&from, kept, &applying.files, &data_files).await?;
    let losing = found
        .into_iter()
        .zip(vectors)
        .filter_map(|((digest, manifest), vector)| Some(Losing { digest, vector: vector?, manifest }));
    Ok(losing.collect())
}

/// Manifests that are in memory together.
fn batches(manifests: &[Manifest]) -> Vec<&[Manifest]> {
    let mut sum = 0;
    let batches = manifests.chunk_by(move |manifest, next| {
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

async fn load(source: &Source<'_>, manifests: &[Manifest]) -> Result<Vec<(Manifest, Bytes)>, Error> {
    let mut reads = Vec::new();
    for manifest in manifests {
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
    /// By their numbers in `deletes`.
    files: Vec<DeleteFile>,
    /// Which of them hold values instead of positions.
    equalities: HashSet<usize>,
}

impl Applying {
    fn new(metadata: &TableMetadata, root: Root) -> Self {
        let specs = metadata.specs().iter().filter(|spec| spec.fields.is_empty());
        Self {
            root,
            unpartitioned: specs.map(|spec| spec.id).collect(),
            deletes: Deletes::default(),
            files: Vec::new(),
            equalities: HashSet::new(),
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
        if entry.content == FileContent::EqualityDeletes {
            self.equalities.insert(self.files.len());
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
        });
        self.deletes.add(entry, manifest.spec_id, self.unpartitioned.contains(&manifest.spec_id));
        Ok(())
    }

    /// The data files of a manifest that deletes apply to.
    fn find(&self, (manifest, bytes): &(Manifest, Bytes)) -> Result<Vec<(PathDigest, DataFile)>, Error> {
        let mut found = Vec::new();
        each_live((manifest, bytes), &mut Unpacker::new(), &mut |entry| {
            let deletes = self.deletes.of(entry, manifest.spec_id);
            if deletes.is_empty() {
                return Ok(());
            }
            if deletes.iter().any(|number| self.equalities.contains(number)) {
                return Err(Fault::EqualityDeletes.into());
            }
            let path = entry.file_path.to_owned();
            let key = self.root.resolve(entry.file_path);
            let key = key.map_err(|source| Error::Path { path: path.clone(), source })?.key;
            let row_count = u64::try_from(entry.record_count).unwrap_or(0);
            found.push((PathDigest::of(key), DataFile { path, row_count, deletes }));
            Ok(())
        })?;
        Ok(found)
    }
}
