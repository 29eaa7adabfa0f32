//! The connection to Redis: each request is one script with a time bound, behind a circuit breaker.

use super::{Acquired, Hold, KeyTemplate, LockValue, Locks, SeatLocksConfig};
use crate::breaker::Breaker;
use crate::telemetry;
use crate::{EventId, ReservationId, SeatId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisResult, Script, ScriptInvocation};
use std::fmt;
use std::time::Duration;

pub(super) struct Connection {
    redis: ConnectionManager,
    keys: KeyTemplate,
    bound: Duration,
    breaker: Breaker,
    acquire: Script,
    release: Script,
    extend: Script,
    note_owners: Script,
}

impl Connection {
    pub fn new(config: SeatLocksConfig) -> RedisResult<Self> {
        // The manager reconnects by itself, in the background of whichever request met the loss.
        let manager = ConnectionManagerConfig::new()
            .set_response_timeout(Some(config.bound))
            .set_connection_timeout(Some(config.bound))
            .set_number_of_retries(1);
        let client = redis::Client::open(config.url)?;
        metrics::gauge!(telemetry::DEGRADED, "mode" => telemetry::MODE_WITHOUT_SEAT_LOCKS).set(0);
        Ok(Self {
            redis: ConnectionManager::new_lazy_with_config(client, manager)?,
            keys: config.keys,
            bound: config.bound,
            breaker: Breaker::new(config.breaker),
            acquire: Script::new(include_str!("acquire.lua")),
            release: Script::new(include_str!("release.lua")),
            extend: Script::new(include_str!("extend.lua")),
            note_owners: Script::new(include_str!("note_owners.lua")),
        })
    }

    pub fn works(&self) -> bool {
        self.breaker.is_closed()
    }

    pub async fn acquire(&self, hold: &Hold, ttl: Duration) -> Locks<Acquired> {
        let mut script = self.with_keys(&self.acquire, hold);
        script.arg(millis(ttl)).arg(serde_json::to_string(hold).unwrap_or_default());
        add_values(&mut script, hold);
        let answer: Locks<(usize, String)> = self.ask("acquire", self.invoke(&script)).await;
        match answer {
            Locks::Unavailable => Locks::Unavailable,
            Locks::Answered((0, _)) => Locks::Answered(Acquired::All),
            Locks::Answered((index, value)) => match hold.seats.get(index - 1) {
                Some(held) => {
                    count("acquire", "conflict");
                    Locks::Answered(Acquired::InTheWay { seat: held.seat, value })
                }
                None => Locks::Unavailable,
            },
        }
    }

    pub async fn release(&self, hold: &Hold) -> Locks<usize> {
        let mut script = self.with_keys(&self.release, hold);
        add_values(&mut script, hold);
        self.ask("release", self.invoke(&script)).await
    }

    pub async fn extend(&self, hold: &Hold, ttl: Duration) -> Locks<usize> {
        let mut script = self.with_keys(&self.extend, hold);
        script.arg(millis(ttl));
        add_values(&mut script, hold);
        self.ask("extend", self.invoke(&script)).await
    }

    pub async fn note_owners(
        &self,
        event: EventId,
        owners: &[(SeatId, LockValue, Duration)],
    ) -> Locks<usize> {
        if owners.is_empty() {
            return Locks::Answered(0);
        }
        let mut script = self.note_owners.prepare_invoke();
        for (seat, value, ttl) in owners {
            script.key(self.keys.seat(event, *seat)).arg(value.to_string()).arg(millis(*ttl));
        }
        self.ask("note", self.invoke(&script)).await
    }

    pub async fn peek(&self, event: EventId, seats: &[SeatId]) -> Locks<Vec<(SeatId, LockValue)>> {
        let mut command = redis::cmd("MGET");
        for seat in seats {
            command.arg(self.keys.seat(event, *seat));
        }
        let mut redis = self.redis.clone();
        let request = async move { command.query_async(&mut redis).await };
        match self.ask::<Vec<Option<String>>>("peek", request).await {
            Locks::Unavailable => Locks::Unavailable,
            // A value that we can't read counts as no lock.
            Locks::Answered(found) => Locks::Answered(
                seats
                    .iter()
                    .zip(found)
                    .filter_map(|(seat, value)| Some((*seat, value?.parse().ok()?)))
                    .collect(),
            ),
        }
    }

    pub async fn holds(&self, event: EventId, reservations: &[ReservationId]) -> Locks<Vec<Hold>> {
        if reservations.is_empty() {
            return Locks::Answered(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for reservation in reservations {
            command.arg(self.keys.reservation(event, *reservation));
        }
        let mut redis = self.redis.clone();
        let request = async move { command.query_async(&mut redis).await };
        match self.ask::<Vec<Option<String>>>("holds", request).await {
            Locks::Unavailable => Locks::Unavailable,
            Locks::Answered(notes) => Locks::Answered(
                notes.into_iter().flatten().filter_map(|note| serde_json::from_str(&note).ok()).collect(),
            ),
        }
    }

    fn with_keys<'a>(&self, script: &'a Script, hold: &Hold) -> ScriptInvocation<'a> {
        let mut script = script.prepare_invoke();
        for held in &hold.seats {
            script.key(self.keys.seat(hold.event, held.seat));
        }
        script.key(self.keys.reservation(hold.event, hold.reservation));
        script
    }

    async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> RedisResult<T> {
        script.invoke_async(&mut self.redis.clone()).await
    }

    /// Sends a request with the time bound, or not at all while the breaker is open.
    async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = RedisResult<T>>,
    ) -> Locks<T> {
        let Ok(pass) = self.breaker.admit() else {
            count(operation, "held_back");
            return Locks::Unavailable;
        };
        let worked = self.works();
        let answer = tokio::time::timeout(self.bound, request).await;
        let error = match answer {
            Ok(Ok(answer)) => {
                pass.answered();
                count(operation, "done");
                self.tell_of_change(worked, "");
                return Locks::Answered(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {:?}", self.bound),
        };
        drop(pass);
        count(operation, "failed");
        self.tell_of_change(worked, &error);
        Locks::Unavailable
    }

    fn tell_of_change(&self, worked: bool, error: &str) {
        let works = self.works();
        let mode = telemetry::MODE_WITHOUT_SEAT_LOCKS;
        match (worked, works) {
            (true, false) => {
                tracing::warn!(mode, error, "seat locks can't be reached; booking goes on without them")
            }
            (false, true) => tracing::info!(mode, "seat locks can be reached again"),
            (true, true) | (false, false) => return,
        }
        metrics::gauge!(telemetry::DEGRADED, "mode" => mode).set(if works { 0 } else { 1 });
    }
}

fn add_values(script: &mut ScriptInvocation<'_>, hold: &Hold) {
    for held in &hold.seats {
        script.arg(LockValue { reservation: hold.reservation, hold: held.hold }.to_string());
    }
}

fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

fn count(operation: &'static str, outcome: &'static str) {
    metrics::counter!(telemetry::SEAT_LOCK_REQUESTS, "operation" => operation, "outcome" => outcome)
        .increment(1);
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeatLocks")
            .field("keys", &self.keys)
            .field("works", &self.works())
            .finish_non_exhaustive()
    }
}
