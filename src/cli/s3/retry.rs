//! Passing faults: wait a little longer each time, then give up.

use std::time::Duration;

use super::error::Error;

/// Tries of one request; with the waits between them a server may be away for about ten seconds.
const TRIES_MAX: u32 = 6;
const FIRST_WAIT_MS: u64 = 300;

/// Runs `request` until it succeeds, fails for good, or has been tried often enough.
///
/// `again` is told before each further try, so that progress can be taken back.
pub(crate) async fn retrying<T, F>(request: impl FnMut() -> F, again: impl FnMut()) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    retry_from(FIRST_WAIT_MS, request, again).await
}

async fn retry_from<T, F>(
    first_wait_ms: u64,
    mut request: impl FnMut() -> F,
    mut again: impl FnMut(),
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut tried = 0;
    loop {
        tried += 1;
        match request().await {
            Err(error) if error.is_passing() && tried < TRIES_MAX => {
                again();
                tokio::time::sleep(wait_before(first_wait_ms, tried)).await;
            }
            other => return other,
        }
    }
}

/// Twice as long each time, and up to a quarter more, so that many copies do not come back in step.
fn wait_before(first_wait_ms: u64, tried: u32) -> Duration {
    let wait_ms = first_wait_ms << (tried - 1).min(8);
    let mut dice = [0; 1];
    let jitter = getrandom::fill(&mut dice)
        .map_or(0, |()| wait_ms * u64::from(dice.first().copied().unwrap_or(0)) / 1_024);
    Duration::from_millis(wait_ms + jitter)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http::{HeaderMap, StatusCode};

    use super::*;

    fn refused(status: StatusCode) -> Error {
        Error::Refused {
            status,
            code: String::new(),
            message: String::new(),
            headers: Box::new(HeaderMap::new()),
        }
    }

    #[tokio::test]
    async fn passing_faults_are_tried_again_until_they_pass() {
        let count = Cell::new(0);
        let taken_back = Cell::new(0);
        let done = retry_from(
            0,
            || async {
                count.set(count.get() + 1);
                if count.get() < 4 { Err(refused(StatusCode::SERVICE_UNAVAILABLE)) } else { Ok(count.get()) }
            },
            || taken_back.set(taken_back.get() + 1),
        );
        assert_eq!(done.await.unwrap(), 4);
        assert_eq!(taken_back.get(), 3);
    }

    #[tokio::test]
    async fn lasting_faults_are_told_at_once_and_passing_ones_at_last() {
        let count = Cell::new(0);
        let one = |status| {
            count.set(count.get() + 1);
            async move { Err::<(), Error>(refused(status)) }
        };
        assert!(retry_from(0, || one(StatusCode::FORBIDDEN), || ()).await.is_err());
        assert_eq!(count.replace(0), 1);
        assert!(retry_from(0, || one(StatusCode::INTERNAL_SERVER_ERROR), || ()).await.is_err());
        assert_eq!(count.get(), TRIES_MAX);
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert!(wait_before(300, 1) >= Duration::from_millis(300));
        assert!(wait_before(300, 5) >= Duration::from_millis(4_800));
        assert!(wait_before(300, 5) <= Duration::from_secs(6));
    }
}
