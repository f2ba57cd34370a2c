//! Work on as many threads as there are processors.

use std::sync::atomic::{AtomicU64, Ordering};

/// Does `work` with each number below `count`; results are in the order of the numbers.
///
/// # Errors
/// One of those that the work ends with; what was not begun by then is left.
pub fn each<T: Send>(count: u64, work: impl Fn(u64) -> anyhow::Result<T> + Sync) -> anyhow::Result<Vec<T>> {
    let next = AtomicU64::new(0);
    let run = || -> anyhow::Result<Vec<(u64, T)>> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            let result = work(number).inspect_err(|_| next.store(count, Ordering::Relaxed));
            done.push((number, result?));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done = Vec::new();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            done.append(&mut worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(())
    })?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_an_error_ends_the_work() {
        let done = each(1_000, |number| Ok(number * 2)).unwrap();
        assert_eq!(done, (0..1_000).map(|number| number * 2).collect::<Vec<_>>());
        assert!(each(9, |number| if number == 5 { anyhow::bail!("five") } else { Ok(()) }).is_err());
        assert_eq!(each(0, Ok).unwrap(), Vec::<u64>::new());
    }
}
