//! Removing objects: `DeleteObject` and `DeleteObjects`.

use s3s::dto;

use super::condition::WriteCondition;
use super::error::Error;
use super::publish::{self, Target};
use super::read::check_version;
use super::store::Store;
use crate::limits::objects::DELETE_KEYS_MAX;
use crate::storage::files::layout::Bucket;
use crate::storage::files::object_path::ObjectKey;
use crate::storage::files::remove;

/// Amazon S3, `DeleteObject`: removing what is not there succeeds.
pub(super) fn one(store: &Store, input: dto::DeleteObjectInput) -> Result<dto::DeleteObjectOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let target = Target {
        bucket: store.bucket(&input.bucket)?,
        key: ObjectKey::parse(&input.key)?,
        condition: WriteCondition::of(None, input.if_match)?,
    };
    if publish::remove(store, &target)? {
        remove::settle(&store.files, &target.bucket, &target.key)?;
    }
    Ok(dto::DeleteObjectOutput::default())
}

/// Amazon S3, `DeleteObjects`. Neighbours share one fsync of their directory.
pub(super) fn many(store: &Store, input: dto::DeleteObjectsInput) -> Result<dto::DeleteObjectsOutput, Error> {
    let bucket = store.bucket(&input.bucket)?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > DELETE_KEYS_MAX {
        return Err(Error::Argument {
            name: "Delete",
            reason: format!("it takes 1 to {DELETE_KEYS_MAX} keys").into(),
        });
    }
    let is_quiet = input.delete.quiet.unwrap_or(false);
    let mut output = dto::DeleteObjectsOutput::default();
    let mut touched: Option<ObjectKey> = None;
    for identifier in input.delete.objects {
        let name = identifier.key.clone();
        match remove_one(store, &bucket, identifier) {
            Ok(removed) => {
                if let Some(key) = removed
                    && touched.as_ref().is_none_or(|before| before.parent() != key.parent())
                {
                    settle(store, &bucket, touched.replace(key))?;
                }
                if !is_quiet {
                    let deleted = dto::DeletedObject { key: Some(name), ..dto::DeletedObject::default() };
                    output.deleted.get_or_insert_default().push(deleted);
                }
            }
            Err(error) => output.errors.get_or_insert_default().push(wire_error(name, error)),
        }
    }
    settle(store, &bucket, touched)?;
    Ok(output)
}

/// Removes one key of many; the key comes back if something lay under it.
fn remove_one(
    store: &Store,
    bucket: &Bucket,
    identifier: dto::ObjectIdentifier,
) -> Result<Option<ObjectKey>, Error> {
    check_version(identifier.version_id.as_deref())?;
    let condition = WriteCondition::of(None, identifier.e_tag.map(dto::ETagCondition::ETag))?;
    let target = Target { bucket: bucket.clone(), key: ObjectKey::parse(&identifier.key)?, condition };
    let removed = publish::remove(store, &target)?;
    Ok(removed.then_some(target.key))
}

fn settle(store: &Store, bucket: &Bucket, key: Option<ObjectKey>) -> Result<(), Error> {
    if let Some(key) = key {
        remove::settle(&store.files, bucket, &key)?;
    }
    Ok(())
}

fn wire_error(key: String, error: Error) -> dto::Error {
    let error = s3s::S3Error::from(error);
    dto::Error {
        code: Some(error.code().as_str().to_owned()),
        message: error.message().map(str::to_owned),
        key: Some(key),
        ..dto::Error::default()
    }
}
