//! The files of a dropped table, removed.
//!
//! A note says before the drop what is to be removed; where the server dies, the next one finds the note and goes on.

use super::context::Context;
use super::location::Place;
use crate::state::catalog::{Entry, EntryName};
use crate::storage::pending::{Note, PendingFile};

/// Notes the directory of a table that is about to be dropped. None is noted that would not be purged, nor one whose
/// metadata lies elsewhere: of it nobody could say later whether the table was dropped.
pub(super) async fn note(context: &Context, warehouse: &str, name: &EntryName) -> Option<Note> {
    let entry = context.store.get_entry(warehouse, name).await.ok()?;
    let Place { bucket, key } = place_of(context, warehouse, &entry).await?;
    entry.metadata_location.starts_with(&below(&bucket, &key)).then_some(())?;
    context.removals.note(&[PendingFile { bucket, key }]).ok()
}

/// What the metadata of each table in the directory begins with.
pub(super) fn below(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}/")
}

/// Removes everything below the location of a table that is dropped already, unless another table or view of the
/// warehouse has its metadata there. What stays is told in the log: the drop itself has happened.
pub(super) async fn purge(context: &Context, warehouse: &str, entry: &Entry) {
    let Some(place) = place_of(context, warehouse, entry).await else { return };
    match context.store.locations_below(warehouse, &below(&place.bucket, &place.key), 1).await {
        Ok(others) if others.is_empty() => {}
        Ok(_) => {
            tracing::warn!(table = %entry.name, "the files of a dropped table stay: another table lies among them");
            return;
        }
        Err(error) => {
            tracing::warn!(table = %entry.name, %error, "the files of a dropped table stay");
            return;
        }
    }
    if let Err(error) = context.buckets.remove_below(&place.bucket, &place.key).await {
        tracing::warn!(table = %entry.name, %error, "some files of a dropped table stay");
    }
}

/// Where a table lies, if it can be purged at all.
async fn place_of(context: &Context, warehouse: &str, entry: &Entry) -> Option<Place> {
    let loaded = match context.tables.load(&entry.metadata_location).await {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::warn!(table = %entry.name, %error, "the files of a dropped table stay: its metadata is not readable");
            return None;
        }
    };
    let place = Place::inside(warehouse, "location", loaded.metadata.location()).ok();
    if place.is_none() {
        tracing::warn!(table = %entry.name, "the files of a dropped table stay: they lie outside of the warehouse");
    }
    place
}
