//! Buckets: make, remove, list, and what they are asked about themselves.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use s3s::dto;

use super::error::{Error, io};
use super::listing::entries;
use super::store::Store;
use super::upload;
use super::walk::has_any;
use super::wire;
use crate::bucket_name;
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::{Bucket, DIRECTORY, sync_directory};

/// Amazon S3, `CreateBucket`.
pub(super) fn create(
    store: &Store,
    input: &dto::CreateBucketInput,
) -> Result<dto::CreateBucketOutput, Error> {
    let name = input.bucket.as_str();
    bucket_name::check_new(name).map_err(|reason| Error::BucketName { bucket: name.to_owned(), reason })?;
    if input.object_lock_enabled_for_bucket.unwrap_or(false) {
        return Err(Error::NotServed { what: "object lock".into() });
    }
    if !store.files.layout.make_bucket(name)? {
        return Err(Error::BucketExists { bucket: name.to_owned() });
    }
    Ok(dto::CreateBucketOutput { location: Some(format!("/{name}")) })
}

/// Amazon S3, `DeleteBucket`: directories that hold no object do not count, and go with it.
pub(super) fn remove(
    store: &Store,
    input: &dto::DeleteBucketInput,
) -> Result<dto::DeleteBucketOutput, Error> {
    let bucket = store.bucket(&input.bucket)?;
    let full = || Error::BucketNotEmpty { bucket: bucket.name.to_string() };
    if has_any(&bucket, "", &bucket.directory)? {
        return Err(full());
    }
    remove_empty_directories(&bucket)?;
    match rustix::fs::unlinkat(store.files.layout.data(), &*bucket.name, AtFlags::REMOVEDIR) {
        Ok(()) => {}
        Err(Errno::NOTEMPTY | Errno::EXIST) => return Err(full()),
        Err(Errno::NOENT) => return Err(FileError::NoSuchBucket { bucket: bucket.name.to_string() }.into()),
        Err(errno) => return Err(io("removing a bucket")(errno)),
    }
    sync_directory(store.files.layout.data())?;
    for upload in upload::all(store, &bucket.name)? {
        upload.remove(store, &bucket.name)?;
    }
    // Gone unless a new bucket of this name has begun an upload meanwhile.
    let _ = rustix::fs::unlinkat(store.files.layout.uploads(), &*bucket.name, AtFlags::REMOVEDIR);
    Ok(dto::DeleteBucketOutput::default())
}

/// Removes directories from the leaves up; only `rmdir`, so that nothing that holds a file can go.
fn remove_empty_directories(bucket: &Bucket) -> Result<(), Error> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        let Ok(directory) = rustix::fs::openat(
            &*bucket.directory,
            if path.is_empty() { "." } else { &path },
            DIRECTORY | OFlags::NOFOLLOW,
            Mode::empty(),
        ) else {
            continue;
        };
        for entry in entries(&directory)? {
            let entry = entry.map_err(io("removing a bucket"))?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let is_directory = entry.file_type() == FileType::Directory && !matches!(name, "." | "..");
            if is_directory {
                found.push(if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") });
            }
        }
    }
    for path in found.iter().rev().filter(|path| !path.is_empty()) {
        let _ = rustix::fs::unlinkat(&*bucket.directory, path, AtFlags::REMOVEDIR);
    }
    Ok(())
}

/// Amazon S3, `ListBuckets`.
pub(super) fn list(store: &Store, input: dto::ListBucketsInput) -> Result<dto::ListBucketsOutput, Error> {
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let size = usize::try_from(input.max_buckets.unwrap_or(10_000))
        .map_err(|_| Error::Argument { name: "max-buckets", reason: "it is negative".into() })?;
    let mut names = store.files.layout.bucket_names()?;
    names.retain(|name| name.starts_with(&prefix) && *name > after);
    let is_truncated = names.len() > size;
    names.truncate(size);
    let token = names.last().filter(|_| is_truncated).cloned();
    let buckets = names.into_iter().map(|name| dto::Bucket {
        creation_date: created(store, &name),
        bucket_region: Some(store.region.clone()),
        name: Some(name),
    });
    Ok(dto::ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(wire::owner()),
        continuation_token: token,
        prefix: input.prefix,
    })
}

fn created(store: &Store, name: &str) -> Option<dto::Timestamp> {
    let wanted = StatxFlags::BTIME | StatxFlags::MTIME;
    let stat = rustix::fs::statx(store.files.layout.data(), name, AtFlags::SYMLINK_NOFOLLOW, wanted).ok()?;
    let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let time = if has_birth { stat.stx_btime } else { stat.stx_mtime };
    Some(wire::timestamp(time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))))
}

/// Amazon S3, `HeadBucket`.
pub(super) fn head(store: &Store, name: &str) -> Result<dto::HeadBucketOutput, Error> {
    store.bucket(name)?;
    Ok(dto::HeadBucketOutput {
        bucket_region: Some(store.region.clone()),
        ..dto::HeadBucketOutput::default()
    })
}

/// Amazon S3, `GetBucketLocation`: the first region has no name.
pub(super) fn location(store: &Store, name: &str) -> Result<dto::GetBucketLocationOutput, Error> {
    store.bucket(name)?;
    let region = (store.region != "us-east-1").then(|| store.region.clone());
    let location_constraint = Some(dto::BucketLocationConstraint::from(region.unwrap_or_default()));
    Ok(dto::GetBucketLocationOutput { location_constraint })
}
