//! Decoded manifests: read once, kept, shared.
//!
//! A manifest never changes. What is made of it depends on the schema that it is told in and on nothing else of a
//! version, so that versions of a table share the segments of what they have in common.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use super::decode::{Buffers, Telling, Unit, decode};
use super::error::Error;
use super::list::{Manifest, Source};
use super::remembered::Remembered;
use super::sampled::Looks;
use crate::byte_cache;
use crate::deletes::kept::Kept;
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{DECODED_BYTES_MAX, MANIFEST_BYTES_AT_ONCE, MANIFESTS_READ_AT_ONCE};
use crate::side_by_side;

/// What a unit mostly takes, decoded.
const UNIT_BYTES_USUAL: usize = 512 << 10;

/// Decoded manifests, delete files, what finds the files that lose rows, and looks into data files, each under a byte
/// budget, for all tables.
#[derive(Debug)]
pub struct Manifests {
    units: Cache<u128, Arc<Unit>, Bytewise>,
    deletes: Kept,
    remembered: Remembered,
    looks: Looks,
}

#[derive(Debug, Clone)]
struct Bytewise;

impl Weighter<u128, Arc<Unit>> for Bytewise {
    fn weight(&self, _: &u128, unit: &Arc<Unit>) -> u64 {
        unit.memory_bytes() as u64
    }
}

impl Default for Manifests {
    fn default() -> Self {
        Self::new(DECODED_BYTES_MAX)
    }
}

/// Manifests that are decoded together, and what is known of them.
struct Wanted {
    /// Its place among all that are wanted.
    number: usize,
    key: u128,
    manifests: Vec<Manifest>,
}

impl Manifests {
    /// Keeps at most so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            units: byte_cache::whole(bytes_max, UNIT_BYTES_USUAL, Bytewise),
            deletes: Kept::new(),
            remembered: Remembered::new(),
            looks: Looks::default(),
        }
    }

    /// What was read of delete files.
    pub(super) fn deletes(&self) -> &Kept {
        &self.deletes
    }

    /// What is known of the files of manifests.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Looks that were taken into data files.
    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    /// The units of these groups, in their order; `form` is what of the table's form they depend on.
    pub(super) async fn units(
        &self,
        source: &Source<'_>,
        (telling, form): (&Arc<Telling>, &str),
        groups: Vec<Vec<Manifest>>,
    ) -> Result<Vec<Arc<Unit>>, Error> {
        let mut found: Vec<Option<Arc<Unit>>> = Vec::new();
        let mut missing: Vec<Wanted> = Vec::new();
        for (number, manifests) in groups.into_iter().enumerate() {
            let key = key(source, form, &manifests);
            let unit = self.units.get(&key);
            if unit.is_none() {
                missing.push(Wanted { number, key, manifests });
            }
            found.push(unit);
        }
        let buffers = Arc::default();
        for wanted in in_batches(missing) {
            for (number, key, unit) in self.decoded(source, (telling, &buffers), wanted).await? {
                self.units.insert(key, Arc::clone(&unit));
                if let Some(place) = found.get_mut(number) {
                    *place = Some(unit);
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    async fn decoded(
        &self,
        source: &Source<'_>,
        (telling, buffers): (&Arc<Telling>, &Arc<Buffers>),
        wanted: Vec<Wanted>,
    ) -> Result<Vec<(usize, u128, Arc<Unit>)>, Error> {
        let keys: Vec<(usize, u128)> = wanted.iter().map(|one| (one.number, one.key)).collect();
        let manifests = wanted.into_iter().flat_map(|one| {
            let number = one.number;
            one.manifests.into_iter().map(move |manifest| (number, manifest))
        });
        let reads = manifests.map(|(number, manifest)| async move {
            let read = source.buckets.read_whole(source.bucket, &manifest.key, MANIFEST_BYTES_MAX).await?;
            Ok::<_, Error>((number, manifest, read))
        });
        let read: Vec<(usize, Manifest, Bytes)> =
            stream::iter(reads).buffered(MANIFESTS_READ_AT_ONCE).try_collect().await?;
        let mut groups: Vec<Vec<(Manifest, Bytes)>> = Vec::new();
        let mut last = None;
        for (number, manifest, bytes) in read {
            if last.replace(number) != Some(number) {
                groups.push(Vec::new());
            }
            if let Some(group) = groups.last_mut() {
                group.push((manifest, bytes));
            }
        }
        let (telling, buffers) = (Arc::clone(telling), Arc::clone(buffers));
        let decoding = tokio::task::spawn_blocking(move || {
            side_by_side::each(&groups, |group| decode(&telling, group, &buffers).map(Arc::new))
        });
        let units = decoding.await.map_err(|_| Error::BrokenOff)??;
        Ok(keys.into_iter().zip(units).map(|((number, key), unit)| (number, key, unit)).collect())
    }
}

/// Groups whose manifests are in memory at the same time.
fn in_batches(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut batches: Vec<Vec<Wanted>> = Vec::new();
    let mut batch_bytes = usize::MAX;
    for one in wanted {
        let lengths =
            one.manifests.iter().map(|manifest| usize::try_from(manifest.length_bytes).unwrap_or(0));
        let bytes: usize = lengths.fold(0, usize::saturating_add);
        batch_bytes = batch_bytes.saturating_add(bytes);
        if let Some(batch) = batches.last_mut().filter(|_| batch_bytes <= MANIFEST_BYTES_AT_ONCE) {
            batch.push(one);
        } else {
            batches.push(vec![one]);
            batch_bytes = bytes;
        }
    }
    batches
}

fn key(source: &Source<'_>, form: &str, manifests: &[Manifest]) -> u128 {
    let mut text = format!("{}\0{:?}\0{form}", source.bucket, source.root);
    for manifest in manifests {
        let _ = write!(text, "\0{}\0{}\0{:?}", manifest.path, manifest.length_bytes, manifest.inherited);
    }
    xxh3_128(text.as_bytes())
}
