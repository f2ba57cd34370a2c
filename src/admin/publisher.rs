//! Makes a stored change visible to every core.
//!
//! Only one publication runs at a time and each reads the state anew, so an older view can never
//! replace a newer one. Changes that wait together are covered by one publication.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::directory::{Directory, Published};
use crate::limits;
use crate::state;
use crate::state::embedded::Store;

/// Pause between two attempts to read the state.
const PAUSE: Duration = Duration::from_millis(50);

/// Reads the state and publishes the directory built from it.
pub(super) struct Publisher {
    store: Store,
    published: Arc<Published>,
    /// Publications asked for so far.
    asked: AtomicU64,
    /// How many of them the current directory covers.
    covered: Mutex<u64>,
}

impl Publisher {
    pub(super) fn new(store: Store, published: Arc<Published>) -> Self {
        Self { store, published, asked: AtomicU64::new(0), covered: Mutex::new(0) }
    }

    /// Returns when every core sees all changes that were committed before the call.
    pub(super) async fn publish(&self) -> Result<(), state::Error> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let mut covered = self.covered.lock().await;
        if *covered >= ticket {
            return Ok(());
        }
        // Whoever asked up to here has committed, so what is read next covers them all.
        let asked = self.asked.load(Ordering::SeqCst);
        let (shares, tokens) = self.load_all().await?;
        self.published.publish(Directory::build(shares, tokens));
        *covered = asked;
        Ok(())
    }

    async fn load_all(&self) -> Result<(Vec<state::record::Share>, Vec<state::record::Token>), state::Error> {
        let mut attempts_left = limits::ADMIN_PUBLISH_ATTEMPTS_MAX;
        loop {
            attempts_left = attempts_left.saturating_sub(1);
            match self.store.load_all().await {
                Err(error) if error.kind().is_retryable() && attempts_left > 0 => {
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }
}
