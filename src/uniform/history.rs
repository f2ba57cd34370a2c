//! What all schemas of a table tell of its fields.
//!
//! Files are older than the schema that they are read with. What names and types their columns had is in the schemas
//! before, as long as the metadata still has all of them: writers drop those that no snapshot refers to.

use std::collections::{BTreeSet, HashMap};

use super::error::Error;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema_index::Place;
use crate::iceberg::types::Type;
use crate::limits::uniform::HISTORY_FIELDS_MAX;

/// Fields by id and by path, over all schemas that are known.
#[derive(Debug, Default)]
pub(super) struct History<'m> {
    /// Whether no schema is missing.
    is_complete: bool,
    schema_count: usize,
    fields: HashMap<i32, Vec<Seen<'m>>>,
    /// By path in lower case, since readers of Parquet files may ignore case; `None` for one that two fields had.
    owners: HashMap<String, Option<i32>>,
}

/// A field in one schema.
#[derive(Debug)]
struct Seen<'m> {
    path: String,
    field_type: &'m Type,
}

impl<'m> History<'m> {
    /// # Errors
    /// [`Error::Schema`].
    pub(super) fn of(metadata: &'m TableMetadata) -> Result<Self, Error> {
        let schemas = metadata.schemas();
        let ids: BTreeSet<i32> = schemas.iter().map(|schema| schema.id).collect();
        let is_complete = !ids.is_empty() && ids.iter().zip(0..).all(|(id, number)| *id == number);
        let mut history = Self { is_complete, ..Self::default() };
        let mut field_count = 0;
        for schema in schemas {
            let index = schema.index().map_err(|source| Error::Schema { id: schema.id, source })?;
            field_count += index.places().len();
            if field_count > HISTORY_FIELDS_MAX {
                history.is_complete = false;
                break;
            }
            history.schema_count += 1;
            index.places().iter().for_each(|place| history.add(place));
        }
        let all_seen = (1..=metadata.last_column_id()).all(|id| history.fields.contains_key(&id));
        history.is_complete &= all_seen;
        Ok(history)
    }

    fn add(&mut self, place: &Place<'m>) {
        let path = place.name.to_lowercase();
        let owner = self.owners.entry(path).or_insert(Some(place.id));
        *owner = owner.filter(|id| *id == place.id);
        let seen = Seen { path: place.name.clone(), field_type: place.field_type };
        self.fields.entry(place.id).or_default().push(seen);
    }

    /// Whether every schema that the table ever had is known.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether the field always had this path and this type, and nothing else ever had that path.
    pub(super) fn is_unchanged(&self, place: &Place<'_>) -> bool {
        let is_same = |seen: &Seen<'_>| seen.path == place.name && is_same(seen.field_type, place.field_type);
        let owner = self.owners.get(&place.name.to_lowercase()).copied().flatten();
        owner == Some(place.id) && self.fields.get(&place.id).into_iter().flatten().all(is_same)
    }

    /// Whether every schema of the table has the field.
    pub(super) fn is_in_all(&self, id: i32) -> bool {
        self.is_complete && self.fields.get(&id).map_or(0, Vec::len) == self.schema_count
    }

    /// The other types that the field had, oldest first.
    pub(super) fn other_types(&self, id: i32, current: &Type) -> Vec<&'m Type> {
        let mut others: Vec<&Type> = Vec::new();
        for seen in self.fields.get(&id).into_iter().flatten() {
            if !is_same(seen.field_type, current)
                && !others.iter().any(|other| is_same(other, seen.field_type))
            {
                others.push(seen.field_type);
            }
        }
        others
    }
}

/// Whether both are the same without a look at parts, which have ids of their own. A column of unknown type is in no file.
fn is_same(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Primitive(one), Type::Primitive(other)) => {
            one == other || *one.primitive() == Primitive::Unknown
        }
        (Type::Struct(_), Type::Struct(_))
        | (Type::List(_), Type::List(_))
        | (Type::Map(_), Type::Map(_)) => true,
        (Type::Primitive(one), _) => *one.primitive() == Primitive::Unknown,
        (Type::Struct(_) | Type::List(_) | Type::Map(_), _) => false,
    }
}
