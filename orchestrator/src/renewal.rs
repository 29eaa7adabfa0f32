//! Renews leases on a connection of its own, so that busy lanes and a full pool can't hold it up.

use crate::{database::in_time, lane::Shared, lanes::Lanes};
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long one renewal waits for a locked row.
const LOCK_MAX: Duration = Duration::from_millis(50);

/// Renews until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, lanes: Lanes, stop: CancellationToken) {
    let mut connection = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(shared.settings.lease / 6) => {}
        }
        if let Err(error) = renew(&shared, &lanes, &mut connection).await {
            tracing::warn!(%error, "leases could not be renewed");
            connection = None;
        }
    }
}

async fn renew(
    shared: &Shared,
    lanes: &Lanes,
    connection: &mut Option<PgConnection>,
) -> Result<(), sqlx::Error> {
    let lease = shared.settings.lease;
    let connection = match connection {
        Some(connection) => connection,
        None => {
            connection.insert(shared.database.connect_impatient("leases", LOCK_MAX.min(lease / 20)).await?)
        }
    };
    in_time(shared.leases.renew(connection, |saga| lanes.gets_on(shared.lane_of(saga), lease))).await
}
