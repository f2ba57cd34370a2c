//! Versions of views: queries, each in one or more dialects.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The only kind of representation that the specification has.
const SQL: &str = "sql";

/// What a view stood for from some time on. Never changed once it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ViewVersion {
    #[serde(rename = "version-id")]
    pub id: i32,
    pub timestamp_ms: i64,
    /// In updates, -1 is the schema that was added last.
    pub schema_id: i32,
    pub summary: BTreeMap<String, String>,
    pub representations: Vec<Representation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_catalog: Option<String>,
    pub default_namespace: Vec<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One way to say what a view is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Representation {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// When which version became the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ViewLogEntry {
    pub timestamp_ms: i64,
    pub version_id: i32,
}

/// Why a version is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Invalid view version: Cannot add multiple queries for dialect {dialect}")]
    DialectTwice { dialect: String },
    #[error("Invalid view version: a query has no text or no dialect")]
    NoQuery,
    #[error("Found unsupported view representations: {kind}")]
    Kind { kind: String },
    #[error("Invalid view version: it has no query")]
    Empty,
}

impl ViewVersion {
    /// Whether there is one query in each of its dialects.
    pub fn check(&self) -> Result<(), Fault> {
        if self.representations.is_empty() {
            return Err(Fault::Empty);
        }
        let mut dialects = BTreeSet::new();
        for representation in &self.representations {
            if representation.kind != SQL {
                return Err(Fault::Kind { kind: representation.kind.clone() });
            }
            let is_whole = representation.sql.is_some() && representation.dialect.is_some();
            let dialect = representation.dialect_in_lower_case();
            if !is_whole || dialect.is_empty() {
                return Err(Fault::NoQuery);
            }
            if !dialects.insert(dialect.clone()) {
                return Err(Fault::DialectTwice { dialect });
            }
        }
        Ok(())
    }

    /// The dialects of its queries, in lower case.
    pub fn dialects(&self) -> BTreeSet<String> {
        let queries = self.representations.iter().filter(|one| one.kind == SQL);
        queries.map(Representation::dialect_in_lower_case).collect()
    }

    /// Whether both mean the same, whatever their ids and times are.
    pub fn is_same(&self, other: &Self) -> bool {
        self.summary == other.summary
            && self.representations == other.representations
            && self.default_catalog == other.default_catalog
            && self.default_namespace == other.default_namespace
            && self.schema_id == other.schema_id
    }
}

impl Representation {
    fn dialect_in_lower_case(&self) -> String {
        self.dialect.as_deref().unwrap_or_default().to_lowercase()
    }
}
