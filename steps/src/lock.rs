//! Lock: tells Redis who has the seats, so that later clicks are refused there.

use crate::locks::{Acquired, Hold, Locks, SeatLocks};
use crate::stakes::seats_in_words;
use orchestrator::{Call, Policy, Step, StepError, Way};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Sets the seat locks of a hold that Postgres has granted. It never refuses: Redis takes load off Postgres and decides nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lock(pub Hold);

/// The result of setting the locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locked {
    /// They are set.
    All,
    /// One of them has a value that was not replaced. The database is right, and the lock is wrong.
    InTheWay,
    /// Redis didn't answer in time. The saga goes on, degraded.
    Unavailable,
}

/// One quick try: nobody waits for a lock that decides nothing.
pub(crate) const QUICK: Policy =
    Policy { attempts_max: 1, timeout: Duration::from_secs(2), ..Policy::FORWARD };

impl Step for Lock {
    const NAME: &'static str = "lock";
    const POLICY: Policy = QUICK;
    const REPEATABLE: bool = true;
    type Output = Locked;
    type Medium = Call<SeatLocks>;
    type Undo = ();

    async fn run(&self, call: &mut Call<SeatLocks>) -> Result<Locked, StepError> {
        Ok(match call.acquire(&self.0, call.now()).await {
            Locks::Answered(Acquired::All) => Locked::All,
            Locks::Answered(Acquired::InTheWay { seat, value }) => {
                tracing::warn!(%seat, value, "a seat lock is in the way of a granted reservation");
                Locked::InTheWay
            }
            Locks::Unavailable => Locked::Unavailable,
        })
    }

    /// Releases the locks that are still this hold's own. If Redis doesn't get this, they run out by themselves.
    async fn compensate(&self, call: &mut Call<SeatLocks>, _: Option<Locked>) -> Result<(), StepError> {
        call.release(&self.0).await;
        Ok(())
    }

    fn describe(&self, way: Way) -> Option<String> {
        let seats = seats_in_words(self.0.seats.len());
        Some(match way {
            Way::Forward => format!("sets the locks of {seats} in Redis"),
            Way::Back => format!("releases the locks of {seats} in Redis"),
        })
    }
}
