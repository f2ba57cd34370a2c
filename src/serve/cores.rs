//! Which cores serve, and pinning a thread to one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Numbers of the cores that serve: at most `wanted` (0: all) of those the process may run on.
///
/// A container's CPU quota counts: on 64 cores with a quota of two, two cores serve.
pub fn choose(wanted: usize) -> Vec<usize> {
    let quota = std::thread::available_parallelism().map_or(1, usize::from);
    let allowed: Vec<usize> = match sched_getaffinity(None) {
        Ok(set) => (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect(),
        Err(_) => (0..quota).collect(),
    };
    let count = if wanted == 0 { quota } else { wanted };
    allowed.into_iter().take(count.max(1)).collect()
}

/// Keeps the calling thread on `cpu`; a kernel that refuses is no obstacle, only slower.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    if let Err(error) = sched_setaffinity(None, &set) {
        tracing::warn!(cpu, %error, "cannot pin a thread to its core");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_cores_than_asked_and_never_none() {
        assert_eq!(choose(1).len(), 1);
        assert!(!choose(0).is_empty());
        assert!(choose(usize::MAX).len() >= choose(0).len());
    }
}
