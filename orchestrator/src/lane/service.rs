//! The loop of a lane: it gathers inputs and runs batches to their end.

use crate::{
    database::Database,
    id::SagaId,
    lane::{
        cached::Cached, calls::Calls, input::Group, lease::Leases, queue::Queue, suspects::Suspects,
        verdict::Turn, watch::Watchers,
    },
    machine::{Culprits, Env, Mode, Places, Probe, TurnError},
    medium::Tx,
    registry::Registry,
    settings::Settings,
    signs::{Doing, Signs},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// What the lanes of a node share.
pub(crate) struct Shared {
    pub registry: Arc<Registry>,
    pub settings: Settings,
    pub database: Database,
    pub queues: Vec<Arc<Queue>>,
    pub watchers: Watchers,
    pub leases: Arc<Leases>,
    pub suspects: Suspects,
    pub culprits: Arc<Culprits>,
    pub places: Arc<Places>,
    pub calls: Calls,
    /// Cancelled when the node takes no new work: other nodes make the next calls.
    pub draining: CancellationToken,
    /// Cancelled when all work must stop, including waiting for a database that is away.
    pub stop: CancellationToken,
}

impl Shared {
    /// The queue of the lane that owns this saga's bucket.
    pub fn queue(&self, saga: SagaId) -> &Arc<Queue> {
        &self.queues[self.lane_of(saga)]
    }

    /// The environment of a batch with this token.
    pub(super) fn env<'a>(&'a self, signs: &'a Signs, now: DateTime<Utc>, token: i64) -> Env<'a> {
        let (culprits, places) = (self.culprits.as_ref(), &self.places);
        let mode = Mode::Lane { signs, culprits, places, draining: self.draining.is_cancelled() };
        Env::new(&self.registry, &self.settings, now, token, mode)
    }

    /// The number of that lane.
    pub fn lane_of(&self, saga: SagaId) -> usize {
        lane_of(saga, self.queues.len())
    }
}

/// The number of the lane that owns this saga's bucket, on a node with this many lanes.
pub(crate) fn lane_of(saga: SagaId, lanes: usize) -> usize {
    saga.bucket().number() as usize % lanes
}

/// One lane. It has a thread of its own: a workflow that computes for long holds up its lane and nothing else.
pub(crate) struct Lane {
    pub(crate) tx: Tx,
    pub(super) shared: Arc<Shared>,
    pub(super) cache: HashMap<SagaId, Cached>,
    /// The offset of virtual time. Only tests change it.
    pub clock_offset: chrono::Duration,
    pub probe: Probe,
    pub(super) number: usize,
}

/// Sagas that share a transaction, and how often that was tried.
pub(super) struct Batch {
    pub groups: Vec<Group>,
    pub tries: u32,
    /// Whether each set of steps is checked for a hidden error.
    pub checked: bool,
}

impl Lane {
    pub async fn open(shared: Arc<Shared>, number: usize, signs: Arc<Signs>) -> Result<Self, sqlx::Error> {
        let (connection, backend) = shared.database.connect_lane(number).await?;
        signs.connect(backend);
        Ok(Self::on(connection, shared, number, signs))
    }

    /// A lane on this connection.
    pub fn on(connection: PgConnection, shared: Arc<Shared>, number: usize, signs: Arc<Signs>) -> Self {
        Self {
            tx: Tx::on(connection, signs),
            shared,
            cache: HashMap::new(),
            clock_offset: chrono::Duration::zero(),
            probe: Probe::default(),
            number,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.tx.signs.is_given_up()
    }

    /// Works until told to stop, and then until its queue is empty.
    pub async fn run(mut self) {
        let shared = self.shared.clone();
        let queue = shared.queues[self.number].clone();
        // No batch is in progress, even if this lane replaces one that had a batch.
        queue.finish_work();
        loop {
            self.tx.signs.note_idle();
            let groups = tokio::select! {
                biased;
                groups = queue.gather(shared.settings.batch_max) => groups,
                () = shared.stop.cancelled() => return,
            };
            self.tx.signs.begin();
            crate::fault::point("lane-gathered", &shared.settings.node);
            let began = Instant::now();
            self.work(groups).await;
            metrics::histogram!("usher_lane_round_seconds").record(began.elapsed().as_secs_f64());
            if self.is_given_up() {
                return;
            }
            queue.finish_work();
        }
    }

    /// Runs a batch to its end: repeated, reconnected, halved or given up as its errors ask.
    async fn work(&mut self, groups: Vec<Group>) {
        let mut todo = vec![Batch { groups, tries: 0, checked: false }];
        while let Some(batch) = todo.pop() {
            match self.turn_in_time(&batch).await {
                Ok(turn) => {
                    metrics::histogram!("usher_batch_sagas").record(batch.groups.len() as f64);
                    self.publish(batch.groups, turn);
                }
                // Another lane has replaced this one, and finds what was in the batch.
                Err(_) if self.is_given_up() => return,
                Err(error) => {
                    self.cache.clear();
                    if !self.recover(batch, error, &mut todo).await {
                        return;
                    }
                }
            }
        }
    }

    /// Drops a batch that hangs, with its connection and so its transaction. A panic of the engine itself ends the batch and
    /// not the lane, or every saga of its buckets would wait for ever.
    async fn turn_in_time(&mut self, batch: &Batch) -> Result<Turn, TurnError> {
        let (signs, bound) = (self.tx.signs.clone(), self.shared.settings.silence_max);
        tokio::select! {
            biased;
            turn = self.guarded_turn(batch) => turn,
            doing = wait_for_silence(&signs, bound) => Err(TurnError::Silent(bound, doing)),
        }
    }
}

/// Ends when the lane has given no sign of life for this long. Returns what it was doing.
async fn wait_for_silence(signs: &Signs, bound: Duration) -> Doing {
    loop {
        match signs.silent_for() {
            Some(silent) if silent >= bound => return signs.doing(),
            silent => tokio::time::sleep(bound - silent.unwrap_or_default()).await,
        }
    }
}
