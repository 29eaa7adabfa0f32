//! Polling: what makes every hint optional.
//!
//! Two looks, neither of which locks anything; the claim decides who gets what they find. The look *ahead* reads what
//! has become due since it looked last, oldest first, once for all lanes, and gives each lane what it has room for. It
//! costs what has become due, not what has piled up: where each lane has been served to is its *mark*, and what is
//! before it isn't read again. The look *behind* goes round through everything that is due, with a twentieth of its
//! time, for what the first one can't see: commits that came late, sagas that somebody else had locked, wakes that were
//! lost with their lane.

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
/// Sagas that wait for one lane because of the sweep: some batches, so that it is busy until the next look.
const WAKES_MAX: usize = 1024;
/// How often the journal's partitions are kept ahead.
const PARTITIONS: Duration = Duration::from_secs(6 * 3600);

/// Looks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let marks = Marks::new(shared.queues.len());
    tokio::select! {
        () = stop.cancelled() => {}
        _ = async { tokio::join!(ahead::run(&shared, &marks), behind::run(&shared, &marks)) } => {}
    }
}

/// A connection of a look's own, opened anew when it is lost.
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

/// The pause between two looks. Nodes that began together don't look together.
fn pause(shared: &Shared) -> Duration {
    shared.settings.poll.mul_f64(rand::rng().random_range(0.75..1.0))
}

/// How many sagas a lane may be given. One with a full batch waiting needs no more yet.
fn room(shared: &Shared, lane: usize) -> usize {
    let waiting = shared.queues[lane].wakes();
    if waiting < shared.settings.batch_max { WAKES_MAX.saturating_sub(waiting) } else { 0 }
}

/// Whether this node's lanes may have it.
fn is_ours(shared: &Shared, due: &Due) -> bool {
    !due.paused && shared.registry.knows(due.saga, due.epoch, &due.workflow, due.version)
}

/// Keeps the journal's partitions ahead, now and then.
struct Partitions {
    next: Instant,
}

impl Partitions {
    async fn keep_ahead(&mut self, connection: &mut PgConnection) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PARTITIONS;
        // What has no partition goes into the default one: nothing is lost, so nothing waits for this.
        if let Err(error) = schema::create_partitions(connection, chrono::Utc::now()).await {
            tracing::error!(%error, "the journal's next partitions could not be made");
        }
    }
}
