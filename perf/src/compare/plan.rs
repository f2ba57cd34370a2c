//! What a comparison consists of, as a TOML file says it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::record::{Measure, Side};

/// A file of `comparisons/`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub name: String,
    /// One sentence for the report: what a reader learns from it.
    pub question: String,
    /// Settings of our server where each listing is to be rendered and signed anew, and nothing is read from disk.
    #[serde(default)]
    pub bare: BTreeMap<String, String>,
    /// Settings of our server as it is meant to run.
    #[serde(default)]
    pub full: BTreeMap<String, String>,
    #[serde(rename = "table")]
    pub tables: Vec<Sized>,
    #[serde(default, rename = "figure")]
    pub figures: Vec<Figure>,
}

/// One size of the table, and what is measured on it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sized {
    pub files: u64,
    #[serde(default = "one")]
    pub checkpoint_parts: u64,
    pub ours: Vec<Phase>,
    /// What is measured on the same files as an Iceberg table.
    #[serde(default)]
    pub iceberg: Vec<Phase>,
    /// What the rival is asked, where it has this table.
    #[serde(default)]
    pub rival: Vec<Phase>,
}

/// A figure to reach.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    pub name: String,
    #[serde(default = "ours")]
    pub side: Side,
    pub phase: Phase,
    pub files: u64,
    pub measure: Measure,
    /// The measure is divided by that of this phase, on the same table.
    pub relative_to: Option<Phase>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// The measure has to be this many times the rival's.
    pub times_rival_min: Option<f64>,
    /// The measure is divided by that of the Delta table.
    #[serde(default)]
    pub is_relative_to_delta: bool,
}

/// What is asked of a server, in the order in which it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The first full listing after a start: the log is read (from the page cache) and replayed.
    Cold,
    /// A full listing, rendered and signed anew; the snapshot is in memory.
    Warm,
    /// The same, gzip accepted, compressed anew.
    GzipFirst,
    /// 8 full listings at once, each rendered anew.
    #[value(name = "crowd-8")]
    #[serde(rename = "crowd-8")]
    Crowd8,
    /// 64 full listings at once, each rendered anew.
    #[value(name = "crowd-64")]
    #[serde(rename = "crowd-64")]
    Crowd64,
    /// A full listing again within a URL bucket.
    Finished,
    /// The same, gzip accepted.
    GzipFinished,
    /// 64 full listings at once, again within a URL bucket.
    #[value(name = "finished-crowd-64")]
    #[serde(rename = "finished-crowd-64")]
    FinishedCrowd64,
    /// The files of one day.
    Day,
    /// One more commit, until a query of one file is answered from it.
    Commit,
    /// Small requests over kept connections: shares, tables, version, metadata.
    Shares,
    Tables,
    Version,
    Metadata,
    /// 1,000 readers of full listings at 100 kB a second each.
    #[value(name = "slow-1000")]
    #[serde(rename = "slow-1000")]
    Slow1000,
    /// 10,000 readers of full listings at 10 kB a second each.
    #[value(name = "slow-10000")]
    #[serde(rename = "slow-10000")]
    Slow10000,
    /// From the start of the executable to the answer for one day.
    Restart,
    /// The first full listing after such a start.
    AfterRestart,
}

impl Phase {
    /// The name on the command line and in reports.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether our server runs with the plan's `bare` settings.
    pub fn is_bare(self) -> bool {
        self <= Self::Crowd64
    }
}

fn one() -> u64 {
    1
}

fn ours() -> Side {
    Side::Ours
}

impl Sized {
    /// What is measured on one side.
    pub fn phases(&self, side: Side) -> &[Phase] {
        match side {
            Side::Ours => &self.ours,
            Side::Iceberg => &self.iceberg,
            Side::Rival => &self.rival,
        }
    }

    /// Whether all is measured that a figure needs, but for rivals.
    fn has(&self, figure: &Figure) -> bool {
        let has = |side, phase| self.phases(side).contains(&phase);
        self.files == figure.files
            && has(figure.side, figure.phase)
            && figure.relative_to.is_none_or(|phase| has(figure.side, phase))
            && (!figure.is_relative_to_delta || has(Side::Ours, figure.phase))
    }
}

impl Plan {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let plan: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        for figure in &plan.figures {
            ensure!(
                plan.tables.iter().any(|sized| sized.has(figure)),
                "not all is measured that \"{}\" is about",
                figure.name
            );
        }
        Ok(plan)
    }

    /// Leaves only some phases and sizes; empty lists leave all.
    pub fn narrow(&mut self, only: &[Phase], files: &[u64]) {
        let is_wanted = |phase: &Phase| only.is_empty() || only.contains(phase);
        self.tables.retain(|sized| files.is_empty() || files.contains(&sized.files));
        for sized in &mut self.tables {
            sized.ours.retain(is_wanted);
            sized.iceberg.retain(is_wanted);
            sized.rival.retain(is_wanted);
        }
        let is_measured = |sized: &Sized| {
            [Side::Ours, Side::Iceberg, Side::Rival].iter().any(|side| !sized.phases(*side).is_empty())
        };
        self.tables.retain(is_measured);
        self.figures.retain(|figure| self.tables.iter().any(|sized| sized.has(figure)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("comparisons")
    }

    #[test]
    fn every_comparison_of_the_folder_reads() {
        let mut count = 0;
        for entry in std::fs::read_dir(folder()).unwrap() {
            let path = entry.unwrap().path();
            let plan = Plan::read(&path).unwrap();
            assert_eq!(Some(plan.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn a_narrowed_plan_judges_only_what_it_measures() {
        let mut plan = Plan::read(&folder().join("full.toml")).unwrap();
        plan.narrow(&[Phase::Warm], &[100_000]);
        assert_eq!(plan.tables.len(), 1);
        assert_eq!(plan.tables[0].ours, [Phase::Warm]);
        assert!(plan.figures.iter().all(|figure| figure.phase == Phase::Warm && figure.files == 100_000));
    }
}
