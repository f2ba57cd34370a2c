//! The files of a log, and those that rebuild a version.
//!
//! Compactions (`x.y.compacted.json`) and checksums (`n.crc`) are not read. Both only repeat what the commits say,
//! and no version needs them; but writers are known whose compactions say something else than their commits.

use std::collections::BTreeMap;

use super::error::Error;
use crate::storage::table_store::{ObjectInfo, TableStore};
use crate::table::snapshot::Version;

pub(super) const DIRECTORY: &str = "_delta_log";

/// What a name in `_delta_log` says ("Delta Log Entries", "Checkpoints").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name<'a> {
    Commit,
    /// `n.checkpoint.parquet`.
    Checkpoint,
    /// `n.checkpoint.o.p.parquet`, `part` from 1 to `parts`.
    CheckpointPart {
        part: u32,
        parts: u32,
    },
    /// `n.checkpoint.u.json` or `.parquet`.
    UuidCheckpoint {
        uuid: &'a str,
        is_json: bool,
    },
}

impl<'a> Name<'a> {
    /// Version and meaning; `None` for all else that lies in a log.
    fn parse(name: &'a str) -> Option<(Version, Self)> {
        let (version, rest) = name.split_at_checked(20)?;
        let version = digits(version)?.parse().ok().filter(|&version| version < Version::MAX)?;
        if rest == ".json" {
            return Some((version, Self::Commit));
        }
        let rest = rest.strip_prefix(".checkpoint.")?;
        let name = match rest.split('.').collect::<Vec<_>>()[..] {
            ["parquet"] => Self::Checkpoint,
            [uuid, end @ ("parquet" | "json")] if is_uuid(uuid) => {
                Self::UuidCheckpoint { uuid, is_json: end == "json" }
            }
            [part, parts, "parquet"] if part.len() == 10 && parts.len() == 10 => {
                let (part, parts) = (digits(part)?.parse().ok()?, digits(parts)?.parse().ok()?);
                (1..=parts).contains(&part).then_some(Self::CheckpointPart { part, parts })?
            }
            _ => return None,
        };
        Some((version, name))
    }
}

fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    /// Below the table's root.
    pub(super) key: String,
    pub(super) info: ObjectInfo,
}

/// A complete checkpoint. Of several at one version, the later in this order is read first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checkpoint {
    /// In the layout of the table feature `v2Checkpoint`.
    Uuid {
        file: LogFile,
        is_json: bool,
    },
    Parts(Vec<LogFile>),
    Single(LogFile),
}

impl Checkpoint {
    pub(super) fn files(&self) -> &[LogFile] {
        match self {
            Self::Uuid { file, .. } | Self::Single(file) => std::slice::from_ref(file),
            Self::Parts(files) => files,
        }
    }

    /// Whether it is lines of JSON, which only the layout of `v2Checkpoint` may be.
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Uuid { is_json: true, .. })
    }
}

/// What a listing of `_delta_log` shows.
#[derive(Debug, Default)]
pub(super) struct Log {
    commits: BTreeMap<Version, LogFile>,
    checkpoints: BTreeMap<Version, Vec<Checkpoint>>,
}

/// Files from which a version can be rebuilt: a checkpoint, or none, and all commits after it.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    pub(super) checkpoint: Option<(Version, &'a Checkpoint)>,
    /// Newest first.
    pub(super) commits: Vec<(Version, &'a LogFile)>,
}

pub(super) fn commit_key(version: Version) -> String {
    format!("{DIRECTORY}/{version:020}.json")
}

impl Log {
    /// Lists the log from version `first` on; 0 lists all of it.
    pub(super) async fn list(store: &TableStore, first: Version) -> Result<Self, Error> {
        let mut log = Self::default();
        let mut parts: BTreeMap<(Version, u32), BTreeMap<u32, LogFile>> = BTreeMap::new();
        let after = if first > 0 { format!("{first:020}") } else { String::new() };
        let mut visit = |name: &str, info: ObjectInfo| {
            let Some((version, parsed)) = Name::parse(name).filter(|&(version, _)| version >= first) else {
                return;
            };
            let file = LogFile { key: format!("{DIRECTORY}/{name}"), info };
            match parsed {
                Name::Commit => {
                    log.commits.insert(version, file);
                }
                Name::Checkpoint => log.add_checkpoint(version, Checkpoint::Single(file)),
                Name::UuidCheckpoint { is_json, .. } => {
                    log.add_checkpoint(version, Checkpoint::Uuid { file, is_json });
                }
                Name::CheckpointPart { part, parts: count } => {
                    parts.entry((version, count)).or_default().insert(part, file);
                }
            }
        };
        store.list(DIRECTORY, &after, &mut visit).await?;
        for ((version, count), files) in parts {
            // Parts that are not all there are those of a writer that died, or is still at it.
            if files.len() == count as usize {
                log.add_checkpoint(version, Checkpoint::Parts(files.into_values().collect()));
            }
        }
        log.checkpoints.values_mut().for_each(|at_version| at_version.sort_by_key(order));
        Ok(log)
    }

    fn add_checkpoint(&mut self, version: Version, checkpoint: Checkpoint) {
        self.checkpoints.entry(version).or_default().push(checkpoint);
    }

    pub(super) fn latest(&self) -> Option<Version> {
        self.commits.keys().next_back().max(self.checkpoints.keys().next_back()).copied()
    }

    /// The oldest version that can be rebuilt, as far as the listing shows.
    pub(super) fn oldest(&self) -> Option<Version> {
        let whole = self.commits.contains_key(&0).then_some(0);
        whole.or_else(|| self.checkpoints.keys().next().copied())
    }

    /// The commits in the order of their versions.
    pub(super) fn commits(&self) -> impl DoubleEndedIterator<Item = (Version, &LogFile)> {
        self.commits.iter().map(|(&version, file)| (version, file))
    }

    /// The oldest checkpoint from version `first` on.
    pub(super) fn oldest_checkpoint_from(&self, first: Version) -> Option<Version> {
        self.checkpoints.range(first..).next().map(|(&version, _)| version)
    }

    pub(super) fn commit(&self, version: Version) -> Option<&LogFile> {
        self.commits.get(&version)
    }

    pub(super) fn has_checkpoint_from(&self, version: Version) -> bool {
        self.checkpoints.range(version..).next().is_some()
    }

    /// All ways to rebuild `version`, the cheapest first: from its newest checkpoints, at last from commits alone.
    pub(super) fn segments(&self, version: Version) -> impl Iterator<Item = Segment<'_>> {
        let checkpoints = self.checkpoints.range(..=version).rev();
        let bases = checkpoints
            .flat_map(|(&base, at_base)| at_base.iter().rev().map(move |checkpoint| Some((base, checkpoint))))
            .chain([None]);
        bases.filter_map(move |checkpoint| self.segment(checkpoint, version).ok())
    }

    /// The first commit that is missing for `version` after the newest checkpoint, if no segment rebuilds it.
    pub(super) fn missing_commit(&self, version: Version) -> Option<Version> {
        let newest = self.checkpoints.range(..=version).next_back();
        let checkpoint =
            newest.and_then(|(&base, at_base)| at_base.last().map(|checkpoint| (base, checkpoint)));
        self.segment(checkpoint, version).err()
    }

    fn segment<'a>(
        &'a self,
        checkpoint: Option<(Version, &'a Checkpoint)>,
        version: Version,
    ) -> Result<Segment<'a>, Version> {
        let first = checkpoint.map_or(0, |(base, _)| base + 1);
        let mut commits = Vec::new();
        let mut expected = first;
        for (&number, file) in self.commits.range(first..).take_while(|&(&number, _)| number <= version) {
            if number != expected {
                return Err(expected);
            }
            commits.push((number, file));
            expected += 1;
        }
        if expected != version + 1 {
            return Err(expected);
        }
        commits.reverse();
        Ok(Segment { checkpoint, commits })
    }
}

fn order(checkpoint: &Checkpoint) -> (u8, String) {
    let rank = match checkpoint {
        Checkpoint::Uuid { .. } => 0,
        Checkpoint::Parts(_) => 1,
        Checkpoint::Single(_) => 2,
    };
    (rank, checkpoint.files().first().map(|file| file.key.clone()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_commits_and_checkpoints_are_known_and_all_others_are_not() {
        let parse = |name| Name::parse(name);
        assert_eq!(parse("00000000000000000012.json"), Some((12, Name::Commit)));
        assert_eq!(parse("00000000000000000012.checkpoint.parquet"), Some((12, Name::Checkpoint)));
        assert_eq!(
            parse("00000000000000000012.checkpoint.0000000002.0000000003.parquet"),
            Some((12, Name::CheckpointPart { part: 2, parts: 3 })),
        );
        let uuid = "80a083e8-7026-4e79-81be-64bd76c43a11";
        for end in ["json", "parquet"] {
            let name = format!("00000000000000000012.checkpoint.{uuid}.{end}");
            assert_eq!(Name::parse(&name), Some((12, Name::UuidCheckpoint { uuid, is_json: end == "json" })));
        }
        for name in [
            "00000000000000000012.crc",
            ".00000000000000000012.json.crc",
            "00000000000000000001.00000000000000000012.compacted.json",
            "00000000000000000012.80a083e8-7026-4e79-81be-64bd76c43a11.json",
            "00000000000000000012.json.tmp",
            "0000000000000000012.json",
            "000000000000000000012.json",
            "99999999999999999999.json",
            "09223372036854775807.json",
            "0000000000000000001x.json",
            "+0000000000000000001.json",
            "00000000000000000012.checkpoint.0000000000.0000000003.parquet",
            "00000000000000000012.checkpoint.0000000004.0000000003.parquet",
            "00000000000000000012.checkpoint.2.3.parquet",
            "00000000000000000012.checkpoint.tmp.parquet",
            "_last_checkpoint",
            "ééééééééééééééééééééé",
        ] {
            assert_eq!(Name::parse(name), None, "{name}");
        }
    }

    fn log(commits: &[Version], checkpoints: &[Version]) -> Log {
        let file = |version| LogFile {
            key: commit_key(version),
            info: ObjectInfo { size_bytes: 1, modified_ms: 0, tag: None },
        };
        let mut log = Log::default();
        log.commits.extend(commits.iter().map(|&version| (version, file(version))));
        for &version in checkpoints {
            log.add_checkpoint(version, Checkpoint::Single(file(version)));
        }
        log
    }

    fn bases(log: &Log, version: Version) -> Vec<Option<Version>> {
        log.segments(version).map(|segment| segment.checkpoint.map(|(base, _)| base)).collect()
    }

    #[test]
    fn the_newest_checkpoint_comes_first_and_commits_alone_last() {
        let log = log(&[0, 1, 2, 3, 4, 5], &[1, 3, 5]);
        assert_eq!(bases(&log, 4), [Some(3), Some(1), None]);
        assert_eq!(bases(&log, 0), [None]);
        let commits: Vec<_> =
            log.segments(4).nth(1).unwrap().commits.iter().map(|&(version, _)| version).collect();
        assert_eq!(commits, [4, 3, 2]);
        assert_eq!(log.oldest(), Some(0));
    }

    #[test]
    fn a_gap_is_named_unless_a_checkpoint_covers_it() {
        let gap = log(&[0, 1, 3], &[]);
        assert_eq!((bases(&gap, 3), gap.missing_commit(3)), (vec![], Some(2)));
        assert_eq!(bases(&gap, 1), [None]);
        let covered = log(&[0, 1, 3], &[2]);
        assert_eq!(bases(&covered, 3), [Some(2)]);
        let tail = log(&[5, 6], &[]);
        assert_eq!((tail.missing_commit(6), tail.oldest()), (Some(0), None));
        let only = log(&[], &[7]);
        assert_eq!((bases(&only, 7), only.latest(), only.oldest()), (vec![Some(7)], Some(7), Some(7)));
        assert_eq!(log(&[0], &[2]).missing_commit(1), Some(1));
    }
}
