//! What a round's sellers report: how many sagas, how long each took, and which bookings they were told.

use hdrhistogram::Histogram;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use steps::BookingId;

/// The longest latency that the histogram can hold; a saga that takes longer fails the round anyway.
const LATENCY_MAX_US: u64 = 120_000_000;

/// When sagas of a round begin to count, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Sagas count from this moment on.
    pub from: Instant,
    /// From this moment on no saga is started, and none counts.
    pub until: Instant,
}

/// The notes that all sellers of a round share.
pub(crate) struct Tally {
    clock: Clock,
    notes: Mutex<Notes>,
}

struct Notes {
    bookings: Vec<BookingId>,
    measured: u64,
    latencies_us: Histogram<u64>,
}

/// What was noted in a round.
pub(crate) struct Noted {
    /// Every booking that a seller was told of, also before and after the window.
    pub bookings: Vec<BookingId>,
    /// Sagas that came to rest in the window.
    pub measured: u64,
    /// From start to confirmed, of those.
    pub latencies_us: Histogram<u64>,
}

impl Clock {
    pub fn begin(warm_up: Duration, window: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self { from, until: from + window }
    }

    /// Whether another saga may start.
    pub fn runs(&self) -> bool {
        Instant::now() < self.until
    }
}

impl Tally {
    pub fn new(clock: Clock) -> Self {
        let latencies_us = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)
            .expect("the bounds are constants that were tried");
        Self { clock, notes: Mutex::new(Notes { bookings: Vec::new(), measured: 0, latencies_us }) }
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Notes sagas that were begun together, were confirmed at `confirmed`, and are at rest now.
    pub fn note(&self, bookings: &[BookingId], begun: Instant, confirmed: Instant) {
        let now = Instant::now();
        let mut notes = self.lock();
        notes.bookings.extend_from_slice(bookings);
        if now >= self.clock.from && now < self.clock.until {
            let sagas = bookings.len() as u64;
            notes.measured += sagas;
            let latency = u64::try_from((confirmed - begun).as_micros()).unwrap_or(LATENCY_MAX_US);
            notes.latencies_us.saturating_record_n(latency, sagas);
        }
    }

    /// The number of sagas noted so far.
    pub fn count(&self) -> usize {
        self.lock().bookings.len()
    }

    pub fn finish(self) -> Noted {
        let Notes { bookings, measured, latencies_us } =
            self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        Noted { bookings, measured, latencies_us }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
