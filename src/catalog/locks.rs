//! One commit at a time on a table of this node.
//!
//! The state store decides which commit wins; these locks only keep commits that this node carries out from racing.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::limits;
use crate::state::catalog::EntryName;

/// Locks over names; two names rarely share one, and the table never grows.
pub(super) struct Locks {
    hasher: RandomState,
    slots: Vec<Arc<Mutex<()>>>,
}

/// Ends with the commit.
pub(super) struct Guard {
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl Locks {
    pub(super) fn new() -> Self {
        let slots = (0..limits::objects::KEY_LOCKS).map(|_| Arc::default()).collect();
        Self { hasher: RandomState::new(), slots }
    }

    /// Waits until no other commit of these names is under way. Taken in one order, so that no two wait for each other.
    pub(super) async fn lock<'a>(
        &self,
        warehouse: &str,
        names: impl IntoIterator<Item = &'a EntryName>,
    ) -> Guard {
        let count = self.slots.len().max(1) as u64;
        let slot_of = |name: &EntryName| self.hasher.hash_one((warehouse, name)) % count;
        let slots: BTreeSet<u64> = names.into_iter().map(slot_of).collect();
        let mut guards = Vec::with_capacity(slots.len());
        for slot in slots {
            if let Some(mutex) = usize::try_from(slot).ok().and_then(|slot| self.slots.get(slot)) {
                guards.push(Arc::clone(mutex).lock_owned().await);
            }
        }
        Guard { _guards: guards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName { namespace: vec!["n".into()], name: text.into() }
    }

    #[tokio::test]
    async fn commits_of_several_tables_never_wait_for_each_other_in_a_ring() {
        let locks = Arc::new(Locks::new());
        let names: Vec<EntryName> = (0..64).map(|number| name(&number.to_string())).collect();
        let mut tasks = Vec::new();
        for turn in 0..8 {
            let (locks, mut names) = (Arc::clone(&locks), names.clone());
            names.rotate_left(turn * 8);
            tasks.push(tokio::spawn(async move {
                for _ in 0..50 {
                    let guard = locks.lock("w", &names).await;
                    tokio::task::yield_now().await;
                    drop(guard);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let first = locks.lock("w", [&names[0]]).await;
        let waiting = locks.lock("w", [&names[0]]);
        assert!(futures::FutureExt::now_or_never(waiting).is_none(), "the name is locked");
        drop(first);
    }
}
