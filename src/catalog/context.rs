//! What every handler of the catalog works with.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::bearer::Tokens;
use super::dropped::Dropped;
use super::error::Error;
use super::forms::Forms;
use super::locks::Locks;
use super::metadata_files::MetadataFiles;
use super::scan_state::Scans;
use crate::auth::session::Sessions;
use crate::clock::Clock;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::view::ViewMetadata;
use crate::sigv4::credential::Credential;
use crate::state::embedded::Store;
use crate::storage::Buckets;
use crate::storage::pending::Pending;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) buckets: Buckets,
    pub(super) root: Credential,
    pub(super) tokens: Tokens,
    pub(super) sessions: Sessions,
    pub(super) public_url: String,
    pub(super) region: String,
    pub(super) clock: Clock,
    pub(super) tables: MetadataFiles<TableMetadata>,
    pub(super) forms: Forms,
    pub(super) views: MetadataFiles<ViewMetadata>,
    pub(super) locks: Locks,
    /// Directories and buckets that are being removed.
    pub(super) removals: Pending,
    /// The calls that there are, as the configuration lists them.
    pub(super) endpoints: Vec<String>,
    pub(super) scans: Scans,
    pub(super) dropped: Dropped,
}

impl std::ops::Deref for Context {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

/// A JSON body, with its bytes; what is wrong with it is told with the path of the field.
pub(super) struct Payload<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Payload<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Error::Json { reason: error.body_text() })?;
        Ok(Self { value: parse(&bytes)?, bytes })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    // serde would take an array for the fields of an object in order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Error::Json { reason: "it is not a JSON object".into() });
    }
    axum::Json::from_bytes(bytes).map(|axum::Json(value)| value).map_err(|rejection| {
        // The source is the parser's text, which begins with the path of the field.
        let source = std::error::Error::source(&rejection).map(ToString::to_string);
        Error::Json { reason: source.unwrap_or_else(|| rejection.body_text()) }
    })
}
