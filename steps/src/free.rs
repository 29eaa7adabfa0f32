//! Free: puts the seats of a cancelled booking back on sale.

use crate::{
    ReservationId,
    store::{seats, statement_error},
};
use orchestrator::{Policy, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Puts those seats of a cancelled booking back on sale that are still its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Free {
    /// The reservation that the seats belong to.
    pub reservation: ReservationId,
}

impl Step for Free {
    const NAME: &'static str = "free";
    const POLICY: Policy = Policy::PATIENT;
    /// How many seats.
    type Output = u32;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<u32, StepError> {
        let freed = seats::free_booked(tx, self.reservation).await.map_err(statement_error)?;
        Ok(freed)
    }
}
