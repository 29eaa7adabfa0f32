//! The loop that hands out messages. Each node has one, on one connection.
//!
//! It looks without a lock for sagas with messages that are not taken, and hands them out in batches: one transaction locks
//! the first message of each saga, gives the handler the messages that the lock covers, and marks them as taken. Messages
//! that another node has locked are left out.

use super::{
    DeliverError, Handler,
    attempt::{Handed, Refused, guarded},
    resting::Resting,
};
use crate::{
    BatchScope, SagaId,
    database::{Database, in_time},
    store::outbox,
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How many messages one look finds at least, if there are as many, so that a handler that takes one at a time needs no look
/// for each.
const LOOK_MIN: usize = 100;

/// What a node needs to hand out messages.
pub(crate) struct Courier {
    pub database: Database,
    pub handler: Arc<dyn Handler>,
    pub scope: BatchScope,
    pub poll: Duration,
}

/// The loop's own state.
pub(super) struct Round {
    pub courier: Courier,
    pub connection: Option<PgConnection>,
    pub resting: Resting,
}

/// Hands out messages until told to stop. Then the present batch is the last one.
pub(crate) async fn run(courier: Courier, stop: CancellationToken) {
    let poll = courier.poll;
    let mut round = Round { courier, connection: None, resting: Resting::default() };
    let mut is_failing = false;
    while !stop.is_cancelled() {
        let handed = round.look(&stop).await;
        if let Err(error) = &handed {
            round.connection = None;
            if !is_failing {
                tracing::warn!(%error, "messages have to wait: the database can't be read, or they can't be marked as taken");
            }
        }
        is_failing = handed.is_err();
        if !handed.unwrap_or(false) {
            let _ = stop.run_until_cancelled(tokio::time::sleep(poll)).await;
        }
    }
}

impl Round {
    /// Hands out what one look finds. Returns whether anything was taken, so that there may be more.
    async fn look(&mut self, stop: &CancellationToken) -> Result<bool, DeliverError> {
        let Some(resting) = self.resting.sagas() else { return Ok(false) };
        let mut connection = self.connect().await?;
        let asked = guarded(self.courier.handler.wanted_since(&mut connection)).await;
        let Some(since) = asked.map_err(|failed| failed.why)? else {
            self.connection = Some(connection);
            return Ok(false);
        };
        let most = self.courier.handler.batch_max();
        let sagas =
            in_time(outbox::list_waiting(&mut connection, since, &resting, most.max(LOOK_MIN))).await?;
        self.connection = Some(connection);
        let mut taken = 0;
        for batch in self.batches(sagas, most) {
            if stop.is_cancelled() {
                break;
            }
            taken += self.hand_out(&batch, since).await?;
        }
        Ok(taken > 0)
    }

    /// Groups sagas for transactions: this many together, or those of one bucket.
    fn batches(&self, sagas: Vec<SagaId>, most: usize) -> Vec<Vec<SagaId>> {
        let groups = match self.courier.scope {
            BatchScope::Database => vec![sagas],
            BatchScope::Bucket => {
                let mut buckets: BTreeMap<_, Vec<SagaId>> = BTreeMap::new();
                sagas.into_iter().for_each(|saga| buckets.entry(saga.bucket()).or_default().push(saga));
                buckets.into_values().collect()
            }
        };
        groups.iter().flat_map(|group| group.chunks(most)).map(<[SagaId]>::to_vec).collect()
    }

    /// Hands out the messages of these sagas: together, and one by one if that is refused. Returns how many were taken.
    async fn hand_out(&mut self, sagas: &[SagaId], since: DateTime<Utc>) -> Result<usize, sqlx::Error> {
        let most = self.courier.handler.batch_max();
        let refused = match self.attempt(sagas, since, most).await? {
            Handed::Taken(taken) => return Ok(taken),
            Handed::Refused(refused) if refused.messages == 1 => return Ok(self.leave_alone(&refused)),
            Handed::Refused(refused) => refused,
        };
        let mut taken = 0;
        for saga in refused.sagas {
            taken += match self.attempt(&[saga], since, 1).await? {
                Handed::Taken(taken) => taken,
                Handed::Refused(refused) => self.leave_alone(&refused),
            };
        }
        Ok(taken)
    }

    /// Lets a saga rest whose message was refused alone. Nothing of it was taken.
    fn leave_alone(&mut self, refused: &Refused) -> usize {
        for saga in &refused.sagas {
            // This is logged at the first refusal and each time their number has doubled, so that no saga fills the log.
            let refusals = self.resting.note_refusal(*saga);
            if refusals.is_power_of_two() {
                tracing::warn!(%saga, refusals, why = refused.why, "a message was not taken, and is handed out again");
            }
        }
        0
    }
}
