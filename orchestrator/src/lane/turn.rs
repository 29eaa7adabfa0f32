//! One round of a lane: begin, claim, move, write, commit.

use super::{
    CallOut, Doing, Group, Place, Snapshot, claim, round,
    run::{Env, Run},
    service::Lane,
    write,
};
use crate::{
    database::in_time,
    database_fault::{DatabaseFault, sqlstate},
    id::SagaId,
    journal::History,
    store,
};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a batch came to, for one of its sagas.
pub(crate) enum Verdict {
    /// It moved, and that is committed.
    Moved(Box<Moved>),
    /// The start named a saga that exists, perhaps under another id.
    Existing(SagaId),
    /// There was nothing to move; letters are in the mailbox.
    Stored,
    /// Somebody else has it locked; letters are not delivered.
    Busy,
    /// Claimed in a commit of its own, or put off; it is resumed, or due again.
    Claimed,
    /// It had to wait for a lock, and nothing of it was written; letters are in the mailbox. It is tried again after this.
    LeftOut(Duration),
}

/// How a saga has moved.
pub(crate) struct Moved {
    pub snapshot: Arc<Snapshot>,
    /// This batch began it.
    pub begun: bool,
    /// The call that leaves now, and its place.
    pub call: Option<CallOut>,
    /// Its place, if that was free; else the saga came with it.
    pub place: Option<Place>,
    /// The service whose places are all taken.
    pub waits_for: Option<&'static str>,
    /// Its stretch was cut: it goes on in the next batch.
    pub again: bool,
    /// Something came of it: it is not suspected any more.
    pub cleared: bool,
}

/// A committed batch.
pub(crate) struct Turn {
    /// One for each group, in order.
    pub verdicts: Vec<Verdict>,
    /// When it began, by the monotonic clock: leases count from here.
    pub since: Instant,
    pub token: i64,
}

/// Why a batch did not commit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    /// A conflict with somebody else: the whole batch again.
    #[error("the database asks to repeat the batch")]
    Repeat(#[source] sqlx::Error),
    /// The connection is gone or of no use, nothing was committed.
    #[error("the database can't be reached")]
    Lost(#[source] sqlx::Error),
    /// A statement had failed before, and a step has hidden that.
    #[error("a step hides an error of the database")]
    Aborted,
    /// The lane stood still.
    #[error("the batch did not get on for {0:?}")]
    Silent(Duration, Doing),
    /// Something in the batch is poison.
    #[error("the batch failed: {0}")]
    Halve(String),
    /// A row was not as locked.
    #[error("only {written} of {of} locked rows could be written")]
    Fenced { written: u64, of: u64 },
    /// A test let the lane die here.
    #[error("crash at {0}")]
    Crash(&'static str),
}

impl From<sqlx::Error> for TurnError {
    fn from(error: sqlx::Error) -> Self {
        match DatabaseFault::of(&error) {
            DatabaseFault::Conflict => Self::Repeat(error),
            DatabaseFault::Unavailable => Self::Lost(error),
            DatabaseFault::Statement if sqlstate(&error).as_deref() == Some("25P02") => Self::Aborted,
            DatabaseFault::Statement => Self::Halve(error.to_string()),
        }
    }
}

/// A lane's memory of a saga: valid only if the row still has this token and this length.
pub(super) struct Cached {
    pub token: i64,
    pub history: Arc<History>,
}

/// Histories that a lane remembers; beyond it starts anew.
const CACHE_MAX: usize = 20_000;

impl Lane {
    /// Runs one batch. On an error nothing of it is in the database. `checked` asks each set of steps whether it hides an
    /// error.
    pub async fn turn(&mut self, groups: &[Group], checked: bool) -> Result<Turn, TurnError> {
        let since = Instant::now();
        let token = rand::rng().random::<i64>();
        let now = self.begin().await?;
        let mut rows = claim::lock(&mut self.tx, groups).await?;
        let shared = self.shared.clone();
        let signs = self.tx.signs.clone();
        let env = Env { checked, ..shared.env(&signs, now, token) };

        let suspects = claim::suspects(&mut self.tx, &rows, groups, &mut self.cache, &env).await?;
        if !suspects.is_empty() {
            self.claim_alone(&suspects, token, since, &env).await?;
            self.begin().await?;
            rows = claim::lock(&mut self.tx, groups).await?;
            rows.retain(|id, _| !suspects.iter().any(|suspect| suspect.saga == *id));
        }
        let mut claimed = claim::claim(&mut self.tx, groups, rows, &mut self.cache, &env).await?;
        for suspect in &suspects {
            claimed.verdicts.insert(suspect.saga, Verdict::Claimed);
        }
        self.probe.boundary("claimed")?;
        round::run_all(&mut self.tx, &mut claimed.runs, &mut self.probe, &env).await?;
        write::write(&mut self.tx, &claimed.runs, &env).await?;
        self.probe.boundary("before-commit")?;
        crate::fault::point("lane-before-commit", &shared.settings.node);
        // Entries keep the token for ever; a row only until the next claim.
        let kept = || claimed.runs.iter().filter(|run| !run.vanished && run.left_out.is_none());
        let witness = kept().find(|run| run.added() > 0).or_else(|| kept().next()).map(Run::id);
        self.commit(token, witness).await?;
        crate::fault::point("lane-after-commit", &shared.settings.node);
        self.probe.boundary("after-commit")?;
        Ok(Turn { verdicts: self.verdicts(groups, claimed, token), since, token })
    }

    pub(super) async fn begin(&mut self) -> Result<DateTime<Utc>, TurnError> {
        self.tx.emitted.clear();
        self.tx.signs.begin();
        let now: DateTime<Utc> = {
            let row = sqlx::raw_sql("begin; select now()").fetch_one(&mut self.tx.connection).await?;
            sqlx::Row::try_get(&row, 0)?
        };
        Ok(now + self.clock_offset)
    }

    /// Commits. A lost answer is settled by one read on a new connection: the batch's token is on all its rows.
    async fn commit(&mut self, token: i64, witness: Option<SagaId>) -> Result<(), TurnError> {
        let lost = match self.send_commit().await.map_err(TurnError::from) {
            Ok(()) => return Ok(()),
            Err(TurnError::Lost(error)) => error,
            Err(other) => return Err(other),
        };
        tracing::warn!(error = %lost, "the connection went while committing; asking what became of it");
        loop {
            if !self.reconnect().await {
                return Err(TurnError::Lost(lost));
            }
            let committed = match witness {
                Some(saga) => in_time(store::journal::has_token(&mut self.tx, saga, token)).await,
                // Only letters were in it, or refused starts: either may be done twice, so it is done again.
                None => Ok(false),
            };
            match committed {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(TurnError::Lost(lost)),
                Err(error) => tracing::warn!(%error, "asking again what became of a commit"),
            }
        }
    }

    /// An answer that doesn't come is a lost one: whoever watches the lane must not find it standing still here, with a
    /// transaction whose fate nobody would ask for.
    async fn send_commit(&mut self) -> Result<(), sqlx::Error> {
        let patience = self.shared().settings.silence_max / 2;
        let commit = sqlx::raw_sql("commit").execute(&mut *self.tx);
        match tokio::time::timeout(patience, commit).await {
            Ok(done) => done.map(drop),
            Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer to a commit").into()),
        }
    }

    fn verdicts(&mut self, groups: &[Group], claimed: claim::Claimed, token: i64) -> Vec<Verdict> {
        let mut verdicts = claimed.verdicts;
        if self.cache.len() > CACHE_MAX {
            self.cache.clear();
        }
        for run in claimed.runs {
            let id = run.id();
            verdicts.insert(id, self.moved(run, token));
        }
        groups.iter().map(|group| verdicts.remove(&group.id).unwrap_or(Verdict::Busy)).collect()
    }

    fn moved(&mut self, run: Run, token: i64) -> Verdict {
        let cleared = run.has_come_home();
        let Run {
            row, fresh, core, attempt, parked, call, place, waits_for, left_out, vanished, cut, ..
        } = run;
        if let Some(pause) = left_out {
            return Verdict::LeftOut(pause);
        }
        let parked = parked.expect("the round ends when every saga is parked");
        drop(attempt);
        let core = Rc::into_inner(core).expect("the attempt was the only other holder, and it is dropped");
        let history = Arc::new(core.into_history());
        if !parked.state.at_rest() && !vanished {
            self.cache.insert(row.id, Cached { token, history: history.clone() });
        }
        let snapshot = Snapshot { state: parked.state, stuck: parked.stuck, leased: parked.leased, history };
        let snapshot = Arc::new(snapshot);
        Verdict::Moved(Box::new(Moved {
            snapshot,
            begun: fresh,
            call,
            place,
            waits_for,
            again: cut,
            cleared,
        }))
    }
}
