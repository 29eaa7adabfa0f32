//! Unlock: the seats are booked, so their locks are released.

use crate::{
    lock::QUICK,
    locks::{Hold, SeatLocks},
    stakes::seats_in_words,
};
use orchestrator::{Call, Policy, Step, StepError, Way};
use serde::{Deserialize, Serialize};

/// Releases those seat locks of a hold that are still its own. It does no harm if this happens late.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unlock(pub Hold);

impl Step for Unlock {
    const NAME: &'static str = "unlock";
    const POLICY: Policy = Policy { timeout: QUICK.timeout, ..Policy::PATIENT };
    const REPEATABLE: bool = true;
    type Output = ();
    type Medium = Call<SeatLocks>;
    type Undo = ();

    async fn run(&self, call: &mut Call<SeatLocks>) -> Result<(), StepError> {
        call.release(&self.0).await;
        Ok(())
    }

    fn describe(&self, _: Way) -> Option<String> {
        Some(format!("releases the locks of {} in Redis", seats_in_words(self.0.seats.len())))
    }
}
