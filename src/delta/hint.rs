//! `_last_checkpoint`: where the newest checkpoint may be.

use serde::Deserialize;

use super::log::DIRECTORY;
use crate::limits::LAST_CHECKPOINT_BYTES_MAX;
use crate::storage::table_store::TableStore;
use crate::table::snapshot::Version;

#[derive(Deserialize)]
struct LastCheckpoint {
    version: Version,
}

/// The version that `_last_checkpoint` names; `None` if it names none, for whatever reason.
///
/// It is written after the checkpoint and read without any lock, so it may be old, torn, or of another table's life.
/// It only shortens the listing.
pub(super) async fn last_checkpoint(store: &TableStore) -> Option<Version> {
    let key = format!("{DIRECTORY}/_last_checkpoint");
    let (bytes, _) = store.read(&key, LAST_CHECKPOINT_BYTES_MAX).await.ok()?;
    let hint: LastCheckpoint = serde_json::from_slice(&bytes).ok()?;
    Some(hint.version).filter(|&version| (1..Version::MAX).contains(&version))
}
