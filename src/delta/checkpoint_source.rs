//! A checkpoint's bytes, fetched in windows, few of them kept.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use super::log::LogFile;
use crate::limits::{CHECKPOINT_WINDOW_BYTES, CHECKPOINT_WINDOW_BYTES_MIN, CHECKPOINT_WINDOWS_MAX};
use crate::storage::error::Error;
use crate::storage::table_store::TableStore;

/// Reads a checkpoint from a thread that may block; cheap to clone.
///
/// The columns of a checkpoint are read side by side, page by page. So a few windows of fixed size serve, however
/// large the row groups are.
#[derive(Debug, Clone)]
pub(super) struct CheckpointSource {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: TableStore,
    file: LogFile,
    runtime: Handle,
    windows: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    /// Offset and bytes; the one used last is at the end.
    recent: Vec<(u64, Bytes)>,
    /// How many are kept, and how large one is.
    count_max: usize,
    window_bytes: usize,
    /// Why the store could not be read: no word about the checkpoint itself.
    fault: Option<Error>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            count_max: CHECKPOINT_WINDOWS_MAX,
            window_bytes: CHECKPOINT_WINDOW_BYTES,
            fault: None,
        }
    }
}

impl CheckpointSource {
    pub(super) fn new(store: TableStore, file: LogFile, runtime: Handle) -> Self {
        Self { shared: Arc::new(Shared { store, file, runtime, windows: Mutex::default() }) }
    }

    /// The same file with windows of its own, for another thread.
    pub(super) fn another(&self) -> Self {
        let Shared { store, file, runtime, .. } = &*self.shared;
        Self::new(store.clone(), file.clone(), runtime.clone())
    }

    /// Gets ready to read `column_count` columns side by side: more and smaller windows, of as many bytes in all.
    pub(super) fn prepare_for(&self, column_count: usize) {
        const BYTES: usize = CHECKPOINT_WINDOWS_MAX * CHECKPOINT_WINDOW_BYTES;
        let mut windows = self.windows();
        let two_each = column_count.saturating_mul(2);
        windows.count_max = two_each.clamp(CHECKPOINT_WINDOWS_MAX, BYTES / CHECKPOINT_WINDOW_BYTES_MIN);
        windows.window_bytes = BYTES / windows.count_max;
    }

    pub(super) fn key(&self) -> &str {
        &self.shared.file.key
    }

    /// The store's fault, if it is what reading failed of.
    pub(super) fn take_fault(&self) -> Option<Error> {
        self.windows().fault.take()
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, Windows> {
        self.shared.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At least `length` bytes from `start` on, fewer only at the end of the file.
    fn window(&self, start: u64, length: usize) -> Result<Bytes> {
        let size = self.shared.file.info.size_bytes;
        let length = length.min(usize::try_from(size.saturating_sub(start)).unwrap_or(usize::MAX));
        if let Some(bytes) = self.windows().find(start, length) {
            return Ok(bytes);
        }
        let end = start.saturating_add(length.max(self.windows().window_bytes) as u64);
        let (store, file) = (&self.shared.store, &self.shared.file);
        let read = self.shared.runtime.block_on(store.read_range(&file.key, &file.info, start..end));
        let mut windows = self.windows();
        match read {
            Ok(bytes) if bytes.len() >= length => {
                windows.keep(start, bytes.clone());
                Ok(bytes)
            }
            Ok(_) => Err(ParquetError::EOF("the object is shorter than the store said".to_owned())),
            Err(error) => {
                let text = error.to_string();
                windows.fault = Some(error);
                Err(ParquetError::General(text))
            }
        }
    }
}

impl Windows {
    fn find(&mut self, start: u64, length: usize) -> Option<Bytes> {
        let holds = |&(offset, ref bytes): &(u64, Bytes)| {
            offset <= start && start.saturating_add(length as u64) <= offset + bytes.len() as u64
        };
        let index = self.recent.iter().rposition(holds)?;
        let (offset, bytes) = self.recent.remove(index);
        self.recent.push((offset, bytes.clone()));
        Some(bytes.slice(usize::try_from(start - offset).ok()?..))
    }

    fn keep(&mut self, start: u64, bytes: Bytes) {
        if self.recent.len() >= self.count_max {
            self.recent.remove(0);
        }
        self.recent.push((start, bytes));
    }
}

impl Length for CheckpointSource {
    fn len(&self) -> u64 {
        self.shared.file.info.size_bytes
    }
}

impl ChunkReader for CheckpointSource {
    type T = SourceRead;

    fn get_read(&self, start: u64) -> Result<SourceRead> {
        Ok(SourceRead { source: self.clone(), offset: start, bytes: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.window(start, length)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are beyond the end")));
        }
        Ok(bytes.slice(..length))
    }
}

/// Reads on from an offset.
#[derive(Debug)]
pub(super) struct SourceRead {
    source: CheckpointSource,
    /// After `bytes`.
    offset: u64,
    bytes: Bytes,
}

/// Headers of pages are some dozens of bytes; a window is fetched only if none holds them.
const READ_BYTES: usize = 64;

impl Read for SourceRead {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.is_empty() {
            let length = READ_BYTES.max(out.len());
            self.bytes = self.source.window(self.offset, length).map_err(std::io::Error::other)?;
            self.offset += self.bytes.len() as u64;
        }
        let count = out.len().min(self.bytes.len());
        self.bytes.copy_to_slice(out.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
