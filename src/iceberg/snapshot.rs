//! Snapshots of a table, kept as the JSON that they came in.
//!
//! A table may have ten thousand. What commits look at is read once; the rest of the text is checked and then only
//! copied, so that a snapshot costs one allocation when it is read and one copy when it is written.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::limits::iceberg::JSON_DEPTH_MAX;

/// A snapshot. Cheap to clone.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    facts: Facts,
    raw: Box<RawValue>,
}

/// What is known of a snapshot without a look at its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub id: i64,
    pub parent_id: Option<i64>,
    /// 0 in tables of version 1.
    pub sequence_number: i64,
    pub timestamp_ms: i64,
    pub schema_id: Option<i32>,
    pub first_row_id: Option<i64>,
    pub added_rows: Option<i64>,
    /// Whether it names a manifest list; else it lists its manifests itself, as only version 1 may.
    pub has_manifest_list: bool,
}

/// What a writer says of all data files of a snapshot. Files with deletes count in the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    pub file_count: u64,
    pub size_bytes: u64,
}

/// Why JSON is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Cannot parse snapshot: {0}")]
    Json(String),
    #[error("Cannot parse snapshot {id}: it has neither a manifest list nor manifests")]
    NoManifests { id: i64 },
    #[error("Invalid {field} of snapshot {id} (cannot be negative)")]
    Negative { id: i64, field: &'static str },
    #[error("Invalid added-rows of snapshot {id} (required when first-row-id is set)")]
    NoAddedRows { id: i64 },
    #[error("Cannot parse snapshot: its objects lie more than {JSON_DEPTH_MAX} deep in each other")]
    TooDeep,
}

/// A snapshot's fields, as they are written. Fields that nobody asks for are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Written<'a> {
    snapshot_id: i64,
    parent_snapshot_id: Option<i64>,
    #[serde(default)]
    sequence_number: i64,
    timestamp_ms: i64,
    schema_id: Option<i32>,
    first_row_id: Option<i64>,
    added_rows: Option<i64>,
    #[serde(borrow)]
    manifest_list: Option<Cow<'a, str>>,
    #[serde(borrow)]
    manifests: Option<Vec<Cow<'a, str>>>,
    #[serde(default, rename = "summary")]
    _summary: Option<Texts>,
    #[serde(borrow, default, rename = "key-id")]
    _key_id: Option<Cow<'a, str>>,
}

/// What is read of a summary.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Summary<'a> {
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    total_data_files: Option<Cow<'a, str>>,
    #[serde(borrow)]
    total_files_size: Option<Cow<'a, str>>,
}

/// A map of strings, looked at and forgotten.
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Texts;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                while map.next_entry::<Text, Text>()?.is_some() {}
                Ok(Texts)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A string, looked at and forgotten.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;
        impl Visitor<'_> for Characters {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Characters)
    }
}

impl Snapshot {
    pub fn parse(raw: Box<RawValue>) -> Result<Self, Fault> {
        let text = raw.get();
        if is_deeper_than(text, JSON_DEPTH_MAX) {
            return Err(Fault::TooDeep);
        }
        let written: Written<'_> =
            serde_json::from_str(text).map_err(|error| Fault::Json(error.to_string()))?;
        let id = written.snapshot_id;
        if written.manifest_list.is_none() && written.manifests.is_none() {
            return Err(Fault::NoManifests { id });
        }
        for (field, value) in [("first-row-id", written.first_row_id), ("added-rows", written.added_rows)] {
            if value.is_some_and(|value| value < 0) {
                return Err(Fault::Negative { id, field });
            }
        }
        if written.first_row_id.is_some() && written.added_rows.is_none() {
            return Err(Fault::NoAddedRows { id });
        }
        let facts = Facts {
            id,
            parent_id: written.parent_snapshot_id,
            sequence_number: written.sequence_number,
            timestamp_ms: written.timestamp_ms,
            schema_id: written.schema_id,
            first_row_id: written.first_row_id,
            added_rows: written.added_rows,
            has_manifest_list: written.manifest_list.is_some(),
        };
        Ok(Self(Arc::new(Inner { facts, raw })))
    }

    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    pub fn id(&self) -> i64 {
        self.0.facts.id
    }

    /// The snapshot as it was written.
    pub fn json(&self) -> &str {
        self.0.raw.get()
    }

    /// What its writer says to have done, as `append` or `replace`.
    pub fn operation(&self) -> Option<String> {
        self.summary()?.operation.map(Cow::into_owned)
    }

    /// What its writer says of all its files; `None` if it says nothing, or no numbers.
    pub fn totals(&self) -> Option<Totals> {
        let summary = self.summary()?;
        let number = |text: Option<Cow<'_, str>>| text?.parse().ok();
        Some(Totals {
            file_count: number(summary.total_data_files)?,
            size_bytes: number(summary.total_files_size)?,
        })
    }

    fn summary(&self) -> Option<Summary<'_>> {
        #[derive(Deserialize)]
        struct Summarized<'a> {
            #[serde(borrow)]
            summary: Option<Summary<'a>>,
        }
        serde_json::from_str::<Summarized<'_>>(self.json()).ok()?.summary
    }

    /// Where its manifest list lies; `None` if it lists its manifests itself.
    pub fn manifest_list(&self) -> Option<String> {
        self.written()?.manifest_list.map(Cow::into_owned)
    }

    /// Its manifests, if it lists them itself.
    pub fn manifests(&self) -> Vec<String> {
        let manifests = self.written().and_then(|written| written.manifests).unwrap_or_default();
        manifests.into_iter().map(Cow::into_owned).collect()
    }

    fn written(&self) -> Option<Written<'_>> {
        serde_json::from_str(self.json()).ok()
    }
}

/// Whether objects and lists lie deeper in each other than `depth`. Braces in strings count as well where there are
/// few enough of them for it not to matter.
fn is_deeper_than(text: &str, depth: usize) -> bool {
    let bytes = text.as_bytes();
    if memchr::memchr2_iter(b'{', b'[', bytes).nth(depth).is_none() {
        return false;
    }
    let (mut open, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                open += 1;
                if open > depth {
                    return true;
                }
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    false
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Snapshot").field(&self.json()).finish()
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.json() == other.json()
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.raw.serialize(serializer)
    }
}

/// From a commit's body, where the text itself is no longer at hand.
impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let raw = serde_json::value::to_raw_value(&value).map_err(D::Error::custom)?;
        Self::parse(raw).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Snapshot, Fault> {
        Snapshot::parse(RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn what_is_not_understood_stays_as_it_was() {
        let text = r#"{"snapshot-id": 9007199254740993, "timestamp-ms":1, "x": 1.10, "manifest-list":"s3://b/l",
            "summary": {"operation": "append"}}"#;
        let snapshot = parse(text).unwrap();
        assert_eq!(serde_json::to_string(&snapshot).unwrap(), text);
        assert_eq!(snapshot.id(), 9_007_199_254_740_993);
        assert_eq!(snapshot.manifest_list().as_deref(), Some("s3://b/l"));
        assert!(snapshot.manifests().is_empty() && snapshot.facts().has_manifest_list);
    }

    #[test]
    fn snapshots_of_the_first_version_list_their_manifests() {
        let snapshot = parse(r#"{"snapshot-id":1,"timestamp-ms":1,"manifests":["a","b"]}"#).unwrap();
        assert_eq!(snapshot.manifests(), ["a", "b"]);
        assert_eq!(snapshot.manifest_list(), None);
        assert_eq!((snapshot.facts().sequence_number, snapshot.facts().has_manifest_list), (0, false));
        let none = parse(r#"{"snapshot-id":1,"timestamp-ms":1}"#);
        assert_eq!(none, Err(Fault::NoManifests { id: 1 }));
    }

    #[test]
    fn rows_are_counted_from_where_they_begin() {
        let with =
            |rest: &str| parse(&format!(r#"{{"snapshot-id":1,"timestamp-ms":1,"manifest-list":"l"{rest}}}"#));
        assert_eq!(with(r#","first-row-id":1"#), Err(Fault::NoAddedRows { id: 1 }));
        assert_eq!(with(r#","added-rows":-1"#), Err(Fault::Negative { id: 1, field: "added-rows" }));
        let right = with(r#","first-row-id":1,"added-rows":0"#).unwrap();
        assert_eq!((right.facts().first_row_id, right.facts().added_rows), (Some(1), Some(0)));
        assert!(matches!(with(r#","summary":{"a":1}"#), Err(Fault::Json(_))));
        assert!(matches!(with(r#","schema-id":"1""#), Err(Fault::Json(_))));
    }

    #[test]
    fn deep_json_is_refused() {
        let nested = |depth: usize| {
            let value = "[".repeat(depth) + "\"[{\\\"[\"" + &"]".repeat(depth);
            parse(&format!(r#"{{"snapshot-id":1,"timestamp-ms":1,"manifest-list":"l","x":{value}}}"#))
        };
        assert!(nested(JSON_DEPTH_MAX - 1).is_ok());
        assert_eq!(nested(JSON_DEPTH_MAX), Err(Fault::TooDeep));
        let brackets = "[".repeat(1_000);
        let text = format!(r#"{{"snapshot-id":1,"timestamp-ms":1,"manifest-list":"{brackets}"}}"#);
        assert!(parse(&text).is_ok());
    }

    #[test]
    fn a_body_that_was_read_before_gives_the_same_snapshot() {
        let value = json!({"snapshot-id": 1, "timestamp-ms": 2, "manifest-list": "l", "x": {"y": [1]}});
        let snapshot: Snapshot = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&snapshot).unwrap(), value);
    }
}
