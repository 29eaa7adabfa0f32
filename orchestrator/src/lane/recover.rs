//! What a lane does about a batch that did not commit.
//!
//! A conflict or a lost connection says nothing about the batch, so it is tried again, a bounded number of times. Then it
//! is halved until the guilty saga is alone. A batch that hung in a step is taken apart at once, because each further try
//! would cost as much time again.

use crate::{
    lane::{
        input::Group,
        service::{Batch, Lane},
        verdict::Turn,
    },
    machine::{TurnError, panic_message},
    signs::Doing,
};
use futures_util::FutureExt;
use rand::Rng;
use std::{collections::HashSet, panic::AssertUnwindSafe, time::Duration};

/// How often a batch is tried whole before it is halved.
const TRIES_MAX: u32 = 8;
/// The pause after the first try; it doubles, with full jitter.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a connection may take to show that it is alive.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// The longest wait between two attempts to connect to the database.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

impl Lane {
    pub(super) async fn guarded_turn(&mut self, batch: &Batch) -> Result<Turn, TurnError> {
        match AssertUnwindSafe(self.turn(&batch.groups, batch.checked)).catch_unwind().await {
            Ok(turn) => turn,
            Err(panic) => {
                // Nobody knows what the connection was doing.
                self.reconnect().await;
                Err(TurnError::Halve(panic_message(panic.as_ref())))
            }
        }
    }

    /// Repairs the connection, and returns what is still to be done of the batch. `false` if the lane must stop.
    pub(super) async fn recover(&mut self, batch: Batch, error: TurnError, todo: &mut Vec<Batch>) -> bool {
        let (error, connected) = match error {
            TurnError::Lost(_) | TurnError::Silent(..) => {
                tracing::warn!(lane = self.number, error = %error.with_source(), "the lane leaves its connection");
                let error = self.blame(error).await;
                (error, self.reconnect().await)
            }
            error => {
                tracing::debug!(lane = self.number, error = %error.with_source(), "the batch is rolled back");
                (error, self.rollback().await)
            }
        };
        if !connected {
            return false;
        }
        match self.next_try(batch, &error).await {
            Next::Batches(batches) => todo.extend(batches),
            Next::Alone(group) => self.settle_alone(*group, &error).await,
        }
        true
    }

    /// After a lane hung in a step: whether the step was the cause. If the connection answers, the lane did not wait for it.
    async fn blame(&mut self, error: TurnError) -> TurnError {
        let TurnError::Silent(bound, Doing::Set { .. }) = error else { return error };
        let asked = sqlx::raw_sql("select 1").execute(&mut self.tx.connection);
        match tokio::time::timeout(ANSWER_MAX, asked).await {
            Ok(Ok(_) | Err(sqlx::Error::Database(_))) => error,
            Ok(Err(_)) | Err(_) => TurnError::Silent(bound, Doing::Round),
        }
    }

    async fn next_try(&mut self, mut batch: Batch, error: &TurnError) -> Next {
        let says_nothing = match error {
            TurnError::Repeat(_) | TurnError::Lost(_) => true,
            TurnError::Silent(_, doing) => doing.sagas().is_empty(),
            TurnError::Aborted | TurnError::Halve(_) | TurnError::Fenced { .. } | TurnError::Crash(_) => {
                false
            }
        };
        if says_nothing && batch.tries < TRIES_MAX {
            let ceiling = PAUSE.saturating_mul(1 << batch.tries);
            tokio::time::sleep(rand::rng().random_range(Duration::ZERO..=ceiling)).await;
            batch.tries += 1;
            return Next::Batches(vec![batch]);
        }
        if batch.groups.len() > 1 {
            return Next::Batches(match error {
                TurnError::Silent(_, doing) if !doing.sagas().is_empty() => {
                    tracing::error!(lane = self.number, ?doing, "a batch hung: it is taken apart");
                    self.shared().culprits.suspect(doing.sagas().iter().copied());
                    taken_apart(batch, doing)
                }
                TurnError::Aborted if !batch.checked => vec![Batch { checked: true, ..batch }],
                _ => split(batch),
            });
        }
        if !batch.checked && !matches!(error, TurnError::Repeat(_)) {
            return Next::Batches(vec![Batch { tries: 0, checked: true, ..batch }]);
        }
        match batch.groups.pop() {
            Some(group) => Next::Alone(Box::new(group)),
            None => Next::Batches(Vec::new()),
        }
    }

    /// Rolls back. `false` if there is no connection any more and the lane must stop.
    pub(super) async fn rollback(&mut self) -> bool {
        self.tx.signs.begin();
        let patience = self.shared().settings.silence_max;
        match tokio::time::timeout(patience, sqlx::raw_sql("rollback").execute(&mut *self.tx)).await {
            Ok(Ok(_)) => true,
            Ok(Err(_)) | Err(_) => self.reconnect().await,
        }
    }

    /// Opens a new connection, however long it takes. The old one's transaction ends with it. `false` if there is none and the
    /// lane must stop.
    pub(super) async fn reconnect(&mut self) -> bool {
        self.cache.clear();
        self.tx.signs.connect(0);
        let mut wait = Duration::from_millis(20);
        loop {
            self.tx.signs.begin();
            match self.shared.database.connect_lane(self.number).await {
                Ok((connection, backend)) => {
                    self.tx.connection = connection;
                    self.tx.signs.connect(backend);
                    return true;
                }
                Err(error) => tracing::warn!(lane = self.number, %error, "the database can't be reached"),
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => return false,
                () = tokio::time::sleep(wait.mul_f64(rand::rng().random_range(0.5..=1.0))) => {}
            }
            wait = (wait * 2).min(RECONNECT_MAX);
        }
    }
}

/// The rest of a batch.
enum Next {
    /// These groups, the last one first.
    Batches(Vec<Batch>),
    /// This saga fails alone, and there is nothing left to try.
    Alone(Box<Group>),
}

fn split(mut batch: Batch) -> Vec<Batch> {
    let later = batch.groups.split_off(batch.groups.len() / 2);
    let checked = batch.checked;
    [later, batch.groups].into_iter().map(|groups| Batch { groups, tries: 0, checked }).collect()
}

/// Splits a batch: first the innocent sagas together, then each saga at which the lane may have hung, in a batch of its own.
fn taken_apart(batch: Batch, doing: &Doing) -> Vec<Batch> {
    let suspects: HashSet<_> = doing.sagas().iter().copied().collect();
    let (apart, together): (Vec<_>, Vec<_>) =
        batch.groups.into_iter().partition(|group| suspects.contains(&group.id));
    let apart = apart.into_iter().map(|group| vec![group]);
    let together = Some(together).filter(|together| !together.is_empty());
    apart.chain(together).map(|groups| Batch { groups, tries: 0, checked: false }).collect()
}
