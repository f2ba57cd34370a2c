//! What clients ask of buckets that have no settings.

use s3s::dto;

use super::error::Error;
use super::read;
use super::store::Store;
use super::wire;
use crate::storage::files::object_path::ObjectKey;

/// A setting that Amazon S3 answers with 404 and its own `code` where it was never made.
pub(super) fn absent<T>(
    store: &Store,
    bucket: &str,
    code: &'static str,
    what: &'static str,
) -> Result<T, Error> {
    store.bucket(bucket)?;
    Err(Error::NotConfigured { code, what })
}

/// A setting whose absence is an empty answer.
pub(super) fn nothing<T: Default>(store: &Store, bucket: &str) -> Result<T, Error> {
    store.bucket(bucket)?;
    Ok(T::default())
}

/// Amazon S3, `GetBucketVersioning`: never switched on.
pub(super) fn versioning(store: &Store, bucket: &str) -> Result<dto::GetBucketVersioningOutput, Error> {
    nothing(store, bucket)
}

/// Amazon S3, `PutBucketVersioning`: may be suspended, which it is.
pub(super) fn put_versioning(
    store: &Store,
    input: &dto::PutBucketVersioningInput,
) -> Result<dto::PutBucketVersioningOutput, Error> {
    store.bucket(&input.bucket)?;
    match input.versioning_configuration.status.as_ref().map(dto::BucketVersioningStatus::as_str) {
        Some(dto::BucketVersioningStatus::ENABLED) => Err(Error::NotServed { what: "versioning".into() }),
        _ => Ok(dto::PutBucketVersioningOutput::default()),
    }
}

fn full_control() -> Vec<dto::Grant> {
    let dto::Owner { display_name, id } = wire::owner();
    let grantee = dto::Grantee {
        display_name,
        id,
        type_: dto::Type::from_static(dto::Type::CANONICAL_USER),
        email_address: None,
        uri: None,
    };
    let permission = dto::Permission::from_static(dto::Permission::FULL_CONTROL);
    vec![dto::Grant { grantee: Some(grantee), permission: Some(permission) }]
}

/// Amazon S3, `GetBucketAcl`.
pub(super) fn bucket_acl(store: &Store, bucket: &str) -> Result<dto::GetBucketAclOutput, Error> {
    store.bucket(bucket)?;
    Ok(dto::GetBucketAclOutput { grants: Some(full_control()), owner: Some(wire::owner()) })
}

/// Amazon S3, `GetObjectAcl`.
pub(super) fn object_acl(
    store: &Store,
    input: &dto::GetObjectAclInput,
) -> Result<dto::GetObjectAclOutput, Error> {
    read::open(&store.bucket(&input.bucket)?, &ObjectKey::parse(&input.key)?)?;
    Ok(dto::GetObjectAclOutput {
        grants: Some(full_control()),
        owner: Some(wire::owner()),
        ..dto::GetObjectAclOutput::default()
    })
}

/// Amazon S3, `GetObjectTagging`: no object has tags.
pub(super) fn object_tagging(
    store: &Store,
    input: &dto::GetObjectTaggingInput,
) -> Result<dto::GetObjectTaggingOutput, Error> {
    read::open(&store.bucket(&input.bucket)?, &ObjectKey::parse(&input.key)?)?;
    Ok(dto::GetObjectTaggingOutput { tag_set: Vec::new(), version_id: None })
}

/// Amazon S3, `GetBucketRequestPayment`.
pub(super) fn request_payment(
    store: &Store,
    bucket: &str,
) -> Result<dto::GetBucketRequestPaymentOutput, Error> {
    store.bucket(bucket)?;
    Ok(dto::GetBucketRequestPaymentOutput { payer: Some(dto::Payer::from_static(dto::Payer::BUCKET_OWNER)) })
}
