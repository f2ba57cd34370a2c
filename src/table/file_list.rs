//! The files of a version, column by column, in segments.

use std::sync::Arc;

/// All files of one table version. Cheap to clone: versions share segments.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    segments: Vec<Arc<Segment>>,
}

/// At most `limits::SEGMENT_FILES_MAX` files, column by column.
#[derive(Debug, Default)]
pub struct Segment {}

/// One file as the renderer sees it. Every slice is UTF-8; "encoded" means ready for a URL path
/// (RFC 3986: unreserved characters and `/` as they are, all else percent-encoded with capital hex digits).
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Directory below the table root as the log spells it, with its last `/`; empty for files at the root.
    pub log_directory: &'a [u8],
    /// File name as the log spells it. `log_directory` + `log_name` is the path that file ids are made of.
    pub log_name: &'a [u8],
    /// The same directory, percent-decoded once and encoded for a URL path.
    pub encoded_directory: &'a [u8],
    /// The same name, percent-decoded once and encoded for a URL path.
    pub encoded_name: &'a [u8],
    pub size_bytes: u64,
    pub modification_time_ms: i64,
    /// A whole JSON object, `{"date":"2024-01-01","n":null}`, safe to write into a line.
    pub partition_values_json: &'a [u8],
    /// The statistics' JSON text, escaped as the inside of a JSON string; empty when the log has none.
    pub stats_escaped: &'a [u8],
    pub record_count: Option<u64>,
}

impl FileList {
    pub fn file_count(&self) -> u64 {
        0
    }

    /// Sum of the files' sizes.
    pub fn size_bytes(&self) -> u64 {
        0
    }

    pub fn memory_bytes(&self) -> usize {
        0
    }

    /// Blocks of at most `limits::STATS_BLOCK_FILES` files, in the order in which files are listed.
    pub fn block_count(&self) -> usize {
        self.segments.len()
    }

    /// Unpacks block `index` into `block`, which keeps its buffers from call to call.
    pub fn read_block<'a>(&'a self, index: usize, block: &'a mut Block) -> BlockFiles<'a> {
        let _ = (index, block);
        BlockFiles { marker: std::marker::PhantomData }
    }
}

/// Reusable buffers for one unpacked block.
#[derive(Debug, Default)]
pub struct Block {}

/// The live files of one unpacked block.
#[derive(Debug)]
pub struct BlockFiles<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}

impl<'a> Iterator for BlockFiles<'a> {
    type Item = File<'a>;

    fn next(&mut self) -> Option<File<'a>> {
        None
    }
}
