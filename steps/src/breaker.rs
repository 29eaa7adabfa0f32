//! A circuit breaker: after several failures in a row nothing is sent for a while, then one trial.
//!
//! It spares a service that is down, and callers who would wait for it. Correctness never depends on it: a request
//! that it holds back is certainly not sent.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When to stop sending, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row that open it.
    pub failures_max: u32,
    /// How long it stays open before one trial.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    /// Ten failures in a row: an outage looks like that, but random failures of a third of all requests almost never do.
    fn default() -> Self {
        Self { failures_max: 10, open_for: Duration::from_secs(5) }
    }
}

#[derive(Debug)]
pub(crate) struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Trying,
}

/// The right to send one request. If it is dropped without [`Pass::answered`], that counts as a failure: nobody gives up
/// on a service that answers.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    answered: bool,
}

impl Breaker {
    pub fn new(config: BreakerConfig) -> Self {
        Self { config, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// A pass, or how long to wait.
    pub fn admit(&self) -> Result<Pass<'_>, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *state {
            State::Closed { .. } => {}
            State::Open { until } if until > now => return Err(until - now),
            State::Open { .. } => *state = State::Trying,
            State::Trying => return Err(self.config.open_for),
        }
        Ok(Pass { breaker: self, answered: false })
    }

    /// How long certainly nothing is sent; `None` if the next request may be sent.
    pub fn held_back(&self) -> Option<Duration> {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Open { until } => {
                until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            }
            State::Closed { .. } | State::Trying => None,
        }
    }

    /// Whether requests are sent without restriction.
    pub fn is_closed(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Closed { .. })
    }
}

impl Pass<'_> {
    /// Records that the service answered in its protocol, whatever the answer was.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.answered {
            *state = State::Closed { failures: 0 };
            return;
        }
        let BreakerConfig { failures_max, open_for } = self.breaker.config;
        *state = match *state {
            State::Closed { failures } if failures + 1 < failures_max => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } | State::Trying => State::Open { until: Instant::now() + open_for },
            State::Open { until } => State::Open { until },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_a_good_trial() {
        let breaker = Breaker::new(BreakerConfig { failures_max: 2, open_for: Duration::ZERO });
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().answered();
        drop(breaker.admit().unwrap());
        assert!(breaker.is_closed());
        drop(breaker.admit().unwrap());
        assert!(!breaker.is_closed());

        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "one trial at a time");
        trial.answered();
        assert!(breaker.is_closed());
    }

    #[test]
    fn while_open_it_says_how_long() {
        let breaker = Breaker::new(BreakerConfig { failures_max: 1, open_for: Duration::from_secs(60) });
        drop(breaker.admit().unwrap());
        assert!(breaker.held_back().is_some());
        let wait = breaker.admit().unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60));
    }
}
