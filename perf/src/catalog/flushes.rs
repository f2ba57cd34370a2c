//! What a commit has to wait for, and nothing else.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What SQLite adds to its log for one small transaction: some pages with their heads.
const LOG_BYTES: usize = 4 * (4_096 + 24);

/// A directory and a log on the disk of the server.
#[derive(Debug)]
pub struct Flushes {
    directory: PathBuf,
    handle: File,
    log: File,
    count: usize,
}

impl Flushes {
    pub fn new(data_dir: &Path) -> anyhow::Result<Self> {
        let directory = data_dir.join(".flushes");
        fs::create_dir_all(&directory).context("making a directory")?;
        let handle = File::open(&directory)?;
        let log = File::create(directory.join("log"))?;
        Ok(Self { directory, handle, log, count: 0 })
    }

    /// A metadata file, durable under its name, then a transaction of a database.
    pub fn once(&mut self, metadata: &[u8]) -> anyhow::Result<()> {
        self.count += 1;
        let temporary = self.directory.join("temporary");
        let mut file = File::create(&temporary)?;
        file.write_all(metadata)?;
        file.sync_all()?;
        fs::rename(&temporary, self.directory.join(format!("{:05}.metadata.json", self.count)))?;
        self.handle.sync_all()?;
        self.log.write_all(&[1; LOG_BYTES])?;
        self.log.sync_data()?;
        Ok(())
    }
}

impl Drop for Flushes {
    fn drop(&mut self) {
        // What stays is removed with the next run.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_commit_leaves_a_file_and_a_piece_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut flushes = Flushes::new(dir.path()).unwrap();
        flushes.once(b"{}").unwrap();
        flushes.once(b"{}").unwrap();
        let log = dir.path().join(".flushes/log");
        assert_eq!(fs::metadata(log).unwrap().len(), 2 * LOG_BYTES as u64);
        assert_eq!(fs::read_dir(dir.path().join(".flushes")).unwrap().count(), 3);
        drop(flushes);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
