//! How far a copy is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::ProgressBar;

/// Counts the bytes of one try of one transfer on the bar of the whole copy.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    bar: ProgressBar,
    counted: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn new(bar: &ProgressBar) -> Self {
        Self { bar: bar.clone(), counted: Arc::default() }
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.counted.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
    }

    /// Takes back all that was counted, because it is sent again.
    pub(crate) fn take_back(&self) {
        self.bar.dec(self.counted.swap(0, Ordering::Relaxed));
    }
}
