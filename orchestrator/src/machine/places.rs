//! Places for calls: each service has a fixed number, so that a service that hangs takes no places from the others.
//!
//! A call has its place before its lease is committed. If there is none, the saga is parked without a lease and waits in
//! line for a place that becomes free. A saga that doesn't fit into the line, or waited in the line of a node that died,
//! becomes due again after a while.

use crate::id::SagaId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The length of a service's line, for each of its places. It makes no sense to have more than can be served within a lease.
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
    /// The token under which each saga in line was parked.
    tokens: HashMap<SagaId, i64>,
}

/// Gives a place to the saga that waited in line for it, parked under this token.
type Hand = dyn Fn(SagaId, i64, Place) + Send + Sync;

/// The place of one call. When it is dropped, the next saga in line gets it.
pub(crate) struct Place {
    service: &'static str,
    places: Arc<Places>,
}

impl Places {
    /// Makes this many places for each service. `hand` gives a place to a waiting saga.
    pub fn new(most: usize, hand: impl Fn(SagaId, i64, Place) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), hand: Box::new(hand), services: Mutex::default() })
    }

    /// A free place, if no saga waits in line for it.
    pub fn take(self: &Arc<Self>, service: &'static str) -> Option<Place> {
        let mut services = self.lock();
        let its = services.entry(service).or_default();
        if its.taken >= self.most {
            return None;
        }
        its.taken += 1;
        Some(Place { service, places: self.clone() })
    }

    /// Puts a saga into the line, unless the line is full. `token` is the token with which the saga's row was parked.
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

    /// Gives the place to the next saga in line, or makes it free.
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
    /// The service whose calls it is for.
    pub fn service(&self) -> &'static str {
        self.service
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.pass_on(self.service);
    }
}
