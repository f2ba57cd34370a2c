//! Where shared tables lie, as columns.

use rusqlite::Row;

use super::query::column;
use crate::state::catalog::{join_levels, split_levels};
use crate::state::error::Error;
use crate::state::record::TableSource;

const DELTA: &str = "delta";
const UNIFORM: &str = "uniform";
const ICEBERG: &str = "iceberg";

/// A source as its columns hold it.
pub(super) struct Columns<'a> {
    pub(super) source_type: &'static str,
    /// The warehouse of a table of the catalog.
    pub(super) bucket: &'a str,
    pub(super) location: Option<&'a str>,
    pub(super) namespace: Option<String>,
    pub(super) entry: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(source: &'a TableSource) -> Self {
        let of_bucket = |source_type, bucket, location, reference| Self {
            source_type,
            bucket,
            location: Some(location),
            namespace: None,
            entry: None,
            reference,
        };
        match source {
            TableSource::Delta { bucket, location } => of_bucket(DELTA, bucket, location, None),
            TableSource::Iceberg { bucket, location, reference } => {
                of_bucket(ICEBERG, bucket, location, reference.as_deref())
            }
            TableSource::Uniform { warehouse, namespace, table, reference } => Self {
                source_type: UNIFORM,
                bucket: warehouse,
                location: None,
                namespace: Some(join_levels(namespace)),
                entry: Some(table),
                reference: reference.as_deref(),
            },
        }
    }
}

/// The source whose columns begin at number `first`, in the order of [`Columns`].
pub(super) fn read(row: &Row<'_>, first: usize) -> Result<TableSource, Error> {
    let source_type: String = column(row, first)?;
    let text = |number: usize| column::<String>(row, first + number);
    match source_type.as_str() {
        DELTA => Ok(TableSource::Delta { bucket: text(1)?, location: text(2)? }),
        UNIFORM => Ok(TableSource::Uniform {
            warehouse: text(1)?,
            namespace: split_levels(&text(3)?),
            table: text(4)?,
            reference: column(row, first + 5)?,
        }),
        ICEBERG => Ok(TableSource::Iceberg {
            bucket: text(1)?,
            location: text(2)?,
            reference: column(row, first + 5)?,
        }),
        _ => Err(Error::Stored { field: "a table's source type", value: source_type }),
    }
}
