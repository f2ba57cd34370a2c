//! New views and commits to views.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Map;
use uuid::Uuid;

use super::error::{Error, Unmet, ViewFault};
use super::properties::Properties;
use super::schema::Schema;
use super::view::ViewMetadata;
use super::view_draft::{self, ViewDraft};
use super::view_version::ViewVersion;
use crate::limits::iceberg::COMMIT_CHANGES_MAX;

/// Id of the first version of a view.
const FIRST_VERSION_ID: i32 = 1;

/// A requirement of a view, as the REST protocol writes it (`ViewRequirement`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ViewRequirement {
    AssertViewUuid { uuid: String },
}

/// A change, as the REST protocol writes it (`ViewUpdate`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum ViewUpdate {
    AssignUuid {
        uuid: String,
    },
    UpgradeFormatVersion {
        format_version: i32,
    },
    AddSchema {
        schema: Schema,
    },
    SetLocation {
        location: String,
    },
    SetProperties {
        #[serde(alias = "updated")]
        updates: BTreeMap<String, String>,
    },
    RemoveProperties {
        #[serde(alias = "removed")]
        removals: BTreeSet<String>,
    },
    AddViewVersion {
        view_version: ViewVersion,
    },
    /// -1 is the version that was added last.
    SetCurrentViewVersion {
        view_version_id: i32,
    },
}

/// What a view is made of. Its version gets the id 1, whatever it came with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewView {
    pub uuid: Uuid,
    pub location: String,
    pub schema: Schema,
    pub version: ViewVersion,
    pub properties: Properties,
}

impl ViewRequirement {
    /// Whether it holds for a view, or for its absence.
    ///
    /// # Errors
    /// [`Error::Requirement`] says which one does not.
    pub fn check(&self, view: Option<&ViewMetadata>) -> Result<(), Error> {
        let Self::AssertViewUuid { uuid } = self;
        let view = view.ok_or(Unmet::NoView { requirement: "assert-view-uuid" })?;
        if view.uuid().eq_ignore_ascii_case(uuid) {
            return Ok(());
        }
        Err(Unmet::ViewUuid { actual: view.uuid().to_owned(), wanted: uuid.clone() }.into())
    }
}

impl ViewMetadata {
    /// The metadata after a commit, or `None` if its updates change nothing.
    ///
    /// # Errors
    /// [`Error::Update`] for an update that is wrong, [`Error::TooManyChanges`].
    pub fn apply(&self, updates: &[ViewUpdate], now_ms: i64) -> Result<Option<Self>, Error> {
        if updates.len() > COMMIT_CHANGES_MAX {
            return Err(Error::TooManyChanges);
        }
        let mut draft = ViewDraft::of_view(self, now_ms);
        updates.iter().try_for_each(|update| apply(&mut draft, update))?;
        draft.finish()
    }
}

fn apply(draft: &mut ViewDraft, update: &ViewUpdate) -> Result<(), Error> {
    match update {
        ViewUpdate::AssignUuid { uuid } => draft.assign_uuid(uuid)?,
        ViewUpdate::UpgradeFormatVersion { format_version } => view_draft::check_version(*format_version)?,
        ViewUpdate::AddSchema { schema } => {
            draft.add_schema(schema)?;
        }
        ViewUpdate::SetLocation { location } => draft.set_location(location)?,
        ViewUpdate::SetProperties { updates } => draft.set_properties(updates),
        ViewUpdate::RemoveProperties { removals } => draft.remove_properties(removals),
        ViewUpdate::AddViewVersion { view_version } => draft.add_version(view_version)?,
        ViewUpdate::SetCurrentViewVersion { view_version_id } => {
            draft.set_current_version(*view_version_id)?;
        }
    }
    Ok(())
}

impl NewView {
    /// The first metadata of the view.
    ///
    /// # Errors
    /// [`Error::Update`], if the parts do not fit each other.
    pub fn build(self, now_ms: i64) -> Result<ViewMetadata, Error> {
        let view = ViewMetadata {
            uuid: self.uuid.to_string(),
            location: String::new(),
            schemas: Vec::new(),
            current_version_id: 0,
            versions: Vec::new(),
            version_log: Vec::new(),
            properties: Properties::new(),
            rest: Map::new(),
        };
        let mut draft = ViewDraft::of_nothing(view, now_ms);
        draft.set_location(&self.location)?;
        draft.set_properties(&self.properties);
        let schema_id = draft.add_schema(&self.schema)?;
        draft.add_version(&ViewVersion { id: FIRST_VERSION_ID, schema_id, ..self.version })?;
        draft.set_current_version(FIRST_VERSION_ID)?;
        draft.finish()?.ok_or(Error::Update(ViewFault::NoVersions.into()))
    }
}

#[cfg(test)]
mod tests;
