//! The rate limit of one gateway, kept on our side, so that the gateway need not refuse us.

use crate::gateway::GatewayError;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use std::{num::NonZeroU32, time::Duration};
use tokio::time::{Instant, sleep};

/// The longest wait for our turn: requests must not pile up in memory, and each can be repeated later.
const TURN_MAX: Duration = Duration::from_secs(1);

/// The shortest wait that a refused request is told, because the requests before it need their turns too.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, NoOpMiddleware>,
    clock: DefaultClock,
}

impl Pace {
    pub fn new(requests_per_s: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::direct(Quota::per_second(requests_per_s)),
            clock: DefaultClock::default(),
        }
    }

    /// Waits for our turn, or returns [`GatewayError::Busy`] with the time to try again. Nothing was sent then.
    pub async fn turn(&self) -> Result<(), GatewayError> {
        let asked = Instant::now();
        loop {
            let Err(not_until) = self.limiter.check() else { return Ok(()) };
            let wait = not_until.wait_time_from(self.clock.now());
            if asked.elapsed() + wait > TURN_MAX {
                return Err(GatewayError::Busy { retry_after: wait.max(RETRY_AFTER_MIN) });
            }
            sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crowd_waits_its_turn_for_a_moment_and_the_rest_is_told_when_to_come_again() {
        let pace = Pace::new(NonZeroU32::new(10).unwrap());
        let began = Instant::now();
        let mut refused = 0;
        for turn in futures(&pace, 60).await {
            match turn {
                Ok(()) => {}
                Err(GatewayError::Busy { retry_after }) => {
                    assert!(retry_after >= RETRY_AFTER_MIN);
                    refused += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        // Ten at once, and ten more in the second that they may wait.
        assert!((35..=45).contains(&refused), "{refused} of 60 were refused");
        assert!(began.elapsed() < TURN_MAX * 2);
    }

    async fn futures(pace: &Pace, count: usize) -> Vec<Result<(), GatewayError>> {
        let mut turns: Vec<_> = (0..count).map(|_| Box::pin(pace.turn())).collect();
        let mut ended = Vec::with_capacity(count);
        std::future::poll_fn(|context| {
            turns.retain_mut(|turn| match turn.as_mut().poll(context) {
                std::task::Poll::Ready(answer) => {
                    ended.push(answer);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if turns.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        ended
    }
}
