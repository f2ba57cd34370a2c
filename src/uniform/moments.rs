//! When a table came into its versions.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::versions::{Error, readable};
use crate::iceberg::metadata::TableMetadata;
use crate::state::record::TableVersion;
use crate::table::snapshot::Version;

/// The versions of a table up to one that is known, with their times.
#[derive(Debug)]
pub struct Moments {
    metadata: Arc<TableMetadata>,
    /// Ascending by version, and by time where times differ; at least one.
    rows: Arc<[TableVersion]>,
    /// How many of them do not lie after the known one.
    known: usize,
    /// Which of them is the oldest that can be read.
    first: usize,
}

impl Moments {
    /// Those of `rows` up to `latest`; `None` if there is none.
    pub fn new(rows: Arc<[TableVersion]>, metadata: Arc<TableMetadata>, latest: Version) -> Option<Self> {
        let known = rows.partition_point(|row| row.version <= latest);
        let is_there = |row: &TableVersion| readable(row, &metadata).is_some();
        let first = rows.iter().take(known).position(is_there).unwrap_or_else(|| known.saturating_sub(1));
        (known > 0).then_some(Self { metadata, rows, known, first })
    }

    fn rows(&self) -> &[TableVersion] {
        self.rows.get(..self.known).unwrap_or_default()
    }

    /// What the versions were found in.
    pub fn metadata(&self) -> &TableMetadata {
        &self.metadata
    }

    /// What is compared to tell the changes of some versions; a number between two versions stands for the one before it.
    ///
    /// # Errors
    /// [`Error::Expired`], and [`Error::Exhausted`] for an empty range.
    pub fn range(&self, versions: RangeInclusive<Version>) -> Result<Range, Error> {
        let (start, end) = (*versions.start(), *versions.end());
        let rows = self.rows();
        let readable = |row: &TableVersion| readable(row, &self.metadata);
        let expired = || Error::Expired { wanted: start, oldest: self.oldest_start() };
        let first = rows.partition_point(|row| row.version < start);
        let before = match first.checked_sub(1).and_then(|before| rows.get(before)) {
            Some(before) => Some(readable(before).ok_or_else(expired)?),
            None if rows.first().is_some_and(|row| row.version == start && self.is_first(row)) => None,
            None => return Err(expired()),
        };
        let told = rows.iter().skip(first).take_while(|row| row.version <= end);
        let mut told: Vec<TableVersion> = told.map(readable).collect::<Option<_>>().ok_or_else(expired)?;
        if let Some(before) = before.filter(|_| told.first().is_none_or(|row| row.version != start)) {
            told.insert(0, TableVersion { version: start, ..before });
        }
        Ok(Range { metadata: Arc::clone(&self.metadata), before, rows: told })
    }

    /// Whether nothing was in the table before this version.
    fn is_first(&self, row: &TableVersion) -> bool {
        let snapshot = row.snapshot_id.and_then(|id| self.metadata.snapshot(id));
        row.snapshot_id.is_none() || snapshot.is_some_and(|snapshot| snapshot.facts().parent_id.is_none())
    }

    /// The oldest version from which on all changes can be told; one that is still to come if there is none.
    fn oldest_start(&self) -> Version {
        let rows = self.rows();
        let gone = rows.iter().rposition(|row| readable(row, &self.metadata).is_none());
        let oldest = rows.get(gone.map_or(0, |gone| gone + 1));
        match oldest {
            Some(row) if gone.is_none() && self.is_first(row) => row.version,
            Some(row) => row.version + 1,
            None => rows.last().map_or(0, |row| row.version) + 1,
        }
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

/// Some versions and what was before them.
#[derive(Debug)]
pub struct Range {
    pub(super) metadata: Arc<TableMetadata>,
    /// `None`: an empty table.
    pub(super) before: Option<TableVersion>,
    pub(super) rows: Vec<TableVersion>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(snapshots: &[i64]) -> Arc<TableMetadata> {
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
        Arc::new(TableMetadata::parse(text.as_bytes()).unwrap())
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
        let moments = Moments::new(rows(), metadata(&[1, 4, 5]), 5).unwrap();
        let before = [9, 10, 19, 20, 29, 30, 99].map(|ms| moments.at_or_before(ms));
        assert_eq!(before, [None, Some(0), Some(0), Some(4), Some(4), Some(5), Some(5)]);
        let after = [9, 10, 11, 20, 21, 30, 31].map(|ms| moments.at_or_after(ms));
        assert_eq!(after, [Some(0), Some(0), Some(1), Some(1), Some(5), Some(5), None]);
        assert_eq!((moments.oldest().unwrap().version, moments.latest().unwrap().version), (0, 5));
    }

    #[test]
    fn later_versions_and_expired_ones_are_no_ends() {
        let moments = Moments::new(rows(), metadata(&[4, 5]), 4).unwrap();
        assert_eq!((moments.at_or_before(99), moments.at_or_after(30)), (Some(4), None));
        let expired = Moments::new(rows().iter().skip(1).copied().collect(), metadata(&[4, 5]), 5).unwrap();
        assert_eq!(expired.oldest().unwrap().version, 4);
        assert!(Moments::new(rows(), metadata(&[]), -1).is_none());
    }

    fn range(moments: &Moments, versions: RangeInclusive<Version>) -> Result<Vec<Version>, Error> {
        let range = moments.range(versions)?;
        Ok(range.before.iter().chain(&range.rows).map(|row| row.version).collect())
    }

    #[test]
    fn a_range_begins_with_what_was_before_it() {
        let moments = Moments::new(rows(), metadata(&[1, 4, 5]), 5).unwrap();
        for (start, end, wanted) in [
            (0, 5, vec![0, 1, 4, 5]),
            (1, 4, vec![0, 1, 4]),
            // Where no version has the number, it stands for the one before.
            (2, 5, vec![1, 2, 4, 5]),
            (2, 3, vec![1, 2]),
            (5, 5, vec![4, 5]),
        ] {
            assert_eq!(range(&moments, start..=end), Ok(wanted), "{start} to {end}");
        }
    }

    #[test]
    fn a_range_over_expired_snapshots_names_where_to_begin() {
        let expired = |moments: &Moments, wanted: Version, oldest: Version| {
            assert_eq!(range(moments, wanted..=5), Err(Error::Expired { wanted, oldest }));
        };
        let moments = Moments::new(rows(), metadata(&[4, 5]), 5).unwrap();
        for start in [0, 1, 2, 4] {
            expired(&moments, start, 5);
        }
        assert_eq!(range(&moments, 5..=5), Ok(vec![4, 5]));
        assert_eq!(range(&moments, 0..=0), Ok(vec![0]), "what was before is known");
        let moments = Moments::new(rows(), metadata(&[1, 5]), 5).unwrap();
        expired(&moments, 1, 6);
        let later: Arc<[TableVersion]> = rows().iter().skip(1).copied().collect();
        let moments = Moments::new(later, metadata(&[1, 4, 5]), 5).unwrap();
        expired(&moments, 0, 1);
        assert_eq!(range(&moments, 1..=4), Ok(vec![1, 4]), "its snapshot has no parent");
    }
}
