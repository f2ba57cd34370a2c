//! A staged file or a marker becomes an object, conditionally.

use super::condition::WriteCondition;
use super::error::{Error, io};
use super::stage::Staged;
use super::store::Store;
use crate::limits::objects::PUBLISH_ATTEMPTS_MAX;
use crate::storage::files::attributes::{self, Attributes, Known};
use crate::storage::files::directories;
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::{Bucket, sync_directory};
use crate::storage::files::look::existing;
use crate::storage::files::object_path::ObjectKey;
use crate::storage::files::publish::{self, Place, Rule};
use crate::storage::files::remove;

/// Where a write goes, and when it may.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) bucket: Bucket,
    pub(super) key: ObjectKey,
    pub(super) condition: WriteCondition,
}

/// Publishes `staged` under `target`; `attributes` bring what the client said, the file gives the rest.
///
/// Errors: the condition does not hold; a part of the path is an object, or the key a directory of others.
pub(super) fn publish(
    store: &Store,
    target: &Target,
    mut staged: Staged,
    attributes: Attributes,
) -> Result<Known, Error> {
    let Target { bucket, key, condition } = target;
    publish::seal(&staged.file, attributes)?;
    let check = |known: Option<&Known>| condition.check(key.as_str(), known);
    let rule = match condition {
        WriteCondition::Always => Rule::Replace,
        WriteCondition::Absent => Rule::New(&check),
        WriteCondition::Matches(_) => Rule::ReplaceIf(&check),
    };
    let place = Place { bucket: &bucket.name, key };
    publish::give_name(&store.files, &place, &mut staged.temporary, &rule)?;
    Ok(Known::of(&staged.file)?)
}

/// Makes the directory of a marker and its record.
///
/// Errors: the condition does not hold; an object lies on the way or under the name.
pub(super) fn publish_marker(
    store: &Store,
    target: &Target,
    mut attributes: Attributes,
) -> Result<Known, Error> {
    let Target { bucket, key, condition } = target;
    attributes.modified_ns = store.clock.now_ms().saturating_mul(1_000_000);
    attributes::EMPTY_ETAG.clone_into(&mut attributes.etag);
    let _held = store.files.locks.hold(&bucket.name, key.path());
    for _ in 0..PUBLISH_ATTEMPTS_MAX {
        let bucket = store.bucket(&bucket.name)?;
        condition.check(key.as_str(), existing(&bucket, key)?.as_ref())?;
        let Some(directory) = directories::open_or_make(&bucket, key.path(), &store.files.durable)? else {
            continue;
        };
        let is_kept = attributes::write(&directory, &attributes)?;
        sync_directory(&directory)?;
        let stat = rustix::fs::fstat(&directory).map_err(io("looking at a marker"))?;
        return Ok(Known::marker(&stat, is_kept.then_some(attributes)));
    }
    Err(FileError::Contended { key: key.as_str().to_owned() }.into())
}

/// Removes what lies under `target`; true if something did.
///
/// Errors: the condition does not hold.
pub(super) fn remove(store: &Store, target: &Target) -> Result<bool, Error> {
    let Target { bucket, key, condition } = target;
    let check = |known: Option<&Known>| condition.check(key.as_str(), known);
    let is_asked = *condition != WriteCondition::Always;
    remove::remove(&store.files, bucket, key, is_asked.then_some(&check))
}
