//! What commits of an earlier process left half done, put right.

use std::sync::Arc;

use super::context::Inner;
use super::error::Error;
use super::purge::below;
use crate::error::Kind;
use crate::limits;
use crate::state;
use crate::state::catalog::EntryKind;
use crate::storage::pending::{Left, Pending, PendingFile};

/// Removes the metadata files that were written for commits which never were. Files that a table or view leads to stay,
/// and so do those of which nobody can tell.
pub(super) async fn sweep(inner: &Arc<Inner>, pending: &Pending) -> Result<(), Error> {
    let left = pending
        .sweep(|file| {
            let inner = Arc::clone(inner);
            async move { is_reachable(&inner, &file).await }
        })
        .await?;
    for Left { lost, note } in left {
        let mut is_gone = true;
        for PendingFile { bucket, key } in lost {
            match inner.buckets.remove(&bucket, vec![key.clone()]).await {
                Ok(()) => {
                    tracing::info!(bucket, key, "a metadata file of a commit that never was is removed");
                }
                Err(error) => {
                    is_gone = false;
                    tracing::warn!(bucket, key, %error, "a metadata file of a commit that never was stays");
                }
            }
        }
        if is_gone {
            note.strike_out();
        }
    }
    Ok(())
}

/// Goes on with removals that broke off: directories of tables that were dropped, buckets of warehouses that are gone.
pub(super) async fn sweep_removals(inner: &Arc<Inner>) -> Result<(), Error> {
    let left = inner
        .removals
        .sweep(|file| {
            let inner = Arc::clone(inner);
            async move { is_in_use(&inner, &file).await }
        })
        .await?;
    for Left { lost, note } in left {
        let mut is_gone = true;
        for PendingFile { bucket, key } in lost {
            let removed = if key.is_empty() {
                inner.buckets.remove_bucket(&bucket).await
            } else {
                inner.buckets.remove_below(&bucket, &key).await.map(drop)
            };
            match removed {
                Ok(()) => tracing::info!(bucket, key, "a removal that had broken off is finished"),
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => {
                    is_gone = false;
                    tracing::warn!(bucket, key, %error, "a removal that had broken off is not finished");
                }
            }
        }
        if is_gone {
            note.strike_out();
        }
    }
    Ok(())
}

/// Whether what was to be removed is not to be removed: the change before it never was, or somebody else needs it.
async fn is_in_use(inner: &Inner, PendingFile { bucket, key }: &PendingFile) -> Result<bool, Error> {
    if key.is_empty() {
        return match inner.store.get_warehouse(bucket).await {
            Err(state::Error::WarehouseNotFound { .. }) => Ok(false),
            other => Ok(other.map(|_| true)?),
        };
    }
    match inner.store.locations_below(bucket, &below(bucket, key), 1).await {
        Err(state::Error::WarehouseNotFound { .. }) => Ok(true),
        other => Ok(!other?.is_empty()),
    }
}

/// Whether a table or view with its metadata in the same directory is at this file, or has been.
async fn is_reachable(inner: &Inner, file: &PendingFile) -> Result<bool, Error> {
    let PendingFile { bucket, key } = file;
    let location = format!("s3://{bucket}/{key}");
    let directory = location.rsplit_once('/').map_or("", |(directory, _)| directory);
    let neighbours = inner
        .store
        .locations_below(bucket, &format!("{directory}/"), limits::catalog::ENTRY_CHANGES_MAX)
        .await;
    let neighbours = match neighbours {
        Err(state::Error::WarehouseNotFound { .. }) => return Ok(false),
        other => other?,
    };
    for (kind, current) in neighbours {
        if current == location {
            return Ok(true);
        }
        if kind == EntryKind::Table {
            let loaded = inner.tables.load(&current).await?;
            if loaded.metadata.metadata_log().iter().any(|entry| entry.metadata_file == location) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
