//! What the commands read of a view's metadata.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// View metadata; what is not shown is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Metadata {
    pub view_uuid: String,
    pub location: String,
    current_version_id: i64,
    #[serde(default)]
    versions: Vec<Version>,
    #[serde(default)]
    schemas: Vec<Value>,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Version {
    #[serde(rename = "version-id")]
    pub id: i64,
    pub schema_id: i64,
    pub timestamp_ms: i64,
    #[serde(default)]
    pub default_namespace: Vec<String>,
    #[serde(default)]
    pub representations: Vec<Value>,
}

impl Metadata {
    /// What engines read.
    pub(crate) fn current_version(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == self.current_version_id)
    }

    pub(crate) fn schema(&self, id: i64) -> Option<&Value> {
        self.schemas.iter().find(|schema| schema.get("schema-id").and_then(Value::as_i64) == Some(id))
    }
}
