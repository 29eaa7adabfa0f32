//! Seat locks in Redis: they turn away most of a crowd before it reaches Postgres, and decide nothing.
//!
//! The picture: each held seat has a key that says whose it is and under which hold number, with the remaining
//! time of the reservation as its TTL. The API looks at the keys before it starts a saga. Postgres has decided
//! before a lock is set, so a lock in the way of a granted reservation is old or is another's mistake, and
//! acquiring never fails the saga. Every request has a time bound; when Redis is slow, gone or confused, the
//! answer is [`Locks::Unavailable`], a breaker spares everybody the wait, and bookings go on without.

mod connection;
mod keys;
mod value;

pub use keys::{BadKeyTemplate, KeyTemplate};
pub use value::{BadLockValue, LockValue};

use crate::breaker::BreakerConfig;
use crate::store::seats::{Held, Owner};
use crate::{EventId, ReservationId, SeatId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use connection::Connection;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How much longer than its reservation a lock lasts, so that it doesn't expire while the hold is still valid by another
/// clock. It is small, because until then the seat looks taken.
pub const GRACE: Duration = Duration::from_secs(2);

/// The address of Redis, and the bounds on requests.
#[derive(Clone, Debug)]
pub struct SeatLocksConfig {
    /// The URL, `redis://…` or `rediss://…`.
    pub url: String,
    /// How keys are made.
    pub keys: KeyTemplate,
    /// The most that one request may take: well under what a customer notices.
    pub bound: Duration,
    /// When the circuit breaker opens, and for how long.
    pub breaker: BreakerConfig,
}

impl SeatLocksConfig {
    /// Plain keys, 100 ms a request, and a second's rest after five failures in a row.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            keys: KeyTemplate::default(),
            bound: Duration::from_millis(100),
            breaker: BreakerConfig { failures_max: 5, open_for: Duration::from_secs(1) },
        }
    }
}

/// The seat locks. Cheap to clone; all clones share the connection and the breaker.
#[derive(Clone, Debug)]
pub struct SeatLocks(Option<Arc<Connection>>);

/// The seats that a reservation holds, for the locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The reservation that owns the seats.
    pub reservation: ReservationId,
    /// The user who gets the seats.
    pub user: UserId,
    /// The event.
    pub event: EventId,
    /// The seats, each with its hold number.
    pub seats: Vec<Held>,
    /// The end of the hold, by the database's clock.
    pub reserved_until: DateTime<Utc>,
}

/// An answer of the seat locks, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locks<T> {
    /// Redis answered.
    Answered(T),
    /// Redis did not answer in time or at all: go on without it.
    Unavailable,
}

/// The result of acquiring locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// All seats are locked.
    All,
    /// None is locked, because this seat has a lock that was not replaced.
    InTheWay {
        /// The seat.
        seat: SeatId,
        /// The value of its lock.
        value: String,
    },
}

/// The present state of the seat locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Redis answers, and the locks turn crowds away.
    Working,
    /// They should work and don't: bookings go on more slowly.
    Degraded,
    /// They are turned off by configuration.
    Absent,
}

impl SeatLocks {
    /// No Redis: every answer is [`Locks::Unavailable`], at once.
    pub fn none() -> Self {
        Self(None)
    }

    /// Locks in this Redis. Connects with the first request, so that a node starts without Redis too.
    ///
    /// # Errors
    /// The URL is not valid.
    pub fn connect(config: SeatLocksConfig) -> redis::RedisResult<Self> {
        Ok(Self(Some(Arc::new(Connection::new(config)?))))
    }

    /// Whether they work, judged by the last requests.
    pub fn mode(&self) -> LockMode {
        match &self.0 {
            None => LockMode::Absent,
            Some(connection) if connection.works() => LockMode::Working,
            Some(_) => LockMode::Degraded,
        }
    }

    /// Locks all seats of a hold, or none. The same hold may lock again; an absent lock and one with a lower
    /// hold number give way.
    pub async fn acquire(&self, hold: &Hold, now: DateTime<Utc>) -> Locks<Acquired> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        connection.acquire(hold, remaining(hold.reserved_until, now)).await
    }

    /// Deletes those locks of a hold that are still its own, and returns how many. However late this comes, nobody else's lock
    /// is deleted.
    pub async fn release(&self, hold: &Hold) -> Locks<usize> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        connection.release(hold).await
    }

    /// Extends those locks of a hold that are still its own to `hold.reserved_until`, and returns how many.
    pub async fn extend(&self, hold: &Hold, now: DateTime<Utc>) -> Locks<usize> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        connection.extend(hold, remaining(hold.reserved_until, now)).await
    }

    /// Notes who owns seats, as Postgres said when it refused them, so that later clicks are refused here.
    pub async fn note_owners(
        &self,
        event: EventId,
        owners: &[(SeatId, Owner)],
        now: DateTime<Utc>,
    ) -> Locks<usize> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        let owners: Vec<_> = owners
            .iter()
            .map(|(seat, owner)| {
                let value = LockValue { reservation: owner.reservation, hold: owner.hold };
                (*seat, value, remaining(owner.reserved_until, now))
            })
            .collect();
        connection.note_owners(event, &owners).await
    }

    /// The seats among these that are locked now, each with its owner.
    pub async fn peek(&self, event: EventId, seats: &[SeatId]) -> Locks<Vec<(SeatId, LockValue)>> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        connection.peek(event, seats).await
    }

    /// The notes that these reservations left when they locked their seats. A reservation without a note is missing.
    pub async fn holds(&self, event: EventId, reservations: &[ReservationId]) -> Locks<Vec<Hold>> {
        let Some(connection) = &self.0 else { return Locks::Unavailable };
        connection.holds(event, reservations).await
    }
}

/// The TTL: the rest of the hold, and a margin. It is at least a millisecond, because Redis refuses zero.
fn remaining(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    let left = (until - now).max(TimeDelta::zero()).to_std().unwrap_or_default();
    (left + GRACE).max(Duration::from_millis(1))
}
