//! Properties of tables that say something about their metadata.

use std::collections::BTreeMap;

use super::schema_index::SchemaIndex;
use crate::limits::iceberg::METADATA_LOG_MAX;

pub type Properties = BTreeMap<String, String>;

/// Says which format version a new table has; it is never kept.
pub const FORMAT_VERSION: &str = "format-version";

/// Properties that stand for something else in the metadata, so that they are never kept (the reference implementation,
/// `TableProperties`).
const RESERVED: [&str; 9] = [
    FORMAT_VERSION,
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

/// The codec of new tables, which readers of older ones do not expect.
const NEW_TABLE_DEFAULTS: [(&str, &str); 1] = [("write.parquet.compression-codec", "zstd")];

const PREVIOUS_VERSIONS_MAX: &str = "write.metadata.previous-versions-max";
const PREVIOUS_VERSIONS_MAX_DEFAULT: usize = 100;

/// How clients repeat a commit; they read these as whole numbers.
const COMMIT_NUMBERS: [&str; 4] = [
    "commit.retry.num-retries",
    "commit.retry.min-wait-ms",
    "commit.retry.max-wait-ms",
    "commit.retry.total-timeout-ms",
];

const COLUMN_METRICS_PREFIX: &str = "write.metadata.metrics.column.";
const ENCRYPTION: [&str; 2] = ["encryption.key-id", "encryption.data-key-length"];

/// Why a table cannot have a property.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Table property {name} must have a non-negative integer value")]
    NotANumber { name: String },
    #[error("Invalid metrics config, could not find column {column} from table prop {name}")]
    NoSuchColumn { name: String, column: String },
    #[error("Invalid properties for v{version}: {name}")]
    TooNew { name: &'static str, version: u8 },
    #[error("Cannot parse {FORMAT_VERSION}: {value}")]
    FormatVersion { value: String },
}

pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The format version that properties ask for.
pub fn format_version(properties: &Properties) -> Result<Option<u8>, Fault> {
    let Some(value) = properties.get(FORMAT_VERSION) else { return Ok(None) };
    let version = value.trim().parse().map_err(|_| Fault::FormatVersion { value: value.clone() })?;
    Ok(Some(version))
}

/// What of these properties a new table keeps.
pub(super) fn of_new_table(properties: &Properties) -> Properties {
    let defaults = NEW_TABLE_DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let given = properties.iter().filter(|(name, _)| !is_reserved(name));
    defaults.chain(given.map(|(name, value)| (name.clone(), value.clone()))).collect()
}

/// Whether a new table of this schema and version can have the properties.
pub(super) fn check_new(
    properties: &Properties,
    schema: &SchemaIndex<'_>,
    format_version: u8,
) -> Result<(), Fault> {
    for name in COMMIT_NUMBERS {
        let is_right = |value: &String| value.parse::<i32>().is_ok_and(|number| number >= 0);
        if !properties.get(name).is_none_or(is_right) {
            return Err(Fault::NotANumber { name: name.to_owned() });
        }
    }
    for name in properties.keys() {
        if let Some(column) = name.strip_prefix(COLUMN_METRICS_PREFIX)
            && schema.find_name(column).is_none_or(|place| place.name != column)
        {
            return Err(Fault::NoSuchColumn { name: name.clone(), column: column.to_owned() });
        }
    }
    match ENCRYPTION.into_iter().find(|name| properties.contains_key(*name)) {
        Some(name) if format_version < 3 => Err(Fault::TooNew { name, version: format_version }),
        Some(_) | None => Ok(()),
    }
}

/// How many earlier metadata files are remembered: at least one, and the default where it is no number.
pub(super) fn previous_versions_max(properties: &Properties) -> usize {
    let given = properties.get(PREVIOUS_VERSIONS_MAX).and_then(|value| value.parse::<i64>().ok());
    let wanted = given.map(|count| usize::try_from(count).unwrap_or(0));
    wanted.unwrap_or(PREVIOUS_VERSIONS_MAX_DEFAULT).clamp(1, METADATA_LOG_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::Schema;
    use super::*;

    fn properties<const N: usize>(pairs: [(&str, &str); N]) -> Properties {
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn reserved_properties_are_not_kept_and_defaults_can_be_set() {
        let kept = of_new_table(&properties([("format-version", "3"), ("uuid", "x"), ("a", "b")]));
        assert_eq!(kept, properties([("a", "b"), ("write.parquet.compression-codec", "zstd")]));
        let kept = of_new_table(&properties([("write.parquet.compression-codec", "gzip")]));
        assert_eq!(kept, properties([("write.parquet.compression-codec", "gzip")]));
        assert_eq!(format_version(&properties([("format-version", "3")])), Ok(Some(3)));
        assert!(format_version(&properties([("format-version", "x")])).is_err());
        assert_eq!(format_version(&Properties::new()), Ok(None));
    }

    #[test]
    fn wrong_properties_of_a_new_table_are_refused() {
        let schema: Schema = serde_json::from_value(json!({"type": "struct", "fields": [
            {"id": 1, "name": "a", "required": true, "type": "int"}]}))
        .unwrap();
        let index = schema.index().unwrap();
        let check =
            |name: &str, value: &str, version| check_new(&properties([(name, value)]), &index, version);
        assert_eq!(check("commit.retry.num-retries", "3", 2), Ok(()));
        assert!(matches!(check("commit.retry.num-retries", "-3", 2), Err(Fault::NotANumber { .. })));
        assert!(matches!(check("commit.retry.min-wait-ms", "x", 2), Err(Fault::NotANumber { .. })));
        assert_eq!(check("write.metadata.metrics.column.a", "full", 2), Ok(()));
        assert!(matches!(
            check("write.metadata.metrics.column.b", "full", 2),
            Err(Fault::NoSuchColumn { .. })
        ));
        assert!(matches!(check("encryption.key-id", "k", 2), Err(Fault::TooNew { .. })));
        assert_eq!(check("encryption.key-id", "k", 3), Ok(()));
    }

    #[test]
    fn at_least_one_earlier_file_is_remembered() {
        let max = |value: &str| previous_versions_max(&properties([(PREVIOUS_VERSIONS_MAX, value)]));
        assert_eq!([max("5"), max("0"), max("-7"), max("x")], [5, 1, 1, 100]);
        assert_eq!(max("99999999999"), METADATA_LOG_MAX);
        assert_eq!(previous_versions_max(&Properties::new()), 100);
    }
}
