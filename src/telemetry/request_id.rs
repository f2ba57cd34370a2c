//! Ids of requests: each different, none a secret.

use std::cell::Cell;

use uuid::{Builder, Uuid};
use xxhash_rust::xxh3::xxh3_128;

thread_local! {
    /// Drawn at random once; asking the system for each request costs a system call.
    static NEXT: Cell<u128> = Cell::new(Uuid::new_v4().as_u128());
}

/// The id of the next request on this thread.
pub fn next() -> Uuid {
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    Builder::from_random_bytes(xxh3_128(&number.to_le_bytes()).to_le_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_all_threads_differ() {
        let draw = || (0..1_000).map(|_| next()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw);
        let ids: HashSet<_> = draw().into_iter().chain(other.join().unwrap()).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
