//! The records of the state store, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::encode::url_path;

/// A named set of tables that is granted as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    /// What the provider says of the share besides, shown to recipients.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub schemas: Vec<Schema>,
}

/// A schema of a share; it exists as long as it has tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    pub name: String,
    pub tables: Vec<Table>,
}

/// A table under its shared name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub id: Uuid,
    pub name: String,
    #[serde(flatten)]
    pub source: TableSource,
    #[serde(default)]
    pub options: TableOptions,
}

/// What recipients may read of a shared table beyond its latest version, and what they may not.
///
/// A field that is not known here is an error wherever options are read: to pass over a filter would show what is
/// not shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TableOptions {
    /// Whether earlier versions, and the changes between versions, may be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// The oldest version that may be read; only with `history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_version: Option<i64>,
    /// For each partition column the values whose files are listed, as the log spells them; `None` is null.
    /// Empty: all files.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub partition_filter: PartitionFilter,
    /// Whether the table's directory may be read with temporary credentials; only where everything may be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub directory_access: bool,
    /// Places outside of the table, `bucket/path` without slashes around it, whose files the table may list, as
    /// shallow clones do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_locations: Vec<String>,
}

impl TableOptions {
    /// Whether files at `place` may be listed: `//bucket/…`, encoded for a URL path.
    pub fn allows(&self, place: &[u8]) -> bool {
        self.allowed_locations.iter().any(|location| {
            let mut allowed = b"//".to_vec();
            url_path::encode_into(location.as_bytes(), &mut allowed);
            allowed.push(b'/');
            place.starts_with(&allowed)
        })
    }
}

/// Partition columns and their shared values.
pub type PartitionFilter = BTreeMap<String, Vec<Option<String>>>;

/// Where a shared table lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "sourceType", rename_all = "lowercase")]
pub enum TableSource {
    /// A Delta table at `location`, a path inside `bucket` without leading or trailing slash.
    Delta { bucket: String, location: String },
    /// An Iceberg table of the catalog.
    Uniform {
        /// Its data lies in the bucket of the same name.
        warehouse: String,
        namespace: Vec<String>,
        table: String,
        /// The branch or tag that is shared; `None`: the main branch.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// An Iceberg table without a catalog: its newest metadata file lies below `location`, a path inside `bucket`.
    Iceberg {
        bucket: String,
        location: String,
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
}

impl TableSource {
    /// The bucket whose files are the table's own.
    pub fn bucket(&self) -> &str {
        match self {
            Self::Delta { bucket, .. } | Self::Iceberg { bucket, .. } => bucket,
            Self::Uniform { warehouse, .. } => warehouse,
        }
    }

    /// Below which path of the bucket its files lie: a table of the catalog may have them anywhere in its warehouse.
    pub fn location(&self) -> &str {
        match self {
            Self::Delta { location, .. } | Self::Iceberg { location, .. } => location,
            Self::Uniform { .. } => "",
        }
    }
}

impl std::fmt::Display for TableSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reference = match self {
            Self::Delta { bucket, location } => return write!(f, "at {location:?} in bucket {bucket:?}"),
            Self::Uniform { warehouse, namespace, table, reference } => {
                let levels = namespace.join(".");
                write!(f, "{:?} in warehouse {warehouse:?}", format!("{levels}.{table}"))?;
                reference
            }
            Self::Iceberg { bucket, location, reference } => {
                write!(f, "at {location:?} in bucket {bucket:?}")?;
                reference
            }
        };
        reference.as_ref().map_or(Ok(()), |name| write!(f, ", branch or tag {name:?}"))
    }
}

/// One version of an Iceberg table, as recipients count them: which state of the table it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableVersion {
    pub version: i64,
    /// `None`: the table before its first snapshot.
    pub snapshot_id: Option<i64>,
    pub schema_id: i32,
    /// When the state became the shared one, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// A bearer token at rest: its digest, never the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: Uuid,
    /// SHA-256 of the token's text.
    pub digest: [u8; 32],
    /// The shares it opens.
    pub share_ids: Vec<Uuid>,
    pub description: Option<String>,
    pub created_ms: i64,
    /// `None`: never expires.
    pub expires_ms: Option<i64>,
}

/// The key pair with which presigned URLs are signed; it opens GET and HEAD of objects only.
/// `Debug` never shows the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningCredential {
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for SigningCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningCredential").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}
