//! Places for calls: so many at once of each service, so that one that hangs takes none from the others.
//!
//! A call has its place before its lease is committed. A saga for which there is none is parked without a lease, and
//! stands in line: the place that becomes free is handed to it. Whoever doesn't fit into the line any more, or stood
//! in the line of a node that died, is due again after a while like everybody else.

use crate::id::SagaId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Sagas that stand in line for one service, for each of its places. More than are served within a lease are of no use.
const LINE_PER_PLACE: usize = 16;

/// The places of a node.
pub(crate) struct Places {
    most: usize,
    hand: Box<Hand>,
    services: Mutex<HashMap<&'static str, Service>>,
}

#[derive(Default)]
struct Service {
    taken: usize,
    line: VecDeque<SagaId>,
    /// Under which token each of them was parked.
    tokens: HashMap<SagaId, i64>,
}

/// Gives a place to the saga that stood in line for it, parked under this token.
type Hand = dyn Fn(SagaId, i64, Place) + Send + Sync;

/// One call's place. Dropped, it goes to the next in line.
pub(crate) struct Place {
    service: &'static str,
    places: Arc<Places>,
}

impl Places {
    /// So many places for each service; who waits for one is given it by `hand`.
    pub fn new(most: usize, hand: impl Fn(SagaId, i64, Place) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), hand: Box::new(hand), services: Mutex::default() })
    }

    /// A place that is free, if nobody stands in line for it.
    pub fn take(self: &Arc<Self>, service: &'static str) -> Option<Place> {
        let mut services = self.lock();
        let its = services.entry(service).or_default();
        if its.taken >= self.most {
            return None;
        }
        its.taken += 1;
        Some(Place { service, places: self.clone() })
    }

    /// Stands in line, unless the line is full. `token` is what the saga's row was parked with.
    pub fn wait(self: &Arc<Self>, service: &'static str, saga: SagaId, token: i64) {
        let mut services = self.lock();
        let its = services.entry(service).or_default();
        if its.tokens.insert(saga, token).is_none() {
            if its.line.len() >= self.most.saturating_mul(LINE_PER_PLACE) {
                its.tokens.remove(&saga);
                return;
            }
            its.line.push_back(saga);
        }
        metrics::gauge!("usher_calls_waiting", "service" => service).set(its.line.len() as f64);
        drop(services);
        // One may have become free between the look and the commit.
        drop(self.take(service));
    }

    /// The next in line, with the place that is now its own; or the place is free.
    fn pass_on(self: &Arc<Self>, service: &'static str) {
        let mut services = self.lock();
        let Some(its) = services.get_mut(service) else { return };
        let next = its.line.pop_front();
        let next = next.and_then(|saga| its.tokens.remove(&saga).map(|token| (saga, token)));
        match next {
            None => its.taken = its.taken.saturating_sub(1),
            Some((saga, token)) => {
                metrics::gauge!("usher_calls_waiting", "service" => service).set(its.line.len() as f64);
                drop(services);
                let place = Place { service, places: self.clone() };
                (self.hand)(saga, token, place);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Service>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// For whose calls it is.
    pub fn service(&self) -> &'static str {
        self.service
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.pass_on(self.service);
    }
}
