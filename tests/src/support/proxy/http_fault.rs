//! What may go wrong with one request on its way, and how it is drawn.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// It never arrives; the connection is closed.
    DropBefore,
    /// It is carried out; the connection is closed in place of the answer.
    DropAfter,
    /// It is carried out; its answer never comes, and the connection stays.
    Hang,
    /// Its answer comes byte by byte, each so much after the one before.
    Slow(Duration),
    /// It is carried out twice; the first answer is given.
    Twice,
    /// It never arrives, and is answered with this status.
    Refuse(u16),
}

/// Which part of all requests goes wrong, and in which ways.
#[derive(Clone, Debug, Default)]
pub struct Misbehaviour {
    /// The part of all requests, 0 to 1.
    pub part: f64,
    /// The ways, each as likely as the others. None: nothing goes wrong.
    pub ways: Vec<HttpFault>,
}

/// Decides about each request.
pub(super) struct Fate(Mutex<State>);

struct State {
    random: StdRng,
    next: VecDeque<HttpFault>,
    misbehaviour: Misbehaviour,
}

impl Fate {
    pub fn of(seed: u64) -> Self {
        let (random, next) = (StdRng::seed_from_u64(seed), VecDeque::new());
        Self(Mutex::new(State { random, next, misbehaviour: Misbehaviour::default() }))
    }

    pub fn set(&self, misbehaviour: Misbehaviour) {
        self.lock().misbehaviour = misbehaviour;
    }

    /// Orders a fault for the next request that has no order yet.
    pub fn order(&self, fault: HttpFault) {
        self.lock().next.push_back(fault);
    }

    /// What becomes of the request that is here now.
    pub fn draw(&self) -> Option<HttpFault> {
        let mut state = self.lock();
        let State { random, next, misbehaviour } = &mut *state;
        if let Some(ordered) = next.pop_front() {
            return Some(ordered);
        }
        let goes_wrong = random.random_bool(misbehaviour.part.clamp(0.0, 1.0));
        let ways = &misbehaviour.ways;
        (goes_wrong && !ways.is_empty()).then(|| ways[random.random_range(0..ways.len())])
    }

    /// Which of so many servers is asked first.
    pub fn choose(&self, servers: usize) -> usize {
        self.lock().random.random_range(0..servers)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
