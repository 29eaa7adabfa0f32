//! The lane as a service: it gathers, turns, and tells everybody what came of it.

use super::{
    Calls, Group, Health, Hung, Leases, LetterAnswer, Probe, Queue, Started, TurnError, Verdict, Watchers,
    calls::panic_message,
    turn::{Cached, Turn},
};
use crate::{
    SagaId, cause::StuckCause, client::ClientError, database::Database, medium::Tx, registry::Registry,
    settings::Settings, store::sagas::State,
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use rand::Rng;
use sqlx::PgConnection;
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What the lanes of a node share.
pub(crate) struct Shared {
    pub registry: Arc<Registry>,
    pub settings: Settings,
    pub database: Database,
    pub queues: Vec<Arc<Queue>>,
    pub watchers: Watchers,
    pub leases: Arc<Leases>,
    pub hung: Hung,
    pub calls: Calls,
    /// No more new work: what is to be called next is called by other nodes.
    pub draining: CancellationToken,
    /// No more work at all, and no more waiting for a database that is away.
    pub stop: CancellationToken,
}

impl Shared {
    /// The queue of the lane that owns this saga's bucket.
    pub fn queue(&self, saga: SagaId) -> &Arc<Queue> {
        &self.queues[self.lane_of(saga)]
    }

    /// The number of that lane.
    pub fn lane_of(&self, saga: SagaId) -> usize {
        saga.bucket().number() as usize % self.queues.len()
    }
}

/// One lane. Lives on a thread of its own: a workflow that computes for long holds up its lane and nothing else.
pub(crate) struct Lane {
    pub(crate) tx: Tx,
    pub(super) shared: Arc<Shared>,
    pub(super) cache: HashMap<SagaId, Cached>,
    /// Virtual time: tests move it, everybody else leaves it at zero.
    pub clock_offset: chrono::Duration,
    pub probe: Probe,
    pub(super) health: Arc<Health>,
    number: usize,
}

/// How often a batch is repeated whole before it is halved.
const REPEATS_MAX: u32 = 8;
/// The longest wait between two attempts to reach the database.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

impl Lane {
    pub async fn open(shared: Arc<Shared>, number: usize, health: Arc<Health>) -> Result<Self, sqlx::Error> {
        let connection = shared.database.connect_lane(number).await?;
        let mut lane = Self { health, ..Self::on(connection, shared, number) };
        lane.tell_backend().await?;
        Ok(lane)
    }

    /// On a connection that is there.
    pub fn on(connection: PgConnection, shared: Arc<Shared>, number: usize) -> Self {
        Self {
            tx: Tx { connection, now: DateTime::<Utc>::MIN_UTC, context: None, emitted: Default::default() },
            shared,
            cache: HashMap::new(),
            clock_offset: chrono::Duration::zero(),
            probe: Probe::default(),
            health: Arc::default(),
            number,
        }
    }

    /// Works until told to stop, and then until its queue is empty.
    pub async fn run(mut self) {
        let shared = self.shared.clone();
        let queue = shared.queues[self.number].clone();
        // Nothing is in hand, whatever a lane had whose place this one takes.
        queue.worked();
        let (most, scope) = (shared.settings.batch_max, shared.settings.batch_scope);
        loop {
            let groups = tokio::select! {
                biased;
                groups = queue.gather(most, scope) => groups,
                () = shared.stop.cancelled() => return,
            };
            crate::fault::point("lane-gathered", &shared.settings.node);
            self.work(groups).await;
            queue.worked();
            if self.health.is_given_up() {
                return;
            }
        }
    }

    /// Runs a batch to its end: repeated, reconnected or halved as its errors ask.
    async fn work(&mut self, groups: Vec<Group>) {
        let mut todo = vec![(groups, 0)];
        while let Some((groups, tries)) = todo.pop() {
            let error = match self.guarded_turn(&groups).await {
                Ok(turn) => {
                    metrics::histogram!("usher_batch_sagas").record(groups.len() as f64);
                    self.publish(groups, turn);
                    continue;
                }
                Err(error) => error,
            };
            // Another lane has taken this one's place; what was in the batch is found by it.
            if self.health.is_given_up() {
                return;
            }
            self.cache.clear();
            match error {
                TurnError::Lost(error) => {
                    tracing::warn!(lane = self.number, %error, "the lane lost its database");
                    if !self.reconnect().await {
                        return;
                    }
                    todo.push((groups, tries));
                }
                TurnError::Repeat(error) if tries < REPEATS_MAX => {
                    tracing::debug!(lane = self.number, %error, "the batch is repeated");
                    self.rollback().await;
                    let wait = Duration::from_millis(rand::rng().random_range(0..=5 << tries));
                    tokio::time::sleep(wait).await;
                    todo.push((groups, tries + 1));
                }
                error => {
                    self.rollback().await;
                    if let Some(halves) = self.halve(groups, &error) {
                        todo.extend(halves.map(|half| (half, 0)));
                    }
                }
            }
        }
    }

    /// A panic of the engine itself ends the batch and not the lane, or every saga of its buckets would wait for ever.
    async fn guarded_turn(&mut self, groups: &[Group]) -> Result<Turn, TurnError> {
        match AssertUnwindSafe(self.turn(groups)).catch_unwind().await {
            Ok(turn) => turn,
            Err(panic) => {
                // Nobody knows what the connection was doing.
                self.reconnect().await;
                Err(TurnError::Halve(panic_message(panic.as_ref())))
            }
        }
    }

    /// Two halves; or, of one saga alone, its callers are told and it is left to its next turn.
    fn halve(&self, mut groups: Vec<Group>, error: &TurnError) -> Option<[Vec<Group>; 2]> {
        if groups.len() > 1 {
            let later = groups.split_off(groups.len() / 2);
            return Some([later, groups]);
        }
        for group in groups {
            tracing::error!(saga = %group.id, %error, "a saga's stretch could not be written");
            if let Some(start) = group.start {
                let _ = start.reply.send(Err(ClientError::Failed(error.to_string())));
            }
            for mail in group.mail {
                let _ = mail.reply.send(LetterAnswer::Failed(ClientError::Failed(error.to_string())));
            }
            for ended in group.ended {
                self.shared.leases.release(group.id, ended.token);
            }
        }
        None
    }

    async fn rollback(&mut self) {
        if sqlx::raw_sql("rollback").execute(&mut self.tx.connection).await.is_err() {
            self.reconnect().await;
        }
    }

    /// A new connection, however long it takes; the old one's transaction dies with it. `false` if there is none, and the
    /// lane is to stop.
    pub(super) async fn reconnect(&mut self) -> bool {
        self.cache.clear();
        let mut wait = Duration::from_millis(20);
        loop {
            match self.shared.database.connect_lane(self.number).await {
                Ok(connection) => {
                    self.tx.connection = connection;
                    if self.tell_backend().await.is_ok() {
                        return true;
                    }
                }
                Err(error) => tracing::warn!(lane = self.number, %error, "the database can't be reached"),
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => return false,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(RECONNECT_MAX);
        }
    }

    async fn tell_backend(&mut self) -> Result<(), sqlx::Error> {
        let backend =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut self.tx.connection).await?;
        self.health.connected(backend);
        Ok(())
    }

    fn publish(&self, groups: Vec<Group>, turn: Turn) {
        for state in [State::Completed, State::Unwound] {
            let ended = |verdict: &&Verdict| matches!(verdict, Verdict::Moved { snapshot, .. } if snapshot.state == state);
            let ended = turn.verdicts.iter().filter(ended).count();
            if ended > 0 {
                metrics::counter!("usher_sagas_ended_total", "state" => state.as_str())
                    .increment(ended as u64);
            }
        }
        for (group, verdict) in groups.into_iter().zip(turn.verdicts) {
            tell(&self.shared, group, verdict, turn.token, turn.since);
        }
    }
}

/// Answers the callers of one saga, hands its call out, and sends it on.
fn tell(shared: &Shared, group: Group, verdict: Verdict, token: i64, since: std::time::Instant) {
    let id = group.id;
    let queue = shared.queue(id);
    let (start, same, mail) = (group.start, group.same, group.mail);
    let held: Vec<i64> = group.ended.iter().map(|ended| ended.token).chain(group.resume).collect();
    let release = || held.iter().for_each(|token| shared.leases.release(id, *token));
    let (found, first, begun) = match &verdict {
        Verdict::Moved { snapshot, begun, .. } => (id, Some(snapshot.clone()), *begun),
        Verdict::Existing(found) => (*found, None, false),
        Verdict::Stored | Verdict::Busy | Verdict::Claimed(_) => (id, None, false),
    };
    match verdict {
        Verdict::Moved { snapshot, call, again, .. } => {
            release();
            if let Some(call) = call {
                shared.leases.keep(id, token, since + call.lease);
                shared.calls.hand_out(*call, shared.leases.clone(), queue.clone());
            }
            if matches!(snapshot.stuck, Some(StuckCause::PollTooLong { .. })) {
                shared.hung.settled(id);
            }
            shared.watchers.publish(id, &snapshot);
            for mail in mail {
                let _ = mail.reply.send(LetterAnswer::Stored(Some(snapshot.clone())));
            }
            if again {
                queue.wake(id);
            }
        }
        Verdict::Existing(_) => {
            mail.into_iter().for_each(|mail| drop(mail.reply.send(LetterAnswer::Stored(None))));
        }
        Verdict::Stored => {
            release();
            mail.into_iter().for_each(|mail| drop(mail.reply.send(LetterAnswer::Stored(None))));
        }
        Verdict::Busy => {
            mail.into_iter().for_each(|mail| drop(mail.reply.send(LetterAnswer::Busy)));
            // Whoever has the row lets it go within a batch; our lease outlives that.
            for ended in group.ended {
                if shared.leases.holds(id, ended.token) {
                    queue.ended(ended);
                }
            }
            if let Some(token) = group.resume.filter(|token| shared.leases.holds(id, *token)) {
                queue.resume(id, token);
            }
        }
        Verdict::Claimed(token) => {
            shared.leases.keep(id, token, since + shared.settings.lease);
            queue.resume(id, token);
            mail.into_iter().for_each(|mail| drop(mail.reply.send(LetterAnswer::Busy)));
        }
    }
    let replies = start.map(|start| start.reply).into_iter().chain(same);
    for (place, reply) in replies.enumerate() {
        let existing = !begun || place > 0;
        let _ = reply.send(Ok(Started { id: found, snapshot: first.clone(), existing }));
    }
}
