//! The service's rows of a saga as they stand, and the sagas that a person's word means.
//!
//! What belongs to a saga is read off its input and the payments that its journal names, so no index is needed for
//! it and all of it is in the saga's bucket; only the customer's name lives elsewhere, and is read without a lock.

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

/// What the engine asks the service when operators look at sagas.
#[derive(Clone, Debug)]
pub struct ServiceRows {
    locks: SeatLocks,
}

impl ServiceRows {
    /// With the seat locks that the configuration names; they are connected when they are first needed.
    pub fn of(config: &Config) -> Self {
        // Redis sheds load and decides nothing: without it an extended hold costs losers a transaction each.
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
                // Lost, the locks fall at their old time, and Postgres turns losers away.
                let _ = self.locks.extend(&hold, now).await;
            }
            Ok(())
        })
    }
}
