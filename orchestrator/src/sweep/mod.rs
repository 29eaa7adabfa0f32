//! Polling: what makes every hint optional.
//!
//! There are two looks. Neither locks anything; the claim decides which node gets a saga. The look *ahead* reads what has
//! become due since the last time, oldest first, once for all lanes, and gives each lane what it has room for. Its cost
//! depends on what has become due, not on what has piled up: each lane has a *mark* up to which it has been served, and
//! rows before the mark are not read again. The look *behind* goes round through everything that is due, with a twentieth
//! of its time, and finds what the first look can't see: commits that came late, sagas that somebody else had locked, and
//! wakes that were lost with their lane.

mod ahead;
mod behind;
mod marks;

use crate::{lane::Shared, schema, store::due::Due};
use marks::Marks;
use rand::Rng;
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rows that one statement reads: some milliseconds.
const PAGE: usize = 1024;
/// The most sagas that the sweep lets wait for one lane: some batches, so that it is busy until the next look.
const WAKES_MAX: usize = 1024;
/// How often the journal's next partitions are made.
const PARTITIONS: Duration = Duration::from_secs(6 * 3600);

/// Looks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let marks = Marks::new(shared.queues.len());
    tokio::select! {
        () = stop.cancelled() => {}
        _ = async { tokio::join!(ahead::run(&shared, &marks), behind::run(&shared, &marks)) } => {}
    }
}

/// A look's own connection, which is opened again when it is lost.
struct Connection {
    purpose: &'static str,
    open: Option<PgConnection>,
}

impl Connection {
    fn new(purpose: &'static str) -> Self {
        Self { purpose, open: None }
    }

    async fn get(&mut self, shared: &Shared) -> Result<&mut PgConnection, sqlx::Error> {
        Ok(match &mut self.open {
            Some(open) => open,
            none => none.insert(shared.database.connect(self.purpose).await?),
        })
    }

    fn close(&mut self, error: &sqlx::Error) {
        tracing::warn!(%error, look = self.purpose, "the sweep could not look for due sagas");
        self.open = None;
    }
}

/// The pause between two looks. It varies, so that nodes that began together don't look together.
fn pause(shared: &Shared) -> Duration {
    shared.settings.poll.mul_f64(rand::rng().random_range(0.75..1.0))
}

/// How many sagas a lane may get. A lane with a full batch waiting needs no more yet.
fn room(shared: &Shared, lane: usize) -> usize {
    let waiting = shared.queues[lane].wakes();
    if waiting < shared.settings.batch_max { WAKES_MAX.saturating_sub(waiting) } else { 0 }
}

/// Whether this node's lanes may take it.
fn is_ours(shared: &Shared, due: &Due) -> bool {
    !due.paused && shared.registry.knows(due.saga, due.epoch, &due.workflow, due.version)
}

/// Makes the journal's next partitions, now and then.
struct Partitions {
    next: Instant,
}

impl Partitions {
    async fn keep_ahead(&mut self, connection: &mut PgConnection) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PARTITIONS;
        // Rows without a partition go into the default one. Nothing is lost, so nothing waits for this.
        if let Err(error) = schema::create_partitions(connection, chrono::Utc::now()).await {
            tracing::error!(%error, "the journal's next partitions could not be made");
        }
    }
}
