//! The node's row: it says that the node is there, what its lanes know, and how long they may write nothing for a saga.
//!
//! It decides nothing. It helps people to tell a saga that no node can take from one that a node passes over, and a long
//! call from a lease without a call.

use crate::{database::in_time, id::Bucket, lane::Shared, store::nodes};
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the row is written. Readers allow for two missed writes (`saga_passed_over.sql`).
const EVERY: Duration = Duration::from_secs(5);
/// How long removing the row may take: the drain waits for it, and a row that stays is soon too old.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Writes the row until told to stop, then removes it. It uses one connection, which is opened again when it is lost.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    // One start of a node: another start, or another node of this name, has a row of its own.
    let id = Bucket::of_key(&shared.settings.node).new_id();
    let mut connection: Option<PgConnection> = None;
    loop {
        if let Err(error) = say(&shared, id, &mut connection).await {
            tracing::warn!(%error, "the node could not write its own row");
            connection = None;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    if let Some(connection) = &mut connection {
        // Too late or in vain: nobody counts on a row that isn't written.
        let _ = tokio::time::timeout(FAREWELL_MAX, nodes::remove(connection, id)).await;
    }
}

async fn say(shared: &Shared, id: Uuid, connection: &mut Option<PgConnection>) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(shared.database.connect("presence").await?),
    };
    let (workflows, versions) = shared.registry.workflows.columns();
    let node = nodes::Node {
        id,
        name: &shared.settings.node,
        lease: shared.settings.lease,
        call_max: shared.registry.steps.call_max(),
        workflows,
        versions,
    };
    in_time(async {
        nodes::write(connection, &node).await?;
        nodes::remove_dead(connection).await
    })
    .await
}
