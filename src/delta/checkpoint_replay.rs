//! Replays a checkpoint of any layout, its sidecars included.
//!
//! In the layout of `v2Checkpoint` the adds may lie in sidecars, Parquet files that the checkpoint names ("V2
//! Spec"). Such a checkpoint may have a name of its own or the classic one, so that every checkpoint is read as if
//! it had sidecars. One whose sidecar is missing or unreadable is as good as none.

use tokio::runtime::Handle;

use super::checkpoint::CheckpointReader;
use super::checkpoint_columns::Fault;
use super::checkpoint_source::CheckpointSource;
use super::checkpoint_units::read_adds;
use super::commit_reader::{Work, replay_json_checkpoint};
use super::error::Error;
use super::log::{Checkpoint, DIRECTORY, LogFile};
use crate::limits::CHECKPOINT_SIDECARS_MAX;
use crate::storage::table_store::TableStore;

const SIDECARS: &str = "_sidecars";

/// Replays `checkpoint`, the oldest that counts.
///
/// # Errors
/// Those for which [`Error::is_of_checkpoint`] holds, [`Error::Unserved`] and [`Error::Storage`].
pub(super) async fn replay_checkpoint(
    store: &TableStore,
    checkpoint: &Checkpoint,
    mut work: Box<Work>,
) -> Result<Box<Work>, Error> {
    let Some(first) = checkpoint.files().first() else { return Ok(work) };
    let name = first.key.clone();
    let mut files = checkpoint.files().to_vec();
    if checkpoint.is_json() {
        for file in std::mem::take(&mut files) {
            work = replay_json_checkpoint(store, &file, work).await?;
        }
    }
    let place = Place { name: name.clone(), store: store.clone(), runtime: Handle::current() };
    match tokio::task::spawn_blocking(move || place.read(files, work)).await {
        Ok(result) => result,
        // The decoder is not ours, and not every broken file makes it return an error.
        Err(failed) if failed.is_panic() => {
            Err(Error::CheckpointContent { file: name, source: Fault::DecoderGaveUp })
        }
        Err(_) => Err(Error::BrokenOff),
    }
}

/// Where a checkpoint is read from, by threads that may block.
struct Place {
    /// The first of its files, for messages.
    name: String,
    store: TableStore,
    runtime: Handle,
}

impl Place {
    fn read(&self, files: Vec<LogFile>, mut work: Box<Work>) -> Result<Box<Work>, Error> {
        let readers = files.into_iter().map(|file| self.open(file)).collect::<Result<Vec<_>, _>>()?;
        let replay = &mut work.replay;
        for reader in &readers {
            let is_known = replay.knows_table();
            reader.read_table(is_known, &mut |action| replay.act_of_checkpoint(action))?;
        }
        replay.check_table()?;
        if let Some(action) = replay.missing() {
            return Err(self.fault(Fault::NoAction { action }));
        }
        let sidecars = replay.take_sidecars();
        let is_parquet = !readers.is_empty();
        if is_parquet && sidecars.is_empty() && !readers.iter().any(CheckpointReader::has_adds) {
            return Err(self.fault(Fault::Missing { column: "add" }));
        }
        if sidecars.len() > CHECKPOINT_SIDECARS_MAX {
            return Err(self.fault(Fault::TooManySidecars));
        }
        let sidecars = sidecars.into_iter().map(|path| self.open(self.find_sidecar(&path)?));
        read_adds(readers.into_iter().map(Ok).chain(sidecars), replay)?;
        Ok(work)
    }

    fn open(&self, file: LogFile) -> Result<CheckpointReader, Error> {
        CheckpointReader::open(CheckpointSource::new(self.store.clone(), file, self.runtime.clone()))
    }

    fn find_sidecar(&self, path: &str) -> Result<LogFile, Error> {
        let name = sidecar_name(path).ok_or_else(|| self.fault(Fault::SidecarPath))?;
        let key = format!("{DIRECTORY}/{SIDECARS}/{name}");
        match self.runtime.block_on(self.store.head(&key))? {
            Some(info) => Ok(LogFile { key, info }),
            None => Err(self.fault(Fault::NoSidecar { name })),
        }
    }

    fn fault(&self, source: Fault) -> Error {
        Error::CheckpointContent { file: self.name.clone(), source }
    }
}

/// The name of the file that a sidecar's path means. Sidecars "must always reside in the table's own
/// `_delta_log/_sidecars`", so the directories of an absolute path are those of where the log was written.
fn sidecar_name(path: &str) -> Option<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let home = format!("{DIRECTORY}/{SIDECARS}");
    let is_home = directory.strip_suffix(&home).is_some_and(|above| above.is_empty() || above.ends_with('/'));
    if !directory.is_empty() && !is_home {
        return None;
    }
    let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    let is_plain = !matches!(&*name, "" | "." | "..") && !name.contains(['/', '\0']);
    is_plain.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_is_a_file_in_the_logs_own_folder() {
        for (path, name) in [
            ("a.parquet", Some("a.parquet")),
            ("a%20b.parquet", Some("a b.parquet")),
            ("_delta_log/_sidecars/a.parquet", Some("a.parquet")),
            ("s3a://bucket/t/_delta_log/_sidecars/a.parquet", Some("a.parquet")),
            ("file:/t/_delta_log/_sidecars/a.parquet", Some("a.parquet")),
            ("s3://bucket/secret/a.parquet", None),
            ("/x_delta_log/_sidecars/a.parquet", None),
            ("../a.parquet", None),
            ("..", None),
            ("a%2Fb", None),
            ("%ff", None),
            ("", None),
            ("_delta_log/_sidecars/", None),
        ] {
            assert_eq!(sidecar_name(path).as_deref(), name, "{path}");
        }
    }
}
