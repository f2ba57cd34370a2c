//! Some files of a block, rendered in one step.

use std::cell::RefCell;

use super::render::LineWriter;
use crate::table::file::File;
use crate::table::file_list::{BlockFiles, FileList};
use crate::table::unpacked_blocks::UnpackedBlocks;

/// Files whose lines are written at once.
const FILES_SIDE_BY_SIDE: usize = 8;

thread_local! {
    static UNPACKED: RefCell<UnpackedBlocks> = RefCell::default();
}

/// A place between two files of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub block: usize,
    /// Row of the block's segment; 0: the block's first.
    pub row: usize,
}

/// After how much a run ends.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub files: usize,
    /// Looked at after every few lines.
    pub bytes: usize,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Take,
    Leave,
    /// Take it, and none after it.
    TakeLast,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    pub files: u64,
    /// Where the block goes on, if it does.
    pub next_row: Option<usize>,
}

/// Appends the lines of chosen files from a place to the end of its block, or until there is enough.
pub fn push_run(
    (list, place): (&FileList, Place),
    bounds: Bounds,
    lines: &mut LineWriter,
    out: &mut Vec<u8>,
    choose: impl FnMut(&File<'_>) -> Choice,
) -> Pushed {
    UNPACKED.with_borrow_mut(|blocks| {
        let files = blocks.files(list, place.block, place.row);
        push_files(files, bounds, lines, out, choose)
    })
}

fn push_files(
    mut rest: BlockFiles<'_>,
    bounds: Bounds,
    lines: &mut LineWriter,
    out: &mut Vec<u8>,
    mut choose: impl FnMut(&File<'_>) -> Choice,
) -> Pushed {
    let mut files = 0;
    let mut waiting = Vec::with_capacity(FILES_SIDE_BY_SIDE);
    for file in rest.by_ref() {
        let choice = choose(&file);
        if choice == Choice::Leave {
            continue;
        }
        waiting.push(file);
        files += 1;
        if waiting.len() == FILES_SIDE_BY_SIDE {
            lines.push_files(&waiting, out);
            waiting.clear();
        }
        let is_full = waiting.is_empty() && out.len() >= bounds.bytes;
        if choice == Choice::TakeLast || files == bounds.files || is_full {
            break;
        }
    }
    lines.push_files(&waiting, out);
    Pushed { files: files as u64, next_row: rest.row() }
}
