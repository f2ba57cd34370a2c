//! What is remembered of the files that deletes may apply to.
//!
//! A manifest never changes, so it is read once. Deletes that name their file find it here by its path; those that do not
//! say only for which partition they are, and where one may apply, the manifest has to be read again for the paths.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use super::list::{Manifest, Source};
use crate::byte_cache;
use crate::limits::uniform::REMEMBERED_FILES_BYTES;
use crate::manifest::entry::Entry;
use crate::scan::deletes::{Deletes, Partition};
use crate::table::path_digest::PathDigest;

/// What the files of a manifest mostly take.
const FILES_BYTES_USUAL: usize = 64 << 10;

/// The live files of one manifest.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order of their paths' digests.
    files: Vec<File>,
    /// With the least sequence number of their files.
    partitions: Vec<(Partition, i64)>,
}

#[derive(Debug)]
struct File {
    /// Of its path, as the manifest has it.
    path: PathDigest,
    sequence_number: i64,
    row_count: u64,
    /// By its number.
    partition: u32,
}

/// A file that deletes name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named<'d> {
    pub(super) path: &'d str,
    pub(super) row_count: u64,
    /// The delete files that apply to it, by their numbers.
    pub(super) deletes: Vec<usize>,
}

/// The data files that deletes name.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<PathDigest, String>);

impl Names {
    pub(super) fn of(deletes: &Deletes) -> Self {
        let names = deletes.named().map(|path| (PathDigest::of(path.as_bytes()), path.to_owned()));
        Self(names.collect())
    }
}

impl Files {
    /// Those of them that lose rows; `None`: only the manifest tells.
    pub(super) fn named<'d>(&self, deletes: &Deletes, names: &'d Names) -> Option<Vec<Named<'d>>> {
        if self.partitions.iter().any(|(partition, least)| deletes.reaches(partition, *least)) {
            return None;
        }
        let mut found = Vec::new();
        let mut add = |file: &File, path: &'d str| {
            let partition = usize::try_from(file.partition).ok().and_then(|at| self.partitions.get(at));
            let deletes = partition.map(|(of, _)| deletes.of_file(path, file.sequence_number, of));
            if let Some(deletes) = deletes.filter(|deletes| !deletes.is_empty()) {
                found.push(Named { path, row_count: file.row_count, deletes });
            }
        };
        if names.0.len() < self.files.len() {
            for (digest, path) in &names.0 {
                let start = self.files.partition_point(|file| file.path < *digest);
                let alike = self.files.iter().skip(start).take_while(|file| file.path == *digest);
                alike.for_each(|file| add(file, path));
            }
        } else {
            for file in &self.files {
                if let Some(path) = names.0.get(&file.path) {
                    add(file, path);
                }
            }
        }
        Some(found)
    }

    fn memory_bytes(&self) -> usize {
        let partitions = self.partitions.iter().map(|(partition, _)| partition.memory_bytes() + 8);
        size_of::<Self>() + self.files.capacity() * size_of::<File>() + partitions.sum::<usize>()
    }
}

/// Puts together the files of a manifest.
#[derive(Debug, Default)]
pub(super) struct Collector {
    files: Files,
    numbers: HashMap<Partition, u32>,
}

impl Collector {
    /// Notes a live file, of this partition.
    pub(super) fn add(&mut self, entry: &Entry<'_>, partition: Partition) {
        let sequence_number = entry.sequence_number.unwrap_or(0);
        let number = if let Some(&number) = self.numbers.get(&partition) {
            number
        } else {
            // There are fewer files than that.
            let number = u32::try_from(self.files.partitions.len()).unwrap_or(u32::MAX);
            self.files.partitions.push((partition.clone(), sequence_number));
            self.numbers.insert(partition, number);
            number
        };
        let known = usize::try_from(number).ok().and_then(|at| self.files.partitions.get_mut(at));
        if let Some((_, least)) = known {
            *least = sequence_number.min(*least);
        }
        self.files.files.push(File {
            path: PathDigest::of(entry.file_path.as_bytes()),
            sequence_number,
            row_count: u64::try_from(entry.record_count).unwrap_or(0),
            partition: number,
        });
    }

    pub(super) fn finish(mut self) -> Files {
        self.files.files.sort_unstable_by_key(|file| file.path);
        self.files.files.shrink_to_fit();
        self.files
    }
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<u128, Arc<Files>> for ByBytes {
    fn weight(&self, _: &u128, files: &Arc<Files>) -> u64 {
        files.memory_bytes() as u64
    }
}

/// The files of manifests, within a budget of bytes.
#[derive(Debug)]
pub(super) struct Remembered {
    files: Cache<u128, Arc<Files>, ByBytes>,
}

impl Remembered {
    pub(super) fn new() -> Self {
        Self { files: byte_cache::whole(REMEMBERED_FILES_BYTES, FILES_BYTES_USUAL, ByBytes) }
    }

    pub(super) fn get(&self, source: &Source<'_>, manifest: &Manifest) -> Option<Arc<Files>> {
        self.files.get(&key(source, manifest))
    }

    pub(super) fn put(&self, source: &Source<'_>, manifest: &Manifest, files: Files) {
        self.files.insert(key(source, manifest), Arc::new(files));
    }
}

fn key(source: &Source<'_>, manifest: &Manifest) -> u128 {
    let Manifest { key, length_bytes, spec_id, inherited, .. } = manifest;
    let mut text = String::new();
    let _ = write!(text, "{}\0{key}\0{length_bytes}\0{spec_id}\0{inherited:?}", source.bucket);
    xxh3_128(text.as_bytes())
}
