//! Work on several threads, with results in the order of the work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::limits::HELPERS_MAX;

/// Threads that help now.
static HELPERS: AtomicUsize = AtomicUsize::new(0);

/// Threads that may help here; gives them back in the end.
#[derive(Debug)]
pub struct Helpers(usize);

impl Helpers {
    /// As many as there are idle processors, at most `wanted`, as far as the bound on all together allows it.
    pub fn take(wanted: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let all = HELPERS_MAX.min(cores - 1);
        let mut taken = 0;
        let take = |busy: usize| {
            taken = all.saturating_sub(busy).min(wanted);
            Some(busy + taken)
        };
        let _ = HELPERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        Self(taken)
    }

    pub fn count(&self) -> usize {
        self.0
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        HELPERS.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Does `work` with each item.
///
/// # Errors
/// That of the first item that has one.
pub fn each<I: Sync, T: Send, E: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, E>)>> = Mutex::new(Vec::new());
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return };
            let result = work(item);
            // Items are taken in their order, so that those before the first error are all done.
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    let helpers = Helpers::take(items.len().saturating_sub(1));
    std::thread::scope(|scope| {
        for _ in 0..helpers.count() {
            // Without a helper the work takes longer.
            let _ = std::thread::Builder::new().name("helper".to_owned()).spawn_scoped(scope, run);
        }
        run();
    });
    drop(helpers);
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_the_first_error_counts() {
        let items: Vec<usize> = (0..1_000).collect();
        assert_eq!(each(&items, |item| Ok::<_, ()>(item * 2)).unwrap()[999], 1_998);
        assert_eq!(each(&items, |item| if *item % 300 == 299 { Err(*item) } else { Ok(()) }), Err(299));
        assert_eq!(each(&[], |(): &()| Ok::<_, ()>(())), Ok(vec![]));
    }
}
