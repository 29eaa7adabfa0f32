//! Polling: what makes every hint optional.
//!
//! Each node looks for sagas that are due, oldest first, without locking them; the claim decides who gets them.

use crate::{
    lane::Shared,
    schema,
    store::{mailbox, sagas},
};
use rand::Rng;
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Sagas that one look may find.
const FOUND_MAX: i64 = 1024;
/// Letters from before their sagas that one look may find.
const ORPHANS_MAX: i64 = 64;
/// How often the journal's partitions are kept ahead.
const PARTITIONS: Duration = Duration::from_secs(6 * 3600);

/// Looks until told to stop. One connection, opened anew when it is lost.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut connection: Option<PgConnection> = None;
    let mut partitions_at = Instant::now();
    let known = shared.registry.workflows.columns();
    loop {
        let pause = shared.settings.poll.mul_f64(rand::rng().random_range(0.75..1.0));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        if let Err(error) = look(&shared, &known, &mut connection, &mut partitions_at).await {
            tracing::warn!(%error, "the sweep could not look for due sagas");
            connection = None;
        }
    }
}

async fn look(
    shared: &Shared,
    known: &(Vec<String>, Vec<i32>),
    connection: &mut Option<PgConnection>,
    partitions_at: &mut Instant,
) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(shared.database.connect("sweep").await?),
    };
    for saga in mailbox::orphans(connection, ORPHANS_MAX).await? {
        mailbox::adopt(connection, saga).await?;
    }
    // A lane that has a full batch waiting needs no more: what it leaves is found again, by it or by another node.
    if shared.queues.iter().any(|queue| queue.wakes() < shared.settings.batch_max) {
        for saga in sagas::due(connection, known, FOUND_MAX).await? {
            shared.queue(saga).wake(saga);
        }
    }
    if Instant::now() >= *partitions_at {
        *partitions_at = Instant::now() + PARTITIONS;
        // What has no partition goes into the default one: nothing is lost, so nothing waits for this.
        if let Err(error) = schema::create_partitions(connection, chrono::Utc::now()).await {
            tracing::error!(%error, "the journal's next partitions could not be made");
        }
    }
    Ok(())
}
