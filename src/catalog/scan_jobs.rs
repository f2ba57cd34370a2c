//! Plans that are made while their clients wait.
//!
//! Those that are over are kept until there are too many. Nothing here has to last: what is forgotten is planned again by
//! who fetches it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::task::AbortHandle;

use super::error::{Error, ErrorModel};
use crate::byte_cache;
use crate::limits::catalog::METADATA_BYTES_USUAL;
use crate::limits::manifest::{PLANS_FINISHED_BYTES_MAX, PLANS_SUBMITTED_MAX};

/// What became of a plan.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The fields of `ScanTasks`.
    Done(Bytes),
    Failed(ErrorModel),
}

/// Where a plan stands.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    UnderWay,
    Over(Outcome),
    Unknown,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Outcome> for ByBytes {
    fn weight(&self, id: &String, outcome: &Outcome) -> u64 {
        let bytes = match outcome {
            Outcome::Done(tasks) => tasks.len(),
            Outcome::Failed(model) => model.message.len(),
        };
        (id.len() + bytes + size_of::<Outcome>()) as u64
    }
}

/// The plans of one server; cheap to clone.
#[derive(Clone)]
pub(super) struct Jobs {
    inner: Arc<Inner>,
}

struct Inner {
    under_way: Mutex<HashMap<String, AbortHandle>>,
    over: Cache<String, Outcome, ByBytes>,
}

/// A plan that is under way as long as this lives: it may break off anywhere.
struct UnderWay {
    jobs: Jobs,
    id: String,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.jobs.take(&self.id);
    }
}

impl Jobs {
    pub(super) fn new() -> Self {
        let over = byte_cache::whole(PLANS_FINISHED_BYTES_MAX, METADATA_BYTES_USUAL, ByBytes);
        Self { inner: Arc::new(Inner { under_way: Mutex::default(), over }) }
    }

    /// Begins a plan, unless as many as may are under way: then who fetches it has it planned.
    pub(super) fn begin(&self, id: &str, plan: impl Future<Output = Result<Bytes, Error>> + Send + 'static) {
        let Ok(mut under_way) = self.inner.under_way.lock() else { return };
        if under_way.len() >= PLANS_SUBMITTED_MAX || under_way.contains_key(id) {
            return;
        }
        let held = UnderWay { jobs: self.clone(), id: id.to_owned() };
        let task = tokio::spawn(async move {
            let outcome = match plan.await {
                Ok(tasks) => Outcome::Done(tasks),
                Err(error) => Outcome::Failed(error.told()),
            };
            // Found here before it is missed there.
            held.jobs.inner.over.insert(held.id.clone(), outcome);
        });
        under_way.insert(id.to_owned(), task.abort_handle());
    }

    pub(super) fn standing(&self, id: &str) -> Standing {
        if self.inner.under_way.lock().is_ok_and(|under_way| under_way.contains_key(id)) {
            return Standing::UnderWay;
        }
        self.inner.over.get(id).map_or(Standing::Unknown, Standing::Over)
    }

    /// Stops a plan and forgets what came of it.
    pub(super) fn stop(&self, id: &str) {
        if let Some(task) = self.take(id) {
            task.abort();
        }
        self.inner.over.remove(id);
    }

    fn take(&self, id: &str) -> Option<AbortHandle> {
        self.inner.under_way.lock().ok()?.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    async fn until_over(jobs: &Jobs, id: &str) -> Outcome {
        loop {
            match jobs.standing(id) {
                Standing::UnderWay => tokio::task::yield_now().await,
                Standing::Over(outcome) => return outcome,
                Standing::Unknown => panic!("{id} is forgotten"),
            }
        }
    }

    #[tokio::test]
    async fn a_plan_is_under_way_until_it_is_done_or_failed() {
        let jobs = Jobs::new();
        assert!(matches!(jobs.standing("a"), Standing::Unknown));
        let (go, gone) = oneshot::channel::<()>();
        jobs.begin("a", async move {
            let _ = gone.await;
            Ok(Bytes::from_static(b"tasks"))
        });
        jobs.begin("b", async { Err(Error::PlanTooLarge) });
        assert!(matches!(until_over(&jobs, "b").await, Outcome::Failed(model) if model.code == 413));
        assert!(matches!(jobs.standing("a"), Standing::UnderWay));
        go.send(()).unwrap();
        assert!(matches!(until_over(&jobs, "a").await, Outcome::Done(tasks) if tasks == "tasks"));
    }

    #[tokio::test]
    async fn a_plan_that_is_stopped_ends_and_is_forgotten() {
        let jobs = Jobs::new();
        let (held, dropped) = oneshot::channel::<()>();
        jobs.begin("a", async move {
            let _held = held;
            std::future::pending().await
        });
        jobs.stop("a");
        assert!(matches!(jobs.standing("a"), Standing::Unknown));
        assert!(dropped.await.is_err(), "the plan goes no further");
    }

    #[tokio::test]
    async fn no_more_than_so_many_are_under_way() {
        let jobs = Jobs::new();
        for number in 0..=PLANS_SUBMITTED_MAX {
            jobs.begin(&number.to_string(), std::future::pending());
        }
        let last = PLANS_SUBMITTED_MAX.to_string();
        assert!(matches!(jobs.standing(&last), Standing::Unknown));
        jobs.stop("0");
        jobs.begin(&last, std::future::pending());
        assert!(matches!(jobs.standing(&last), Standing::UnderWay));
    }
}
