//! The service's rows of a saga as they are now, and the sagas that a person's word finds.
//!
//! A saga's rows are found through its input and the payments that its journal names. So no index is needed, and all of
//! them are in the saga's bucket. Only the customer's name is in another bucket, and is read without a lock.

mod find;
mod standing;
mod store;
mod word;

pub(super) use standing::of as standing;
pub use standing::{
    BookingStanding, LedgerStanding, PaymentStanding, ReservationStanding, SeatStanding, Standing,
};

use crate::{clock::now, config::Config, ports};
use futures_util::future::BoxFuture;
use operator::{Action, Rows};
use orchestrator::SagaId;
use serde_json::Value;
use sqlx::PgConnection;
use steps::{ReservationId, locks::SeatLocks};

/// The service's answers when operators look at sagas.
#[derive(Clone, Debug)]
pub struct ServiceRows {
    locks: SeatLocks,
}

impl ServiceRows {
    /// Uses the seat locks that the configuration names. They are connected when they are first needed.
    pub fn of(config: &Config) -> Self {
        // Redis takes load off Postgres and decides nothing: without it each loser of an extended hold costs a transaction.
        Self { locks: ports::locks(&config.redis).unwrap_or_else(|_| SeatLocks::none()) }
    }
}

impl Rows for ServiceRows {
    fn of<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
    ) -> BoxFuture<'a, Result<Value, sqlx::Error>> {
        Box::pin(async move {
            let standing = standing::of(connection, saga).await?;
            standing.map_or(Ok(Value::Null), |standing| {
                serde_json::to_value(standing).map_err(|error| sqlx::Error::Encode(error.into()))
            })
        })
    }

    /// An id of anything that is sold or paid, an address, a name, a code, a seat's label, a gateway's reference.
    fn find<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        word: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SagaId>, sqlx::Error>> {
        Box::pin(find::sagas(connection, word))
    }

    fn acted<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            if !matches!(action, Action::Extend { .. }) {
                return Ok(());
            }
            // A booking's saga has its reservation's id.
            let reservation = ReservationId::from_uuid(saga.uuid());
            if let Some(hold) = store::hold(connection, reservation).await? {
                let now = now(connection).await?;
                // If this is lost, the locks expire at their old time, and Postgres refuses the losers.
                let _ = self.locks.extend(&hold, now).await;
            }
            Ok(())
        })
    }
}
