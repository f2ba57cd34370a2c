//! What the Iceberg REST catalog is asked and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A warehouse as listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "kebab-case"))]
pub(crate) struct WarehouseInfo {
    pub name: String,
    pub bucket: String,
    pub uuid: String,
    pub created_at: String,
}

#[derive(Deserialize)]
pub(crate) struct WarehousesAnswer {
    pub warehouses: Vec<WarehouseInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct NewWarehouse<'a> {
    pub name: &'a str,
    pub upgrade_existing: bool,
}

/// What engines are told before anything else.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigAnswer {
    pub defaults: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct NamespaceBody {
    pub namespace: Vec<String>,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct NamespacesAnswer {
    pub namespaces: Vec<Vec<String>>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct PropertyChanges {
    pub removals: Vec<String>,
    pub updates: BTreeMap<String, String>,
}

/// What became of a change of properties.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PropertiesAnswer {
    pub updated: Vec<String>,
    pub removed: Vec<String>,
    /// To be removed, but not there.
    #[serde(default)]
    pub missing: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identifier {
    pub namespace: Vec<String>,
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct IdentifiersAnswer {
    pub identifiers: Vec<Identifier>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct NewTable {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    pub schema: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_spec: Option<Value>,
    pub properties: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Registration<'a> {
    pub name: &'a str,
    pub metadata_location: &'a str,
    pub overwrite: bool,
}

#[derive(Serialize)]
pub(crate) struct Renaming {
    pub source: Identifier,
    pub destination: Identifier,
}

/// A table or view as loaded. What else the answer holds, credentials among it, is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct LoadedTable {
    #[serde(default)]
    pub metadata_location: Option<String>,
    pub metadata: Value,
}

#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub error: ErrorModel,
}

#[derive(Deserialize)]
pub(crate) struct ErrorModel {
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
}
