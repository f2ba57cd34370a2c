//! What waits for the one writer: for each table, the newest only.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;

use super::manifest::{Kept, Tip};
use super::place::Place;
use super::writer::{Useless, Writer};
use crate::clock::Clock;
use crate::limits::SPILL_WAITING_MAX;
use crate::state::record::TableSource;
use crate::table::snapshot::Snapshot;

/// Work on the snapshot of one table; what is of no use goes before what is new comes.
#[derive(Debug, Default)]
pub(super) struct Work {
    useless: Option<Useless>,
    is_used: bool,
    /// It holds no memory while it waits.
    keep: Option<(TableSource, Weak<Snapshot>, Tip)>,
}

impl Work {
    pub(super) fn keep(source: &TableSource, kept: &Kept) -> Self {
        let keep = (source.clone(), Arc::downgrade(&kept.snapshot), kept.tip.clone());
        Self { keep: Some(keep), ..Self::default() }
    }

    pub(super) fn forget(useless: Useless) -> Self {
        Self { useless: Some(useless), ..Self::default() }
    }

    pub(super) fn note_use() -> Self {
        Self { is_used: true, ..Self::default() }
    }

    fn and(self, later: Self) -> Self {
        // What is not wanted any more is not written.
        let keep = if later.useless.is_some() { later.keep } else { later.keep.or(self.keep) };
        Self { useless: later.useless.or(self.useless), is_used: self.is_used || later.is_used, keep }
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// `None` until the disk has been looked through. Only the one drain takes it.
    writer: Mutex<Option<Writer>>,
    is_stopped: AtomicBool,
    place: Arc<Place>,
    bytes_max: u64,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Waiting {
    by_name: BTreeMap<u128, Work>,
    is_draining: bool,
}

impl Queue {
    pub(super) fn new(place: Arc<Place>, bytes_max: u64, clock: Clock) -> Self {
        let is_stopped = AtomicBool::new(false);
        // Who opens the spill starts the first drain.
        let waiting = Mutex::new(Waiting { is_draining: true, ..Waiting::default() });
        Self { waiting, writer: Mutex::new(None), is_stopped, place, bytes_max, clock }
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller has to start a drain.
    pub(super) fn add(&self, name: u128, work: Work) -> bool {
        let mut waiting = self.waiting();
        let is_full = waiting.by_name.len() >= SPILL_WAITING_MAX && !waiting.by_name.contains_key(&name);
        if is_full {
            return false;
        }
        let before = waiting.by_name.remove(&name).unwrap_or_default();
        waiting.by_name.insert(name, before.and(work));
        !std::mem::replace(&mut waiting.is_draining, true)
    }

    /// Has all that waits done on a thread that may be busy for long.
    pub(super) fn start(self: Arc<Self>, control: &Handle) {
        control.spawn_blocking(move || self.drain());
    }

    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.waiting().is_draining
    }

    fn drain(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writer.get_or_insert_with(|| Writer::open(Arc::clone(&self.place), self.bytes_max));
        while let Some((name, work)) = self.next() {
            self.work(writer, name, work);
        }
    }

    fn next(&self) -> Option<(u128, Work)> {
        let mut waiting = self.waiting();
        let next = waiting.by_name.pop_first().filter(|_| !self.is_stopped.load(Ordering::Relaxed));
        waiting.is_draining = next.is_some();
        next
    }

    fn work(&self, writer: &mut Writer, name: u128, work: Work) {
        if let Some(useless) = work.useless {
            writer.forget(name, useless);
        }
        if work.is_used {
            writer.note_use(name, self.clock.now_ms());
        }
        let Some((source, snapshot, tip)) = work.keep else { return };
        let Some(snapshot) = snapshot.upgrade() else { return };
        let is_stopped = || self.is_stopped.load(Ordering::Relaxed);
        if let Err(error) = writer.keep(&source, &Kept { snapshot, tip }, &is_stopped) {
            let reason = &error.fault;
            tracing::warn!(%error, %reason, "a snapshot cannot be written to disk");
        }
    }
}
