//! What commits of an earlier process left half done, put right.

use std::sync::Arc;

use super::context::Inner;
use super::error::Error;
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
