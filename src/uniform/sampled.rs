//! A few live files, each looked into once.
//!
//! Manifests and data files never change: what a look showed to be right stays so, and nobody looks there again.

use std::sync::Arc;

use parquet::schema::types::Type as Column;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use super::error::{Error, Fault};
use super::footers::{columns, columns_of};
use super::identities::Identities;
use super::list::{Manifest, Source};
use crate::byte_cache;
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{FOOTERS_SAMPLED, LOOKS_BYTES_MAX, MANIFEST_BYTES_FIRST};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::error::Error as ManifestError;
use crate::storage::table_store::TableStore;

/// What a look mostly takes in memory.
const LOOK_BYTES_USUAL: usize = 64;

/// What files have to hold, though no manifest tells it.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Whether columns are found by field ids.
    pub(super) ids: bool,
    /// Columns that the table is partitioned by, which files may leave out: their ids and names.
    pub(super) columns: Vec<(i32, String)>,
}

/// Looks that nobody has to take again, under a byte budget, for all tables.
#[derive(Debug)]
pub(super) struct Looks {
    known: Cache<u128, Look, ByBytes>,
}

/// What is known of the first live file of a manifest.
#[derive(Debug, Clone)]
enum Look {
    /// It holds what it has to, or there is none to look into.
    Passed,
    /// Its path; nobody could read it so far.
    Unread(Arc<str>),
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<u128, Look> for ByBytes {
    fn weight(&self, _: &u128, look: &Look) -> u64 {
        let path_bytes = match look {
            Look::Passed => 0,
            Look::Unread(path) => path.len(),
        };
        (LOOK_BYTES_USUAL + path_bytes) as u64
    }
}

impl Default for Looks {
    fn default() -> Self {
        Self { known: byte_cache::whole(LOOKS_BYTES_MAX, LOOK_BYTES_USUAL, ByBytes) }
    }
}

impl Looks {
    /// Looks into a few live files, the first of some manifests. One that cannot be read here tells nothing.
    pub(super) async fn check(
        &self,
        source: &Source<'_>,
        manifests: &[Manifest],
        (needs, specs): (&Needs, &[Identities]),
    ) -> Result<(), Error> {
        if !needs.ids && needs.columns.is_empty() {
            return Ok(());
        }
        let store = source.buckets.open(source.bucket, "")?;
        for manifest in sample(manifests) {
            let spec = Identities::of_spec(specs, manifest.spec_id);
            let key = key(source, manifest, (needs, spec));
            let path = match self.known.get(&key) {
                Some(Look::Passed) => continue,
                Some(Look::Unread(path)) => Some(path),
                None => first_path(source, manifest).await?.map(Arc::from),
            };
            let look = match path {
                Some(path) => needs.look((source, &store), path, spec).await?,
                None => Look::Passed,
            };
            self.known.insert(key, look);
        }
        Ok(())
    }
}

/// Those whose first file is looked into: the newest, and some that stay the same while a table grows, counted from the
/// oldest. The newest comes first.
fn sample(manifests: &[Manifest]) -> impl Iterator<Item = &Manifest> {
    let step = manifests.len().div_ceil(FOOTERS_SAMPLED).max(1);
    // Steps of powers of two: a longer one leaves out some, and comes to none that was left out before.
    let step = 1_usize << step.ilog2();
    let from_oldest = (0..manifests.len()).rev();
    let numbered = manifests.iter().enumerate().zip(from_oldest);
    numbered.filter(move |((at, _), age)| *at == 0 || age % step == 0).map(|((_, manifest), _)| manifest)
}

/// What a look depends on.
fn key(source: &Source<'_>, manifest: &Manifest, (needs, spec): (&Needs, Option<&Identities>)) -> u128 {
    let Manifest { path, length_bytes, inherited, .. } = manifest;
    let place = (source.bucket, source.root);
    xxh3_128(format!("{place:?}\0{path}\0{length_bytes}\0{inherited:?}\0{needs:?}\0{spec:?}").as_bytes())
}

impl Needs {
    async fn look(
        &self,
        (source, store): (&Source<'_>, &TableStore),
        path: Arc<str>,
        spec: Option<&Identities>,
    ) -> Result<Look, Error> {
        let Ok(key) = source.key(&path) else { return Ok(Look::Passed) };
        let Ok(root) = columns(store, &key, &path).await else { return Ok(Look::Unread(path)) };
        self.check(&root, &path, spec)?;
        Ok(Look::Passed)
    }

    /// What a file of this spec lacks; `None`: of a spec that the table does not know.
    fn check(&self, root: &Column, path: &str, spec: Option<&Identities>) -> Result<(), Fault> {
        let columns = columns_of(root);
        let file = || path.to_owned();
        if self.ids && columns.iter().any(|column| !column.get_basic_info().has_id()) {
            return Err(Fault::NoFieldIds { file: file() });
        }
        let is_there = |id: i32, name: &str| {
            columns.iter().map(|column| column.get_basic_info()).any(|info| {
                if info.has_id() { info.id() == id } else { info.name().eq_ignore_ascii_case(name) }
            })
        };
        // Only the columns of its own spec have values outside of a file.
        let is_due = |wanted: i32| spec.is_none_or(|spec| spec.column_ids().any(|id| id == wanted));
        match self.columns.iter().find(|(id, name)| is_due(*id) && !is_there(*id, name)) {
            Some((_, name)) => Err(Fault::PartitionColumn { column: name.clone(), file: file() }),
            None => Ok(()),
        }
    }
}

/// The path of the first live file of a manifest, which mostly stands in its first block.
async fn first_path(source: &Source<'_>, manifest: &Manifest) -> Result<Option<String>, Error> {
    if u64::try_from(manifest.length_bytes).is_ok_and(|length| length > MANIFEST_BYTES_FIRST) {
        let head = source.buckets.read_part(source.bucket, &manifest.key, 0..MANIFEST_BYTES_FIRST).await;
        // What broke off says nothing of the whole.
        if let Some(path) = head.ok().and_then(|head| first_of(manifest, &head).ok().flatten()) {
            return Ok(Some(path));
        }
    }
    let bytes = source.buckets.read_whole(source.bucket, &manifest.key, MANIFEST_BYTES_MAX).await?;
    first_of(manifest, &bytes).map_err(|source| Error::Manifest { path: manifest.path.clone(), source })
}

fn first_of(manifest: &Manifest, bytes: &[u8]) -> Result<Option<String>, ManifestError> {
    let opened = entries::Manifest::open(bytes)?;
    let mut first = None;
    let read = opened.each(manifest.inherited, &mut Unpacker::new(), |entry| {
        if entry.is_live() {
            first = Some(entry.file_path.to_owned());
            return Err(Stop::Found);
        }
        Ok(())
    });
    match read {
        Err(Stop::Manifest(fault)) => Err(fault),
        Ok(()) | Err(Stop::Found) => Ok(first),
    }
}

/// Why a manifest is not read to its end.
enum Stop {
    Manifest(ManifestError),
    Found,
}

impl From<ManifestError> for Stop {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

#[cfg(test)]
mod tests {
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_has_to_hold_what_no_manifest_tells() {
        let check = |columns: &str, ids: bool| {
            let root = parse_message_type(&format!("message m {{ {columns} }}")).unwrap();
            Needs { ids, columns: vec![(1, "day".to_owned())] }
                .check(&root, "f", None)
                .map_err(|fault| fault.to_string())
        };
        assert_eq!(check("optional int32 x = 1;", true), Ok(()));
        assert_eq!(check("optional int32 Day;", false), Ok(()));
        assert!(check("optional int32 day;", true).unwrap_err().contains("without field ids"));
        assert!(
            check("optional int32 day = 2;", false).unwrap_err().contains("'f' may lack the column 'day'")
        );
    }

    fn sampled(count: usize) -> Vec<String> {
        let manifests: Vec<Manifest> =
            (0..count).rev().map(|age| Manifest::unlisted(String::new(), age.to_string())).collect();
        sample(&manifests).map(|manifest| manifest.path.clone()).collect()
    }

    #[test]
    fn all_manifests_are_sampled_where_they_are_few() {
        assert_eq!(sampled(0), Vec::<String>::new());
        assert_eq!(sampled(3), ["2", "1", "0"]);
        assert_eq!(sampled(FOOTERS_SAMPLED).len(), FOOTERS_SAMPLED);
    }

    proptest! {
        #[test]
        fn a_table_that_grows_is_asked_for_its_newest_manifest_only(count in 1_usize..10_000) {
            let (before, after) = (sampled(count), sampled(count + 1));
            prop_assert!(before.len() >= count.min(FOOTERS_SAMPLED / 2));
            prop_assert!(after.len() <= 2 * FOOTERS_SAMPLED + 1);
            prop_assert_eq!(&after[0], &count.to_string());
            prop_assert!(after[1..].iter().all(|one| before.contains(one)), "{:?} {:?}", before, after);
        }
    }
}
