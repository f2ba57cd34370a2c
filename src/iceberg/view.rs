//! The metadata of a view, and its JSON.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{Error, MetadataFault};
use super::file_text;
use super::properties::Properties;
use super::schema::Schema;
use super::view_version::{ViewLogEntry, ViewVersion};

/// The only format version of views.
pub const VIEW_FORMAT_VERSION: u8 = 1;

/// A view as one of its metadata files describes it. Never changed: a commit makes another one.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewMetadata {
    pub(super) uuid: String,
    pub(super) location: String,
    pub(super) schemas: Vec<Arc<Schema>>,
    pub(super) current_version_id: i32,
    pub(super) versions: Vec<ViewVersion>,
    pub(super) version_log: Vec<ViewLogEntry>,
    pub(super) properties: Properties,
    /// Fields that we do not know.
    pub(super) rest: Map<String, Value>,
}

/// The only field that is looked at before the version is known.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Versioned {
    format_version: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Written {
    #[serde(rename = "format-version")]
    _format_version: u8,
    view_uuid: String,
    location: String,
    schemas: Vec<Schema>,
    current_version_id: i32,
    versions: Vec<ViewVersion>,
    version_log: Vec<ViewLogEntry>,
    properties: Option<Properties>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rendered<'a> {
    view_uuid: &'a str,
    format_version: u8,
    location: &'a str,
    properties: &'a Properties,
    schemas: Vec<&'a Schema>,
    current_version_id: i32,
    versions: &'a [ViewVersion],
    version_log: &'a [ViewLogEntry],
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
}

impl ViewMetadata {
    /// Reads a metadata file, packed with gzip or not.
    ///
    /// # Errors
    /// [`Error::Metadata`], [`Error::Version`] and [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let plain = file_text::unpacked(bytes)?;
        let json = |error: serde_json::Error| MetadataFault::Json(error.to_string());
        let version = serde_json::from_slice::<Versioned>(&plain).map_err(json)?.format_version;
        if version != i64::from(VIEW_FORMAT_VERSION) {
            return Err(Error::Version { version });
        }
        let written: Written = serde_json::from_slice(&plain).map_err(json)?;
        let view = Self {
            uuid: written.view_uuid,
            location: written.location,
            schemas: written.schemas.into_iter().map(Arc::new).collect(),
            current_version_id: written.current_version_id,
            versions: written.versions,
            version_log: written.version_log,
            properties: written.properties.unwrap_or_default(),
            rest: written.rest,
        };
        view.check()?;
        Ok(view)
    }

    /// The text of a metadata file.
    pub fn to_json(&self) -> Vec<u8> {
        let rendered = Rendered {
            view_uuid: &self.uuid,
            format_version: VIEW_FORMAT_VERSION,
            location: &self.location,
            properties: &self.properties,
            schemas: self.schemas.iter().map(AsRef::as_ref).collect(),
            current_version_id: self.current_version_id,
            versions: &self.versions,
            version_log: &self.version_log,
            rest: &self.rest,
        };
        // Writing into memory does not fail, and no map here has keys that are no strings.
        serde_json::to_vec(&rendered).unwrap_or_default()
    }

    fn check(&self) -> Result<(), MetadataFault> {
        unique("schemas", self.schemas.iter().map(|schema| schema.id))?;
        unique("view versions", self.versions.iter().map(|version| version.id))?;
        self.schemas.iter().try_for_each(|schema| schema.check())?;
        let not_there = |what, id: i32| MetadataFault::NotThere { what, id: id.into() };
        let current = self.current_version();
        let current = current.ok_or_else(|| not_there("view version", self.current_version_id))?;
        match self.schema(current.schema_id) {
            Some(_) => Ok(()),
            None => Err(not_there("schema", current.schema_id)),
        }
    }

    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    pub fn location(&self) -> &str {
        &self.location
    }

    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    pub fn schema(&self, id: i32) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|schema| schema.id == id)
    }

    pub fn versions(&self) -> &[ViewVersion] {
        &self.versions
    }

    pub fn version(&self, id: i32) -> Option<&ViewVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub fn current_version_id(&self) -> i32 {
        self.current_version_id
    }

    pub fn current_version(&self) -> Option<&ViewVersion> {
        self.version(self.current_version_id)
    }

    pub fn version_log(&self) -> &[ViewLogEntry] {
        &self.version_log
    }
}

fn unique(what: &'static str, ids: impl Iterator<Item = i32>) -> Result<(), MetadataFault> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(MetadataFault::Twice { what, id: id.into() });
        }
    }
    Ok(())
}
