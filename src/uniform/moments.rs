//! When a table came into its versions.

use std::sync::Arc;

use crate::iceberg::metadata::TableMetadata;
use crate::state::record::TableVersion;
use crate::table::snapshot::Version;

/// The versions of a table up to one that is known, with their times.
#[derive(Debug)]
pub struct Moments {
    /// Ascending by version, and by time where times differ; at least one.
    rows: Arc<[TableVersion]>,
    /// How many of them do not lie after the known one.
    known: usize,
    /// Which of them is the oldest that can be read.
    first: usize,
}

impl Moments {
    /// Those of `rows` up to `latest`; `None` if there is none.
    pub fn new(rows: Arc<[TableVersion]>, metadata: &TableMetadata, latest: Version) -> Option<Self> {
        let known = rows.partition_point(|row| row.version <= latest);
        let is_there = |row: &TableVersion| row.snapshot_id.is_none_or(|id| metadata.snapshot(id).is_some());
        let first = rows.iter().take(known).position(is_there).unwrap_or_else(|| known.saturating_sub(1));
        (known > 0).then_some(Self { rows, known, first })
    }

    fn rows(&self) -> &[TableVersion] {
        self.rows.get(..self.known).unwrap_or_default()
    }

    /// The oldest version that can be read.
    pub fn oldest(&self) -> Option<&TableVersion> {
        self.rows().get(self.first)
    }

    pub fn latest(&self) -> Option<&TableVersion> {
        self.rows().last()
    }

    /// The version that was the latest at a time; `None` before the first. Its snapshot may have expired.
    pub fn at_or_before(&self, timestamp_ms: i64) -> Option<Version> {
        let after = self.rows().partition_point(|row| row.timestamp_ms <= timestamp_ms);
        self.rows().get(after.checked_sub(1)?).map(|row| row.version)
    }

    /// The first version from a time on; `None` after the latest.
    pub fn at_or_after(&self, timestamp_ms: i64) -> Option<Version> {
        let before = self.rows().partition_point(|row| row.timestamp_ms < timestamp_ms);
        self.rows().get(before).map(|row| row.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(snapshots: &[i64]) -> TableMetadata {
        let snapshots: Vec<String> = snapshots
            .iter()
            .map(|id| {
                format!(
                    r#"{{"snapshot-id":{id},"sequence-number":{id},"timestamp-ms":{id},"manifest-list":"l"}}"#
                )
            })
            .collect();
        let text = format!(
            r#"{{"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://lake/t",
                "last-sequence-number":9,"last-updated-ms":9000,"last-column-id":1,"current-schema-id":0,
                "schemas":[{{"type":"struct","schema-id":0,"fields":[]}}],"default-spec-id":0,
                "partition-specs":[{{"spec-id":0,"fields":[]}}],"last-partition-id":999,"default-sort-order-id":0,
                "sort-orders":[{{"order-id":0,"fields":[]}}],"snapshots":[{}]}}"#,
            snapshots.join(",")
        );
        TableMetadata::parse(text.as_bytes()).unwrap()
    }

    fn rows() -> Arc<[TableVersion]> {
        [(0, 10), (1, 20), (4, 20), (5, 30)]
            .map(|(version, timestamp_ms)| TableVersion {
                version,
                snapshot_id: Some(version).filter(|&id| id > 0),
                schema_id: 0,
                timestamp_ms,
            })
            .into()
    }

    #[test]
    fn a_time_belongs_to_the_version_that_was_the_latest_then() {
        let moments = Moments::new(rows(), &metadata(&[1, 4, 5]), 5).unwrap();
        let before = [9, 10, 19, 20, 29, 30, 99].map(|ms| moments.at_or_before(ms));
        assert_eq!(before, [None, Some(0), Some(0), Some(4), Some(4), Some(5), Some(5)]);
        let after = [9, 10, 11, 20, 21, 30, 31].map(|ms| moments.at_or_after(ms));
        assert_eq!(after, [Some(0), Some(0), Some(1), Some(1), Some(5), Some(5), None]);
        assert_eq!((moments.oldest().unwrap().version, moments.latest().unwrap().version), (0, 5));
    }

    #[test]
    fn later_versions_and_expired_ones_are_no_ends() {
        let moments = Moments::new(rows(), &metadata(&[4, 5]), 4).unwrap();
        assert_eq!((moments.at_or_before(99), moments.at_or_after(30)), (Some(4), None));
        let expired = Moments::new(rows().iter().skip(1).copied().collect(), &metadata(&[4, 5]), 5).unwrap();
        assert_eq!(expired.oldest().unwrap().version, 4);
        assert!(Moments::new(rows(), &metadata(&[]), -1).is_none());
    }
}
