//! What the door keeps for scans: a seal, room, cancelled plans.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::encode::seal::Sealer;
use crate::limits::manifest::{CANCELLED_PLANS_MAX, PLANS_AT_ONCE};

/// What a text was given out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plan,
    Task,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Task => "plan task",
        }
    }

    /// The specification's word for one that is not there.
    pub(super) fn exception(self) -> &'static str {
        match self {
            Self::Plan => "NoSuchPlanIdException",
            Self::Task => "NoSuchPlanTaskException",
        }
    }

    fn context(self) -> &'static [u8] {
        match self {
            Self::Plan => b"scan plan",
            Self::Task => b"scan task",
        }
    }
}

/// What the door keeps for scans.
pub(super) struct Scans {
    sealer: Sealer,
    /// One for each scan whose manifests are read.
    permits: Semaphore,
    cancelled: Mutex<VecDeque<String>>,
}

impl Scans {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, permits: Semaphore::new(PLANS_AT_ONCE), cancelled: Mutex::default() }
    }

    pub(super) fn seal(&self, kind: Kind, content: &[u8]) -> String {
        self.sealer.seal(&[kind.context()], content)
    }

    /// The content of a text that was given out as this.
    pub(super) fn open(&self, kind: Kind, text: &str) -> Option<Vec<u8>> {
        self.sealer.open(&[kind.context()], text)
    }

    /// Room for a scan, waited for; `None` when the server leaves.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    /// Remembered for a while: who fetches a cancelled plan is told so, who comes later gets it planned again.
    pub(super) fn cancel(&self, id: &str) {
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
