//! The files of a dropped table, removed.

use super::context::Context;
use super::location::Place;
use crate::state::catalog::Entry;

/// Removes everything below the location of a table that is dropped already, unless another table or view of the
/// warehouse has its metadata there. What stays is told in the log: the drop itself has happened.
pub(super) async fn purge(context: &Context, warehouse: &str, entry: &Entry) {
    let loaded = match context.tables.load(&entry.metadata_location).await {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::warn!(table = %entry.name, %error, "the files of a dropped table stay: its metadata is not readable");
            return;
        }
    };
    let Ok(place) = Place::inside(warehouse, "location", loaded.metadata.location()) else {
        tracing::warn!(table = %entry.name, "the files of a dropped table stay: they lie outside of the warehouse");
        return;
    };
    let below = format!("s3://{}/{}/", place.bucket, place.key);
    match context.store.locations_below(warehouse, &below, 1).await {
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
