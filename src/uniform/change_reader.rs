//! The files of a difference, told piece by piece.

use std::collections::VecDeque;
use std::sync::Arc;

use super::difference::{Difference, Ground, Pile, parts};
use super::error::Error;
use super::list::Manifest;
use crate::encode::json::unescape_into;
use crate::table::change::{ChangeKind, ChangedFile, OwnedVector};
use crate::table::file::File;
use crate::table::file_list::{Block, FileList};
use crate::table::file_list_parts::Part;
use crate::table::path_digest::PathDigest;

/// Which pile is being told.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Went,
    Came,
    Stayed,
    Over,
}

/// Tells what went, then what came, then what lost other rows; the same in the same order at each reading. It holds one
/// group of manifests at a time.
pub(super) struct ChangeReader {
    difference: Arc<Difference>,
    stage: Stage,
    /// Groups of the pile that were told, or are being told.
    group: usize,
    /// Of the group, those that were not begun.
    parts: VecDeque<Part>,
    open: Option<OpenPart>,
    block: Block,
}

/// A segment in the middle of being told.
struct OpenPart {
    part: Part,
    files: FileList,
    next_block: usize,
}

impl ChangeReader {
    pub(super) fn new(difference: Arc<Difference>) -> Self {
        let (parts, block) = (VecDeque::new(), Block::default());
        Self { difference, stage: Stage::Went, group: 0, parts, open: None, block }
    }

    /// The files of the next piece, which may be none; `None` at the end.
    ///
    /// # Errors
    /// What reading manifests can fail of.
    pub(super) async fn next(&mut self, ground: &Ground<'_>) -> Result<Option<Vec<ChangedFile>>, Error> {
        loop {
            if let Some(open) = &mut self.open {
                if open.next_block < open.files.block_count() {
                    return Ok(Some(open.tell(&self.difference, self.stage, &mut self.block)));
                }
                self.open = None;
            }
            if let Some(part) = self.parts.pop_front() {
                // Segments that were just decoded are whole.
                let files = FileList::of_parts([part.clone()]).map_err(|_| Error::BrokenOff)?;
                self.open = Some(OpenPart { part, files, next_block: 0 });
                continue;
            }
            let Some(group) = self.next_group() else { return Ok(None) };
            self.parts = parts(ground, &self.difference.presentation, &[group]).await?.into();
        }
    }

    fn next_group(&mut self) -> Option<Vec<Manifest>> {
        loop {
            let (pile, next) = match self.stage {
                Stage::Went => (&self.difference.went, Stage::Came),
                Stage::Came => (&self.difference.came, Stage::Stayed),
                Stage::Stayed => (&self.difference.stayed, Stage::Over),
                Stage::Over => return None,
            };
            if let Some(group) = pile.groups.get(self.group) {
                self.group += 1;
                return Some(group.clone());
            }
            (self.stage, self.group) = (next, 0);
        }
    }
}

impl OpenPart {
    /// The next block.
    fn tell(&mut self, difference: &Difference, stage: Stage, block: &mut Block) -> Vec<ChangedFile> {
        let mut told = Vec::new();
        for file in self.files.read_block(self.next_block, block) {
            let Some(digest) = self.part.segment.digests.get(file.row) else { continue };
            let has = |pile: &Pile| pile.files.has(digest);
            match stage {
                Stage::Went if has(&difference.went) => told.push(difference.removed(&file, digest)),
                Stage::Came if has(&difference.came) => told.push(difference.added(&file, digest)),
                Stage::Stayed if has(&difference.stayed) => {
                    told.extend([difference.removed(&file, digest), difference.added(&file, digest)]);
                }
                Stage::Went | Stage::Came | Stage::Stayed | Stage::Over => {}
            }
        }
        self.next_block += 1;
        told
    }
}

impl Difference {
    fn removed(&self, file: &File<'_>, digest: PathDigest) -> ChangedFile {
        let vector = self.before.get(&digest).map(|vector| vector.as_vector().into());
        changed(ChangeKind::Remove, file, vector)
    }

    fn added(&self, file: &File<'_>, digest: PathDigest) -> ChangedFile {
        let vector = self.after.get(&digest).map(|vector| vector.as_vector().into());
        changed(ChangeKind::Add, file, vector)
    }
}

fn changed(kind: ChangeKind, file: &File<'_>, deletion_vector: Option<OwnedVector>) -> ChangedFile {
    let stats = (kind == ChangeKind::Add && !file.stats_escaped.is_empty()).then(|| {
        let mut text = Vec::new();
        unescape_into(file.stats_escaped, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    ChangedFile {
        kind,
        log_path: String::from_utf8_lossy(&[file.log_directory, file.log_name].concat()).into_owned(),
        encoded_path: [file.encoded_directory, file.encoded_name].concat(),
        partition_values_json: file.partition_values_json.to_vec(),
        size_bytes: file.size_bytes,
        // Nobody notes it: the time of the version stands in.
        time_ms: None,
        deletion_vector,
        stats,
        base_row_id: None,
        default_row_commit_version: None,
    }
}
