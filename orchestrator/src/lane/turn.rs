//! One round of a lane: begin, claim, move, write, commit.

use super::{
    CallOut, Group, Snapshot, claim, round,
    run::{Env, Run},
    service::Lane,
    write,
};
use crate::{SagaId, journal::History, store};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{rc::Rc, sync::Arc, time::Instant};

/// What a batch came to, for one of its sagas.
pub(crate) enum Verdict {
    /// It moved, and that is committed.
    Moved { snapshot: Arc<Snapshot>, begun: bool, call: Option<Box<CallOut>>, again: bool },
    /// The start named a saga that exists, perhaps under another id.
    Existing(SagaId),
    /// There was nothing to move; letters are in the mailbox.
    Stored,
    /// Somebody else has it locked; letters are not delivered.
    Busy,
    /// Claimed in a commit of its own, to be resumed under this token.
    Claimed(i64),
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
    /// The connection is gone, nothing was committed.
    #[error("the database can't be reached")]
    Lost(#[source] sqlx::Error),
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

impl TurnError {
    /// What an error means for the whole transaction; none if it is one statement's own fault.
    pub(crate) fn of_transaction(error: &sqlx::Error) -> Option<Self> {
        let again = || sqlx::Error::Protocol(error.to_string());
        match error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // Serialization failure, deadlock, lock timeout, statement timeout.
                Some("40001" | "40P01" | "55P03" | "57014") => Some(Self::Repeat(again())),
                // Shutdown, crash, starting up, idle in transaction; out of disk, memory or connections.
                Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03") => Some(Self::Lost(again())),
                Some(code) if code.starts_with("53") || code.starts_with("58") => Some(Self::Lost(again())),
                Some(_) | None => None,
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some(Self::Lost(again())),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for TurnError {
    fn from(error: sqlx::Error) -> Self {
        Self::of_transaction(&error).unwrap_or_else(|| Self::Halve(error.to_string()))
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
    /// Runs one batch. On an error nothing of it is in the database.
    pub async fn turn(&mut self, groups: &[Group]) -> Result<Turn, TurnError> {
        let since = Instant::now();
        let token = rand::rng().random::<i64>();
        let now = self.begin().await?;
        let mut rows = claim::lock(&mut self.tx, groups).await?;
        let shared = self.shared.clone();
        let health = self.health.clone();
        let env = Env {
            registry: &shared.registry,
            settings: &shared.settings,
            now,
            token,
            health: &health,
            hung: &shared.hung,
            draining: shared.draining.is_cancelled(),
        };

        let suspects = claim::suspects(&rows, groups, &env);
        if !suspects.is_empty() {
            self.claim_alone(&suspects, token, now).await?;
            self.begin().await?;
            rows = claim::lock(&mut self.tx, groups).await?;
            rows.retain(|id, _| !suspects.contains(id));
        }
        let mut claimed = claim::claim(&mut self.tx, groups, rows, &mut self.cache, &env).await?;
        for suspect in &suspects {
            claimed.verdicts.insert(*suspect, Verdict::Claimed(token));
        }
        self.probe.boundary("claimed")?;
        round::run_all(&mut self.tx, &mut claimed.runs, &mut self.probe, &env).await?;
        write::write(&mut self.tx, &claimed.runs, &env).await?;
        self.probe.boundary("before-commit")?;
        crate::fault::point("lane-before-commit", &shared.settings.node);
        // Entries keep the token for ever; a row only until the next claim.
        let kept = || claimed.runs.iter().filter(|run| !run.vanished);
        let witness = kept().find(|run| run.added() > 0).or_else(|| kept().next()).map(Run::id);
        self.commit(token, witness).await?;
        crate::fault::point("lane-after-commit", &shared.settings.node);
        self.probe.boundary("after-commit")?;
        Ok(Turn { verdicts: self.verdicts(groups, claimed, token), since, token })
    }

    async fn begin(&mut self) -> Result<DateTime<Utc>, TurnError> {
        self.tx.emitted.clear();
        let now: DateTime<Utc> = {
            let row = sqlx::raw_sql("begin; select now()").fetch_one(&mut self.tx.connection).await?;
            sqlx::Row::try_get(&row, 0)?
        };
        Ok(now + self.clock_offset)
    }

    /// Commits. A lost answer is settled by one read on a new connection: the batch's token is on all its rows.
    async fn commit(&mut self, token: i64, witness: Option<SagaId>) -> Result<(), TurnError> {
        let Err(error) = sqlx::raw_sql("commit").execute(&mut self.tx.connection).await else {
            return Ok(());
        };
        let lost = match TurnError::from(error) {
            TurnError::Lost(error) => error,
            other => return Err(other),
        };
        tracing::warn!(error = %lost, "the connection went while committing; asking what became of it");
        loop {
            if !self.reconnect().await {
                return Err(TurnError::Lost(lost));
            }
            let committed = match witness {
                Some(saga) => store::journal::has_token(&mut self.tx.connection, saga, token).await,
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

    async fn claim_alone(
        &mut self,
        suspects: &[SagaId],
        token: i64,
        now: DateTime<Utc>,
    ) -> Result<(), TurnError> {
        let shared = self.shared.clone();
        let lease_end = now + shared.settings.lease;
        let node = &shared.settings.node;
        store::attempts::add_lost(&mut self.tx.connection, suspects, now).await?;
        store::sagas::count_claims(&mut self.tx.connection, suspects, token, node, lease_end, now).await?;
        // A lost answer needs no settling: the claims, if any, run out like every lease.
        sqlx::raw_sql("commit").execute(&mut self.tx.connection).await?;
        metrics::counter!("usher_lease_takeovers_total").increment(suspects.len() as u64);
        Ok(())
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
        let Run { row, fresh, core, attempt, parked, call, vanished, cut, .. } = run;
        let parked = parked.expect("the round ends when every saga is parked");
        drop(attempt);
        let core = Rc::into_inner(core).expect("the attempt was the only other holder, and it is dropped");
        let history = Arc::new(core.into_history());
        if !parked.state.at_rest() && !vanished {
            self.cache.insert(row.id, Cached { token, history: history.clone() });
        }
        let snapshot = Snapshot { state: parked.state, stuck: parked.stuck, leased: parked.leased, history };
        let (snapshot, call) = (Arc::new(snapshot), call.map(Box::new));
        Verdict::Moved { snapshot, begun: fresh, call, again: cut }
    }
}
