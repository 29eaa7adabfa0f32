//! Waiting for a condition, with a bound, and with a message that says what was waited for.

use std::time::{Duration, Instant};

/// Asks `condition` until it gives something, and gives that; panics after `bound` with `what` was waited for.
///
/// ```no_run
/// # async fn count() -> i64 { 2 }
/// # async fn test() {
/// use std::time::Duration;
/// use tests::support::wait_until;
/// let seats = wait_until("both seats are free", Duration::from_secs(5), async || {
///     let free = count().await;
///     (free == 2).then_some(free)
/// })
/// .await;
/// # }
/// ```
#[track_caller]
pub fn wait_until<T>(
    what: &str,
    bound: Duration,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    let asked_at = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        loop {
            // The condition's own waiting counts too: one that hangs must not hang the test.
            let left = bound.saturating_sub(started.elapsed());
            match tokio::time::timeout(left.max(LOOK_EVERY), condition()).await {
                Ok(Some(found)) => return found,
                Ok(None) if started.elapsed() < bound => tokio::time::sleep(LOOK_EVERY).await,
                Ok(None) => panic!("{asked_at}: waited {bound:?} in vain until {what}"),
                Err(_) => {
                    panic!("{asked_at}: waited {bound:?} until {what}, and the last look gave no answer")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_to_be_is_given() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(5), async || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain until pigs fly")]
    async fn what_never_comes_is_named() {
        wait_until("pigs fly", Duration::from_millis(20), async || None::<()>).await;
    }

    #[tokio::test]
    #[should_panic(expected = "until the hang ends, and the last look gave no answer")]
    async fn a_condition_that_hangs_is_cut_off() {
        wait_until("the hang ends", Duration::from_millis(20), async || {
            std::future::pending::<Option<()>>().await
        })
        .await;
    }
}
