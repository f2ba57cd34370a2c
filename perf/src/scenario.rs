//! What one measurement consists of, as a TOML file says it.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// A file of `scenarios/`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    /// One sentence for the report: what a reader learns from it.
    pub question: String,
    pub table: Table,
    pub load: Load,
    #[serde(default)]
    pub bounds: Bounds,
}

/// A table without data files, but with a realistic log. The same values always give the same bytes.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Live files of the last version.
    pub files: u64,
    #[serde(default = "one")]
    pub seed: u64,
    /// Partitions: days of `l_shipdate`, beginning with 1992-01-02.
    #[serde(default = "Table::default_days")]
    pub days: u64,
    #[serde(default = "Table::default_checkpoint_version")]
    pub checkpoint_version: u64,
    /// 1 is a classic checkpoint in a single file.
    #[serde(default = "one")]
    pub checkpoint_parts: u64,
    #[serde(default = "Table::default_tail_commits")]
    pub tail_commits: u64,
    /// Adds of each commit after the checkpoint.
    #[serde(default = "Table::default_tail_adds")]
    pub tail_adds: u64,
}

/// How the table is listed.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    #[serde(default)]
    pub response_format: ResponseFormat,
    /// Server starts whose first query is measured.
    pub cold_repeats: u32,
    /// Measurements against the last of these servers.
    pub warm_repeats: u32,
    /// Listings in one warm measurement, so that the clock's ticks of 10 ms do not matter.
    #[serde(default = "one_u32")]
    pub listings_per_repeat: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseFormat {
    #[default]
    Parquet,
    Delta,
}

/// What the issue promises; a run that breaks one fails. Absent: not judged.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    pub peak_memory_bytes_max: Option<u64>,
    /// For every single warm query, not for the median.
    pub first_byte_warm_ms_max: Option<f64>,
    /// For the median of the warm measurements.
    pub urls_per_cpu_second_warm_min: Option<f64>,
}

fn one() -> u64 {
    1
}

fn one_u32() -> u32 {
    1
}

impl Scenario {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let scenario: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        scenario.table.check()?;
        ensure!(scenario.load.cold_repeats > 0, "load.cold_repeats must be at least 1");
        ensure!(scenario.load.listings_per_repeat > 0, "load.listings_per_repeat must be at least 1");
        Ok(scenario)
    }
}

impl Table {
    /// A table of `files` files and else the usual values.
    pub fn of(files: u64) -> Self {
        Self {
            files,
            seed: 1,
            days: Self::default_days(),
            checkpoint_version: Self::default_checkpoint_version(),
            checkpoint_parts: 1,
            tail_commits: Self::default_tail_commits(),
            tail_adds: Self::default_tail_adds(),
        }
    }

    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.tail_files() <= self.files, "the tail alone has more than {} files", self.files);
        ensure!(self.checkpoint_parts > 0 && self.days > 0, "checkpoint_parts and days must be at least 1");
        Ok(())
    }

    /// Files that only the commits after the checkpoint name.
    pub fn tail_files(&self) -> u64 {
        self.tail_commits * self.tail_adds
    }

    pub fn version(&self) -> u64 {
        self.checkpoint_version + self.tail_commits
    }

    /// A directory name that no other table gets.
    pub fn slug(&self) -> String {
        format!(
            "lineitem-f{}-s{}-d{}-v{}-p{}-t{}x{}",
            self.files,
            self.seed,
            self.days,
            self.checkpoint_version,
            self.checkpoint_parts,
            self.tail_commits,
            self.tail_adds
        )
    }

    fn default_days() -> u64 {
        2_526
    }

    fn default_checkpoint_version() -> u64 {
        100
    }

    fn default_tail_commits() -> u64 {
        3
    }

    fn default_tail_adds() -> u64 {
        10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_folder_reads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let scenario = Scenario::read(&path).unwrap();
            assert_eq!(Some(scenario.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn a_tail_longer_than_the_table_is_refused() {
        assert!(Table::of(29).check().is_err());
        assert!(Table::of(30).check().is_ok());
    }
}
