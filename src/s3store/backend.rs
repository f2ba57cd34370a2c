//! The operations that are served, each handed to its file.

use std::sync::Arc;

use s3s::{S3, S3Request, S3Response, S3Result, dto};

use super::error::Error;
use super::store::{Store, blocking};
use super::{bucket, complete, list, multipart, put, read, remove, settings, upload_list};

/// s3s's backend: the store, and how to reach it from a core.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    store: Arc<Store>,
}

impl Backend {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Runs an operation that is nothing but file work.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> S3Result<S3Response<T>> {
        let store = Arc::clone(&self.store);
        Ok(S3Response::new(blocking(move || work(&store)).await?))
    }
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        Ok(S3Response::new(read::get(&self.store, request.input).await?))
    }

    async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        Ok(S3Response::new(put::put(&self.store, request).await?))
    }

    async fn copy_object(
        &self,
        request: S3Request<dto::CopyObjectInput>,
    ) -> S3Result<S3Response<dto::CopyObjectOutput>> {
        Ok(S3Response::new(put::copy(&self.store, request).await?))
    }

    async fn upload_part(
        &self,
        request: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        Ok(S3Response::new(multipart::put_part(&self.store, request).await?))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        Ok(S3Response::new(complete::complete(&self.store, request).await?))
    }

    async fn head_object(
        &self,
        request: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        self.run(move |store| read::head(store, request.input)).await
    }

    async fn get_object_attributes(
        &self,
        request: S3Request<dto::GetObjectAttributesInput>,
    ) -> S3Result<S3Response<dto::GetObjectAttributesOutput>> {
        self.run(move |store| read::attributes(store, &request.input)).await
    }

    async fn delete_object(
        &self,
        request: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        self.run(move |store| remove::one(store, request.input)).await
    }

    async fn delete_objects(
        &self,
        request: S3Request<dto::DeleteObjectsInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectsOutput>> {
        self.run(move |store| remove::many(store, request.input)).await
    }

    async fn list_objects(
        &self,
        request: S3Request<dto::ListObjectsInput>,
    ) -> S3Result<S3Response<dto::ListObjectsOutput>> {
        self.run(move |store| list::objects(store, request.input)).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        self.run(move |store| list::objects_v2(store, request.input)).await
    }

    async fn list_object_versions(
        &self,
        request: S3Request<dto::ListObjectVersionsInput>,
    ) -> S3Result<S3Response<dto::ListObjectVersionsOutput>> {
        self.run(move |store| list::versions(store, request.input)).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        self.run(move |store| multipart::create(store, request)).await
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<dto::UploadPartCopyInput>,
    ) -> S3Result<S3Response<dto::UploadPartCopyOutput>> {
        self.run(move |store| multipart::copy_part(store, request.input)).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        self.run(move |store| multipart::abort(store, &request.input)).await
    }

    async fn list_parts(
        &self,
        request: S3Request<dto::ListPartsInput>,
    ) -> S3Result<S3Response<dto::ListPartsOutput>> {
        self.run(move |store| upload_list::parts(store, request.input)).await
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<dto::ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<dto::ListMultipartUploadsOutput>> {
        self.run(move |store| upload_list::uploads(store, request.input)).await
    }

    async fn create_bucket(
        &self,
        request: S3Request<dto::CreateBucketInput>,
    ) -> S3Result<S3Response<dto::CreateBucketOutput>> {
        self.run(move |store| bucket::create(store, &request.input)).await
    }

    async fn delete_bucket(
        &self,
        request: S3Request<dto::DeleteBucketInput>,
    ) -> S3Result<S3Response<dto::DeleteBucketOutput>> {
        self.run(move |store| bucket::remove(store, &request.input)).await
    }

    async fn list_buckets(
        &self,
        request: S3Request<dto::ListBucketsInput>,
    ) -> S3Result<S3Response<dto::ListBucketsOutput>> {
        self.run(move |store| bucket::list(store, request.input)).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<dto::HeadBucketInput>,
    ) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        self.run(move |store| bucket::head(store, &request.input.bucket)).await
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<dto::GetBucketLocationInput>,
    ) -> S3Result<S3Response<dto::GetBucketLocationOutput>> {
        self.run(move |store| bucket::location(store, &request.input.bucket)).await
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<dto::GetBucketVersioningInput>,
    ) -> S3Result<S3Response<dto::GetBucketVersioningOutput>> {
        self.run(move |store| settings::versioning(store, &request.input.bucket)).await
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<dto::PutBucketVersioningInput>,
    ) -> S3Result<S3Response<dto::PutBucketVersioningOutput>> {
        self.run(move |store| settings::put_versioning(store, &request.input)).await
    }

    async fn get_bucket_acl(
        &self,
        request: S3Request<dto::GetBucketAclInput>,
    ) -> S3Result<S3Response<dto::GetBucketAclOutput>> {
        self.run(move |store| settings::bucket_acl(store, &request.input.bucket)).await
    }

    async fn get_object_acl(
        &self,
        request: S3Request<dto::GetObjectAclInput>,
    ) -> S3Result<S3Response<dto::GetObjectAclOutput>> {
        self.run(move |store| settings::object_acl(store, &request.input)).await
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<dto::GetObjectTaggingInput>,
    ) -> S3Result<S3Response<dto::GetObjectTaggingOutput>> {
        self.run(move |store| settings::object_tagging(store, &request.input)).await
    }

    async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<dto::GetBucketNotificationConfigurationInput>,
    ) -> S3Result<S3Response<dto::GetBucketNotificationConfigurationOutput>> {
        self.run(move |store| settings::nothing(store, &request.input.bucket)).await
    }

    async fn get_bucket_request_payment(
        &self,
        request: S3Request<dto::GetBucketRequestPaymentInput>,
    ) -> S3Result<S3Response<dto::GetBucketRequestPaymentOutput>> {
        self.run(move |store| settings::request_payment(store, &request.input.bucket)).await
    }

    async fn get_bucket_logging(
        &self,
        request: S3Request<dto::GetBucketLoggingInput>,
    ) -> S3Result<S3Response<dto::GetBucketLoggingOutput>> {
        self.run(move |store| settings::nothing(store, &request.input.bucket)).await
    }

    async fn get_bucket_accelerate_configuration(
        &self,
        request: S3Request<dto::GetBucketAccelerateConfigurationInput>,
    ) -> S3Result<S3Response<dto::GetBucketAccelerateConfigurationOutput>> {
        self.run(move |store| settings::nothing(store, &request.input.bucket)).await
    }

    async fn get_object_lock_configuration(
        &self,
        request: S3Request<dto::GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<dto::GetObjectLockConfigurationOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "ObjectLockConfigurationNotFoundError", "object lock")
        })
        .await
    }

    async fn get_bucket_tagging(
        &self,
        request: S3Request<dto::GetBucketTaggingInput>,
    ) -> S3Result<S3Response<dto::GetBucketTaggingOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| settings::absent(store, &bucket, "NoSuchTagSet", "bucket tagging")).await
    }

    async fn get_bucket_policy(
        &self,
        request: S3Request<dto::GetBucketPolicyInput>,
    ) -> S3Result<S3Response<dto::GetBucketPolicyOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| settings::absent(store, &bucket, "NoSuchBucketPolicy", "a bucket policy")).await
    }

    async fn get_bucket_policy_status(
        &self,
        request: S3Request<dto::GetBucketPolicyStatusInput>,
    ) -> S3Result<S3Response<dto::GetBucketPolicyStatusOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| settings::absent(store, &bucket, "NoSuchBucketPolicy", "a bucket policy")).await
    }

    async fn get_bucket_cors(
        &self,
        request: S3Request<dto::GetBucketCorsInput>,
    ) -> S3Result<S3Response<dto::GetBucketCorsOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "NoSuchCORSConfiguration", "a CORS configuration")
        })
        .await
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<dto::GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<dto::GetBucketLifecycleConfigurationOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| settings::absent(store, &bucket, "NoSuchLifecycleConfiguration", "a lifecycle"))
            .await
    }

    async fn get_bucket_encryption(
        &self,
        request: S3Request<dto::GetBucketEncryptionInput>,
    ) -> S3Result<S3Response<dto::GetBucketEncryptionOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(
                store,
                &bucket,
                "ServerSideEncryptionConfigurationNotFoundError",
                "encryption by the server",
            )
        })
        .await
    }

    async fn get_bucket_website(
        &self,
        request: S3Request<dto::GetBucketWebsiteInput>,
    ) -> S3Result<S3Response<dto::GetBucketWebsiteOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| settings::absent(store, &bucket, "NoSuchWebsiteConfiguration", "a website"))
            .await
    }

    async fn get_bucket_replication(
        &self,
        request: S3Request<dto::GetBucketReplicationInput>,
    ) -> S3Result<S3Response<dto::GetBucketReplicationOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "ReplicationConfigurationNotFoundError", "replication")
        })
        .await
    }

    async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<dto::GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<dto::GetBucketOwnershipControlsOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "OwnershipControlsNotFoundError", "ownership control")
        })
        .await
    }

    async fn get_public_access_block(
        &self,
        request: S3Request<dto::GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<dto::GetPublicAccessBlockOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(
                store,
                &bucket,
                "NoSuchPublicAccessBlockConfiguration",
                "a block of public access",
            )
        })
        .await
    }

    async fn get_object_retention(
        &self,
        request: S3Request<dto::GetObjectRetentionInput>,
    ) -> S3Result<S3Response<dto::GetObjectRetentionOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "NoSuchObjectLockConfiguration", "object lock")
        })
        .await
    }

    async fn get_object_legal_hold(
        &self,
        request: S3Request<dto::GetObjectLegalHoldInput>,
    ) -> S3Result<S3Response<dto::GetObjectLegalHoldOutput>> {
        let bucket = request.input.bucket;
        self.run(move |store| {
            settings::absent(store, &bucket, "NoSuchObjectLockConfiguration", "object lock")
        })
        .await
    }
}
