//! Branches and tags: names of snapshots, and how long they are kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The branch whose snapshot is the table's current one.
pub const MAIN_BRANCH: &str = "main";

/// What a branch or a tag points to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reference {
    pub snapshot_id: i64,
    #[serde(rename = "type")]
    pub kind: ReferenceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_snapshots_to_keep: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ref_age_ms: Option<i64>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceKind {
    #[serde(alias = "BRANCH")]
    Branch,
    #[serde(alias = "TAG")]
    Tag,
}

/// Why a retention is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Tags do not support setting {field}")]
    OfTag { field: &'static str },
    #[error("{field} must be greater than 0")]
    NotPositive { field: &'static str },
}

impl ReferenceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

impl Reference {
    pub fn branch(snapshot_id: i64) -> Self {
        Self {
            snapshot_id,
            kind: ReferenceKind::Branch,
            min_snapshots_to_keep: None,
            max_snapshot_age_ms: None,
            max_ref_age_ms: None,
            rest: Map::new(),
        }
    }

    pub fn is_branch(&self) -> bool {
        self.kind == ReferenceKind::Branch
    }

    /// Whether the retention is one that its kind can have.
    pub fn check(&self) -> Result<(), Fault> {
        let kept = self.min_snapshots_to_keep.map(i64::from);
        for (field, value, is_of_tags) in [
            ("min-snapshots-to-keep", kept, false),
            ("max-snapshot-age-ms", self.max_snapshot_age_ms, false),
            ("max-ref-age-ms", self.max_ref_age_ms, true),
        ] {
            match value {
                Some(_) if !self.is_branch() && !is_of_tags => return Err(Fault::OfTag { field }),
                Some(value) if value <= 0 => return Err(Fault::NotPositive { field }),
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn retention_is_positive_and_tags_have_only_an_age_of_their_own() {
        let check = |value| serde_json::from_value::<Reference>(value).unwrap().check();
        let all = json!({"snapshot-id": 1, "type": "branch", "min-snapshots-to-keep": 1,
            "max-snapshot-age-ms": 1, "max-ref-age-ms": 1, "x": []});
        assert_eq!(check(all.clone()), Ok(()));
        let again = serde_json::to_value(serde_json::from_value::<Reference>(all.clone()).unwrap()).unwrap();
        assert_eq!(again, all);
        assert_eq!(check(json!({"snapshot-id": 1, "type": "tag", "max-ref-age-ms": 1})), Ok(()));
        let of_tag = json!({"snapshot-id": 1, "type": "tag", "min-snapshots-to-keep": 1});
        assert_eq!(check(of_tag), Err(Fault::OfTag { field: "min-snapshots-to-keep" }));
        let none = json!({"snapshot-id": 1, "type": "branch", "max-ref-age-ms": 0});
        assert_eq!(check(none), Err(Fault::NotPositive { field: "max-ref-age-ms" }));
    }
}
