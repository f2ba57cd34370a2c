//! What the door keeps for scans.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Error;
use super::scan_deletes::{KeptDeletes, kept_deletes};
use super::scan_jobs::Jobs;
use super::scan_kept::{KeptFiles, kept_files};
use super::scan_kind::Kind;
use crate::encode::seal::Sealer;
use crate::limits::manifest::{CANCELLED_PLANS_MAX, PLANS_AT_ONCE};

/// What the door keeps for scans.
pub(super) struct Scans {
    sealer: Sealer,
    /// One for each scan whose manifests are read.
    permits: Arc<Semaphore>,
    cancelled: Mutex<VecDeque<String>>,
    pub(super) files: KeptFiles,
    pub(super) deletes: KeptDeletes,
    pub(super) jobs: Jobs,
}

impl Scans {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self {
            sealer,
            permits: Arc::new(Semaphore::new(PLANS_AT_ONCE)),
            cancelled: Mutex::default(),
            files: kept_files(),
            deletes: kept_deletes(),
            jobs: Jobs::new(),
        }
    }

    pub(super) fn seal(&self, kind: Kind, content: &[u8]) -> String {
        self.sealer.seal(&[kind.context()], content)
    }

    /// The content of a text that was given out as this.
    pub(super) fn open(&self, kind: Kind, text: &str) -> Option<Vec<u8>> {
        self.sealer.open(&[kind.context()], text)
    }

    /// Room for a scan, waited for.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Busy)
    }

    /// Remembered for a while: who fetches a cancelled plan is told so, who comes later gets it planned again.
    pub(super) fn cancel(&self, id: &str) {
        self.jobs.stop(id);
        let Ok(mut cancelled) = self.cancelled.lock() else { return };
        if cancelled.len() >= CANCELLED_PLANS_MAX {
            cancelled.pop_front();
        }
        cancelled.push_back(id.to_owned());
    }

    pub(super) fn is_cancelled(&self, id: &str) -> bool {
        self.cancelled.lock().is_ok_and(|cancelled| cancelled.iter().any(|other| other == id))
    }
}
