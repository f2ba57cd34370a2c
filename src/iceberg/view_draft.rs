//! A view's metadata while a commit changes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{Error, UpdateFault, ViewFault, next_id};
use super::properties::Properties;
use super::schema::Schema;
use super::view::{VIEW_FORMAT_VERSION, ViewMetadata};
use super::view_version::{ViewLogEntry, ViewVersion};

/// Stands for the schema or the version that was added last.
const LAST_ADDED: i32 = -1;

/// How many versions are kept.
const HISTORY_SIZE: &str = "version.history.num-entries";
const HISTORY_SIZE_DEFAULT: usize = 10;

/// Whether a new version may lack a dialect that the one before it had.
const DROP_DIALECT_ALLOWED: &str = "replace.drop-dialect.allowed";

/// Metadata in the making, by the rules of the reference implementation's builder.
pub(super) struct ViewDraft {
    view: ViewMetadata,
    now_ms: i64,
    is_changed: bool,
    last_added_schema: Option<i32>,
    last_added_version: Option<i32>,
    added_versions: BTreeSet<i32>,
    /// The current version before the commit, and whether there is one now.
    previous: Option<ViewVersion>,
    has_current: bool,
    log_entry: Option<ViewLogEntry>,
}

impl ViewDraft {
    pub(super) fn of_view(view: &ViewMetadata, now_ms: i64) -> Self {
        let previous = view.current_version().cloned();
        Self { previous, has_current: true, ..Self::of_nothing(view.clone(), now_ms) }
    }

    /// A view that has no version yet.
    pub(super) fn of_nothing(view: ViewMetadata, now_ms: i64) -> Self {
        Self {
            view,
            now_ms,
            is_changed: false,
            last_added_schema: None,
            last_added_version: None,
            added_versions: BTreeSet::new(),
            previous: None,
            has_current: false,
            log_entry: None,
        }
    }

    /// A view keeps its UUID for its whole life.
    pub(super) fn assign_uuid(&self, uuid: &str) -> Result<(), Error> {
        if self.view.uuid.eq_ignore_ascii_case(uuid) { Ok(()) } else { Err(UpdateFault::UuidAssigned.into()) }
    }

    pub(super) fn set_location(&mut self, location: &str) -> Result<(), Error> {
        if location.is_empty() {
            return Err(UpdateFault::NoLocation.into());
        }
        if self.view.location != location {
            location.clone_into(&mut self.view.location);
            self.is_changed = true;
        }
        Ok(())
    }

    pub(super) fn set_properties(&mut self, updates: &Properties) {
        self.is_changed |= !updates.is_empty();
        let updates = updates.iter().map(|(name, value)| (name.clone(), value.clone()));
        self.view.properties.extend(updates);
    }

    pub(super) fn remove_properties(&mut self, removals: &BTreeSet<String>) {
        self.is_changed |= !removals.is_empty();
        self.view.properties.retain(|name, _| !removals.contains(name));
    }

    /// Adds a schema, unless an equal one is there; gives its id.
    pub(super) fn add_schema(&mut self, schema: &Schema) -> Result<i32, Error> {
        schema.check()?;
        if let Some(same) = self.view.schemas.iter().find(|there| there.is_same(schema)) {
            return Ok(same.id);
        }
        let id = next_id(self.view.schemas.iter().map(|there| there.id), 0, "schema")?;
        let mut added = schema.clone();
        added.id = id;
        self.view.schemas.push(Arc::new(added));
        self.last_added_schema = Some(id);
        self.is_changed = true;
        Ok(id)
    }

    /// Adds a version, unless one that means the same is there.
    pub(super) fn add_version(&mut self, version: &ViewVersion) -> Result<(), Error> {
        let mut version = version.clone();
        if version.schema_id == LAST_ADDED {
            version.schema_id = self.last_added_schema.ok_or(UpdateFault::NoneAdded { what: "schema" })?;
        }
        if self.view.schema(version.schema_id).is_none() {
            return Err(ViewFault::UnknownSchema { id: version.schema_id }.into());
        }
        version.check()?;
        if let Some(same) = self.view.versions.iter().find(|there| there.is_same(&version)) {
            self.last_added_version = self.added_versions.contains(&same.id).then_some(same.id);
            return Ok(());
        }
        let ids = self.view.versions.iter().map(|there| there.id);
        version.id = version.id.max(next_id(ids, version.id, "view version")?);
        self.last_added_version = Some(version.id);
        self.added_versions.insert(version.id);
        self.view.versions.push(version);
        self.is_changed = true;
        Ok(())
    }

    pub(super) fn set_current_version(&mut self, id: i32) -> Result<(), Error> {
        let id =
            if id == LAST_ADDED { self.last_added_version.ok_or(ViewFault::NoVersionAdded)? } else { id };
        let version = self.view.version(id).ok_or(ViewFault::UnknownVersion { id })?;
        if self.has_current && self.view.current_version_id == id {
            return Ok(());
        }
        // Going back to an earlier version happens now, not when the version was made.
        let is_added = self.added_versions.contains(&id);
        let timestamp_ms = if is_added { version.timestamp_ms } else { self.now_ms };
        self.log_entry = Some(ViewLogEntry { timestamp_ms, version_id: id });
        self.view.current_version_id = id;
        self.has_current = true;
        self.is_changed = true;
        Ok(())
    }

    /// The new metadata, if anything changed.
    pub(super) fn finish(mut self) -> Result<Option<ViewMetadata>, Error> {
        if !self.has_current {
            return Err(ViewFault::NoVersions.into());
        }
        if !self.is_changed {
            return Ok(None);
        }
        self.check_dialects()?;
        self.view.version_log.extend(self.log_entry);
        let mut needed = self.added_versions.clone();
        needed.insert(self.view.current_version_id);
        let kept = history_size(&self.view.properties)?.max(needed.len());
        if self.view.versions.len() > kept {
            self.expire(kept);
        }
        Ok(Some(self.view))
    }

    fn check_dialects(&self) -> Result<(), Error> {
        let allowed = self.view.properties.get(DROP_DIALECT_ALLOWED);
        let is_allowed = allowed.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let current = self.view.current_version();
        let (Some(previous), Some(current), false) = (&self.previous, current, is_allowed) else {
            return Ok(());
        };
        let (previous, new) = (previous.dialects(), current.dialects());
        if new.is_superset(&previous) {
            return Ok(());
        }
        let (previous, new) = (previous.into_iter().collect(), new.into_iter().collect());
        Err(ViewFault::DialectLost { previous, new }.into())
    }

    /// Keeps the current version and the latest ones, and the log since the last version that is gone.
    fn expire(&mut self, kept: usize) {
        let current = self.view.current_version_id;
        let mut ids: Vec<i32> = self.view.versions.iter().map(|version| version.id).collect();
        ids.sort_by_key(|id| (std::cmp::Reverse(*id == current), std::cmp::Reverse(*id)));
        ids.truncate(kept);
        let ids: BTreeSet<i32> = ids.into_iter().collect();
        self.view.versions.retain(|version| ids.contains(&version.id));
        let log = &mut self.view.version_log;
        let gone = log.iter().rposition(|entry| !ids.contains(&entry.version_id));
        log.drain(..gone.map_or(0, |last| last + 1));
    }
}

/// Views have one format version only.
pub(super) fn check_version(version: i32) -> Result<(), Error> {
    match version.cmp(&VIEW_FORMAT_VERSION.into()) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(ViewFault::Downgrade { version }.into()),
        std::cmp::Ordering::Greater => Err(ViewFault::FormatVersion { version }.into()),
    }
}

fn history_size(properties: &Properties) -> Result<usize, ViewFault> {
    let Some(value) = properties.get(HISTORY_SIZE) else { return Ok(HISTORY_SIZE_DEFAULT) };
    let size = value.parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| ViewFault::HistorySize { value: value.clone() })
}
