//! Manifests and their lists, read out of a warehouse.

use bytes::Bytes;

use super::context::Context;
use super::error::Error;
use super::location::Place;
use crate::limits::manifest::MANIFEST_BYTES_MAX;

/// The warehouse of a table; what lies elsewhere is not read.
#[derive(Clone, Copy)]
pub(super) struct Warehouse<'a> {
    pub(super) context: &'a Context,
    pub(super) name: &'a str,
}

impl Warehouse<'_> {
    pub(super) async fn read(&self, path: &str) -> Result<Bytes, Error> {
        let place = Place::inside(self.name, "manifest", path)?;
        Ok(self.context.buckets.read_whole(&place.bucket, &place.key, MANIFEST_BYTES_MAX).await?)
    }
}
