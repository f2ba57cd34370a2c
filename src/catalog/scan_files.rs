//! Manifests and their lists, read out of a warehouse and kept.
//!
//! Their writers make each under a name of its own and never change it, so what was read of one stays true. One that
//! turns out to be broken is forgotten, so that who mends it is heard.

use bytes::Bytes;

use super::context::Context;
use super::error::Error;
use super::location::Place;
use super::scan_request::{Manifest, Scan};
use crate::limits::manifest::{MANIFEST_BYTES_MAX, PLAN_BYTES_MAX};

/// The warehouse of a table; what lies elsewhere is not read.
#[derive(Clone, Copy)]
pub(super) struct Warehouse<'a> {
    pub(super) context: &'a Context,
    pub(super) name: &'a str,
}

impl Warehouse<'_> {
    pub(super) async fn read(&self, path: &str) -> Result<Bytes, Error> {
        let place = Place::inside(self.name, "manifest", path)?;
        let read = async {
            Ok(self.context.buckets.read_whole(&place.bucket, &place.key, MANIFEST_BYTES_MAX).await?)
        };
        self.context.scans.files.get_or_insert_async(path, read).await
    }

    /// The list of a scan's manifests; `None` where its snapshot has no file of its own for it.
    pub(super) async fn read_list(&self, scan: &Scan) -> Result<Option<Bytes>, Error> {
        match scan.list() {
            Some(path) => self.read(&path).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads manifests one after the other.
    pub(super) async fn read_all(&self, manifests: Vec<Manifest>) -> Result<Vec<(Manifest, Bytes)>, Error> {
        let mut bytes_left = PLAN_BYTES_MAX;
        let mut read = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            let bytes = self.read(&manifest.path).await?;
            bytes_left = bytes_left.checked_sub(bytes.len()).ok_or(Error::PlanTooLarge)?;
            read.push((manifest, bytes));
        }
        Ok(read)
    }

    /// Hands an answer on; a file that it cannot be made of is read again by who asks next.
    pub(super) fn forget_broken<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Manifest { path, .. }) = &answer {
            self.context.scans.files.remove(path);
        }
        answer
    }
}
