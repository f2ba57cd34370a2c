//! Options of shared tables and properties of shares, as typed.

use std::collections::BTreeMap;

use crate::limits;
use crate::state::record::{TableOptions, TableSource};

/// Refuses options that contradict each other, with the field that is wrong and the reason.
pub(super) fn check(options: &TableOptions, source: &TableSource) -> Result<(), (&'static str, String)> {
    if !matches!(source, TableSource::Delta { .. }) {
        if options.directory_access {
            return Err((
                "directoryAccess",
                "is for Delta tables, whose readers find their way by the log".into(),
            ));
        }
        if !options.partition_filter.is_empty() {
            return Err(("partitionFilter", "is for Delta tables; Iceberg tables are shared whole".into()));
        }
    }
    match options.start_version {
        Some(version) if version < 0 => return Err(("startVersion", "cannot be negative".into())),
        Some(_) if !options.history => {
            return Err((
                "startVersion",
                "needs \"history\": true; without it only the latest version is read".into(),
            ));
        }
        _ => {}
    }
    check_filter(options).map_err(|reason| ("partitionFilter", reason))?;
    let shares_all =
        options.history && options.start_version.is_none() && options.partition_filter.is_empty();
    if options.directory_access && !options.allowed_locations.is_empty() {
        let reason = "opens the table's own directory alone, so it goes with no allowedLocations";
        return Err(("directoryAccess", reason.into()));
    }
    if options.directory_access && !shares_all {
        let reason = "shows every file and every version of the table, so it needs \"history\": true and neither \
                      startVersion nor partitionFilter";
        return Err(("directoryAccess", reason.into()));
    }
    Ok(())
}

fn check_filter(options: &TableOptions) -> Result<(), String> {
    let filter = &options.partition_filter;
    if filter.len() > limits::PARTITION_COLUMNS_MAX {
        return Err(format!("names more than {} columns", limits::PARTITION_COLUMNS_MAX));
    }
    if let Some((column, _)) = filter.iter().find(|(_, values)| values.is_empty()) {
        return Err(format!("has no value for the column {column:?}, so that no file would be listed"));
    }
    if filter.values().map(Vec::len).sum::<usize>() > limits::PARTITION_FILTER_VALUES_MAX {
        return Err(format!("has more than {} values", limits::PARTITION_FILTER_VALUES_MAX));
    }
    let mut folded: Vec<String> = filter.keys().map(|column| column.to_lowercase()).collect();
    folded.sort();
    if folded.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err("names a column twice; names do not differ by case alone".into());
    }
    Ok(())
}

/// Refuses properties beyond the bounds of the protocol (Delta Sharing, "Get Share").
pub(super) fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), String> {
    if properties.len() > limits::SHARE_PROPERTIES_MAX {
        return Err(format!("has more than {} pairs", limits::SHARE_PROPERTIES_MAX));
    }
    for (key, value) in properties {
        if key.is_empty() || key.chars().count() > limits::PROPERTY_KEY_CHARS_MAX {
            return Err(format!(
                "has the key {key:?}, which has not between 1 and {} characters",
                limits::PROPERTY_KEY_CHARS_MAX
            ));
        }
        if value.chars().count() > limits::PROPERTY_VALUE_CHARS_MAX {
            return Err(format!(
                "has more than {} characters under {key:?}",
                limits::PROPERTY_VALUE_CHARS_MAX
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> TableOptions {
        serde_json::from_str(json).unwrap()
    }

    fn delta() -> TableSource {
        TableSource::Delta { bucket: "b".into(), location: "t".into() }
    }

    #[test]
    fn options_that_agree_are_taken() {
        for json in [
            "{}",
            r#"{"history":true,"startVersion":0}"#,
            r#"{"partitionFilter":{"region":["EU",null]}}"#,
            r#"{"history":true,"directoryAccess":true}"#,
        ] {
            assert_eq!(check(&options(json), &delta()), Ok(()), "{json}");
        }
    }

    #[test]
    fn options_that_contradict_each_other_are_named() {
        for (json, field) in [
            (r#"{"startVersion":3}"#, "startVersion"),
            (r#"{"history":true,"startVersion":-1}"#, "startVersion"),
            (r#"{"partitionFilter":{"region":[]}}"#, "partitionFilter"),
            (r#"{"partitionFilter":{"a":["1"],"A":["2"]}}"#, "partitionFilter"),
            (r#"{"directoryAccess":true}"#, "directoryAccess"),
            (r#"{"history":true,"directoryAccess":true,"allowedLocations":["b/t"]}"#, "directoryAccess"),
            (r#"{"history":true,"directoryAccess":true,"startVersion":1}"#, "directoryAccess"),
            (r#"{"history":true,"directoryAccess":true,"partitionFilter":{"a":["1"]}}"#, "directoryAccess"),
        ] {
            assert_eq!(check(&options(json), &delta()).unwrap_err().0, field, "{json}");
        }
    }

    #[test]
    fn properties_have_the_bounds_of_the_protocol() {
        let pairs = |count: usize| (0..count).map(|number| (format!("k{number}"), String::new())).collect();
        assert_eq!(check_properties(&pairs(50)), Ok(()));
        assert!(check_properties(&pairs(51)).is_err());
        let pair = |key: usize, value: usize| [("k".repeat(key), "é".repeat(value))].into();
        assert_eq!(check_properties(&pair(255, 1000)), Ok(()));
        assert!(check_properties(&pair(256, 0)).is_err() && check_properties(&pair(0, 0)).is_err());
        assert!(check_properties(&pair(1, 1001)).is_err());
    }
}
