//! What a commit demands of the table that it changes.

use serde::Deserialize;

use super::error::{Error, Unmet, UpdateFault};
use super::metadata::TableMetadata;
use crate::limits::iceberg::COMMIT_CHANGES_MAX;

/// A requirement of a table, as the REST protocol writes it (`TableRequirement`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Requirement {
    AssertCreate,
    AssertTableUuid {
        uuid: String,
    },
    AssertRefSnapshotId {
        #[serde(rename = "ref")]
        name: String,
        /// `None`: the reference must not exist.
        snapshot_id: Option<i64>,
    },
    AssertLastAssignedFieldId {
        last_assigned_field_id: i32,
    },
    AssertCurrentSchemaId {
        current_schema_id: i32,
    },
    AssertLastAssignedPartitionId {
        last_assigned_partition_id: i32,
    },
    AssertDefaultSpecId {
        default_spec_id: i32,
    },
    AssertDefaultSortOrderId {
        default_sort_order_id: i32,
    },
}

impl Requirement {
    /// Whether it holds for a table, or for its absence.
    ///
    /// # Errors
    /// [`Error::Requirement`] says which one does not.
    pub fn check(&self, table: Option<&TableMetadata>) -> Result<(), Error> {
        match (self, table) {
            (Self::AssertCreate, None) => Ok(()),
            (Self::AssertCreate, Some(_)) => Err(Unmet::Exists),
            // A table that is not there has given out no ids.
            (Self::AssertLastAssignedFieldId { .. } | Self::AssertLastAssignedPartitionId { .. }, None) => {
                Ok(())
            }
            (other, None) => Err(Unmet::NotThere { requirement: other.name() }),
            (other, Some(table)) => other.check_table(table),
        }
        .map_err(Error::Requirement)
    }

    fn check_table(&self, table: &TableMetadata) -> Result<(), Unmet> {
        match self {
            Self::AssertCreate => Err(Unmet::Exists),
            Self::AssertTableUuid { uuid } => {
                let actual = table.uuid().unwrap_or_default();
                if actual.eq_ignore_ascii_case(uuid) {
                    return Ok(());
                }
                Err(Unmet::TableUuid { actual: actual.to_owned(), wanted: uuid.clone() })
            }
            Self::AssertRefSnapshotId { name, snapshot_id } => check_reference(table, name, *snapshot_id),
            Self::AssertLastAssignedFieldId { last_assigned_field_id } => {
                same("last assigned field id", *last_assigned_field_id, table.last_column_id())
            }
            Self::AssertCurrentSchemaId { current_schema_id } => {
                same("current schema", *current_schema_id, table.current_schema_id())
            }
            Self::AssertLastAssignedPartitionId { last_assigned_partition_id } => {
                same("last assigned partition id", *last_assigned_partition_id, table.last_partition_id())
            }
            Self::AssertDefaultSpecId { default_spec_id } => {
                same("default partition spec", *default_spec_id, table.default_spec_id())
            }
            Self::AssertDefaultSortOrderId { default_sort_order_id } => {
                same("default sort order", *default_sort_order_id, table.default_sort_order_id())
            }
        }
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AssertCreate => "assert-create",
            Self::AssertTableUuid { .. } => "assert-table-uuid",
            Self::AssertRefSnapshotId { .. } => "assert-ref-snapshot-id",
            Self::AssertLastAssignedFieldId { .. } => "assert-last-assigned-field-id",
            Self::AssertCurrentSchemaId { .. } => "assert-current-schema-id",
            Self::AssertLastAssignedPartitionId { .. } => "assert-last-assigned-partition-id",
            Self::AssertDefaultSpecId { .. } => "assert-default-spec-id",
            Self::AssertDefaultSortOrderId { .. } => "assert-default-sort-order-id",
        }
    }
}

/// Whether a commit with these requirements makes a table. Then it may ask for nothing else.
pub fn is_create(requirements: &[Requirement]) -> Result<bool, Error> {
    let is_create = requirements.contains(&Requirement::AssertCreate);
    match requirements.iter().find(|requirement| **requirement != Requirement::AssertCreate) {
        Some(other) if is_create => {
            Err(Error::Update(UpdateFault::CreateRequirement { requirement: other.name() }))
        }
        Some(_) | None => Ok(is_create),
    }
}

/// Whether all requirements of a commit hold. The first that does not is told.
pub fn check_all(requirements: &[Requirement], table: Option<&TableMetadata>) -> Result<(), Error> {
    if requirements.len() > COMMIT_CHANGES_MAX {
        return Err(Error::TooManyChanges);
    }
    requirements.iter().try_for_each(|requirement| requirement.check(table))
}

fn same(what: &'static str, wanted: i32, actual: i32) -> Result<(), Unmet> {
    if wanted == actual { Ok(()) } else { Err(Unmet::Changed { what, wanted, actual }) }
}

fn check_reference(table: &TableMetadata, name: &str, wanted: Option<i64>) -> Result<(), Unmet> {
    let name = name.to_owned();
    match (table.refs().get(&name), wanted) {
        (None, None) => Ok(()),
        (None, Some(wanted)) => Err(Unmet::ReferenceMissing { name, wanted }),
        (Some(there), None) => Err(Unmet::ReferenceCreated { kind: there.kind.as_str(), name }),
        (Some(there), Some(wanted)) if there.snapshot_id == wanted => Ok(()),
        (Some(there), Some(wanted)) => {
            let (kind, actual) = (there.kind.as_str(), there.snapshot_id);
            Err(Unmet::ReferenceChanged { kind, name, wanted, actual })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{self, UUID, with_snapshots};
    use super::*;
    use crate::error::Kind;

    fn requirement(value: Value) -> Requirement {
        serde_json::from_value(value).unwrap()
    }

    fn told(table: Option<&TableMetadata>, value: Value) -> Option<String> {
        let error = requirement(value).check(table).err()?;
        assert_eq!(error.kind(), Kind::Conflict);
        Some(error.to_string())
    }

    #[test]
    fn a_requirement_that_does_not_hold_names_itself() {
        let table = with_snapshots(&fixture::table(2), 1);
        let there = Some(&table);
        for (right, wrong, says) in [
            (
                json!({"type": "assert-table-uuid", "uuid": UUID.to_uppercase()}),
                json!({"type": "assert-table-uuid", "uuid": "x"}),
                "UUID does not match",
            ),
            (
                json!({"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 1}),
                json!({"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 2}),
                "branch main has changed",
            ),
            (
                json!({"type": "assert-ref-snapshot-id", "ref": "b", "snapshot-id": null}),
                json!({"type": "assert-ref-snapshot-id", "ref": "b", "snapshot-id": 2}),
                "branch or tag b is missing",
            ),
            (
                json!({"type": "assert-ref-snapshot-id", "ref": "c"}),
                json!({"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null}),
                "created concurrently",
            ),
            (
                json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 3}),
                json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 4}),
                "last assigned field id changed",
            ),
            (
                json!({"type": "assert-current-schema-id", "current-schema-id": 0}),
                json!({"type": "assert-current-schema-id", "current-schema-id": 1}),
                "current schema changed",
            ),
            (
                json!({"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 1000}),
                json!({"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 999}),
                "partition id changed",
            ),
            (
                json!({"type": "assert-default-spec-id", "default-spec-id": 0}),
                json!({"type": "assert-default-spec-id", "default-spec-id": 1}),
                "default partition spec changed",
            ),
            (
                json!({"type": "assert-default-sort-order-id", "default-sort-order-id": 0}),
                json!({"type": "assert-default-sort-order-id", "default-sort-order-id": 1}),
                "default sort order changed",
            ),
        ] {
            assert_eq!(told(there, right), None);
            let told = told(there, wrong).unwrap();
            assert!(told.starts_with("Requirement failed: ") && told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_table_that_is_not_there_can_be_made_and_nothing_else() {
        let create = json!({"type": "assert-create"});
        assert_eq!(told(None, create.clone()), None);
        let table = fixture::table(2);
        assert_eq!(told(Some(&table), create).unwrap(), "Requirement failed: table already exists");
        let none = told(None, json!({"type": "assert-table-uuid", "uuid": UUID})).unwrap();
        assert!(none.contains("assert-table-uuid: table does not exist"), "{none}");
        let fields = json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 3});
        assert_eq!(told(None, fields.clone()), None);
        let create = Requirement::AssertCreate;
        assert_eq!(is_create(&[]), Ok(false));
        assert_eq!(is_create(std::slice::from_ref(&create)), Ok(true));
        assert_eq!(is_create(&[create, requirement(fields)]).unwrap_err().kind(), Kind::Invalid);
    }

    #[test]
    fn other_requirements_are_refused() {
        for wrong in [json!({"type": "assert-view-uuid", "uuid": UUID}), json!({"type": "assert-table-uuid"})]
        {
            assert!(serde_json::from_value::<Requirement>(wrong).is_err());
        }
    }
}
