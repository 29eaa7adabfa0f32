//! One round of a lane: begin, claim, move, write, commit.

use super::claim;
use crate::{
    database::in_time,
    id::SagaId,
    lane::{
        cached::Cached,
        input::Group,
        service::Lane,
        verdict::{Moved, Turn, Verdict},
        watch::Snapshot,
    },
    machine::{Env, Run, TurnError, run_all, write},
    store,
};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{sync::Arc, time::Instant};

/// Histories that a lane remembers. If there are more, it forgets all and begins again.
const CACHE_MAX: usize = 20_000;

impl Lane {
    /// Runs one batch. On an error nothing of it is in the database. With `checked`, each set of steps is checked for a hidden
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
        run_all(&mut self.tx, &mut claimed.runs, &mut self.probe, &env).await?;
        write(&mut self.tx, &claimed.runs, &env).await?;
        self.probe.boundary("before-commit")?;
        crate::fault::point("lane-before-commit", &shared.settings.node);
        // Entries keep the token for ever; a row keeps it only until the next claim.
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

    /// Commits. If the answer is lost, one read on a new connection tells the outcome: all rows have the batch's token.
    async fn commit(&mut self, token: i64, witness: Option<SagaId>) -> Result<(), TurnError> {
        let lost = match self.send_commit().await.map_err(TurnError::from) {
            Ok(()) => return Ok(()),
            Err(TurnError::Lost(error)) => error,
            Err(other) => return Err(other),
        };
        tracing::warn!(error = %lost, "the connection was lost while committing; reading whether it was committed");
        loop {
            if !self.reconnect().await {
                return Err(TurnError::Lost(lost));
            }
            let committed = match witness {
                Some(saga) => in_time(store::journal::has_token(&mut self.tx, saga, token)).await,
                // There were only letters or refused starts in it. Both may be done twice, so the batch is repeated.
                None => Ok(false),
            };
            match committed {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(TurnError::Lost(lost)),
                Err(error) => tracing::warn!(%error, "reading again whether a commit happened"),
            }
        }
    }

    /// An answer that doesn't come counts as lost. Otherwise the lane would be found hanging here and be given up, and nobody
    /// would find out whether its transaction was committed.
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
            verdicts.insert(id, self.verdict_of(run, token));
        }
        groups.iter().map(|group| verdicts.remove(&group.id).unwrap_or(Verdict::Busy)).collect()
    }

    fn verdict_of(&mut self, mut run: Run, token: i64) -> Verdict {
        if let Some(pause) = run.left_out {
            return Verdict::LeftOut(pause);
        }
        let (id, cleared, call, place) = (run.id(), run.has_come_home(), run.call.take(), run.place.take());
        let (begun, waits_for, vanished, again) = (run.fresh, run.waits_for, run.vanished, run.cut);
        let parked = run.parked.clone().expect("the round ends when every saga is parked");
        let history = run.history();
        let snapshot = Snapshot { state: parked.state, stuck: parked.stuck, leased: parked.leased, history };
        if !snapshot.state.at_rest() && !vanished {
            self.cache.insert(id, Cached { token, held: run.into_held() });
        }
        let snapshot = Arc::new(snapshot);
        Verdict::Moved(Box::new(Moved { snapshot, begun, call, place, waits_for, again, cleared }))
    }
}
