//! Works on one batch under a lease: acts on a round's items, waits for their results, and decides how to go on.

use super::{
    act::{self, Acted, Errand},
    rounds::{self, Next},
    steer,
    verdict::{self, judge},
};
use crate::{
    by::By,
    desk::Operator,
    record::{Batch, BatchId, BatchState, ItemResult, Tally},
    store::{
        batch_items::{self, Note, Open},
        batches::{self, Course},
    },
};
use chrono::TimeDelta;
use futures_util::{StreamExt, future::ready, stream};
use orchestrator::{SagaId, tools::rows};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Sagas of one batch that are acted on at once. Each costs a connection and about twenty statements, and lanes come first.
const AT_ONCE: usize = 4;
/// Results that are noted together.
const NOTES_MAX: usize = 64;
/// How long a result may wait to be noted: so short that a person who watches doesn't notice.
const NOTE_WITHIN: Duration = Duration::from_millis(200);
/// The wait between two looks at a round's results, at first and at most.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOK_EVERY_MAX: Duration = Duration::from_millis(500);

/// Why work on a batch ended before the batch did.
#[derive(Debug, thiserror::Error)]
pub(super) enum Left {
    /// The lease ran out, and another node has the batch.
    #[error("another node has it")]
    Fenced,
    /// The database is away.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The database failed while acting.
    #[error("the database failed: {0}")]
    Lost(String),
}

/// A batch that this node has.
pub(super) struct Held {
    operator: Operator,
    connection: PgConnection,
    id: BatchId,
    token: i64,
    lease: Duration,
    batch: Batch,
    errand: Arc<Errand>,
    stop: CancellationToken,
}

impl Held {
    /// Starts to work on a batch that was claimed under this token.
    pub async fn take_up(
        operator: Operator,
        mut connection: PgConnection,
        id: BatchId,
        token: i64,
        stop: CancellationToken,
    ) -> Result<Self, Left> {
        let batch = batches::look(&mut connection, id).await?.ok_or(Left::Fenced)?;
        let errand = Arc::new(Errand {
            batch: id,
            action: batch.action.clone(),
            by: By { actor: batch.actor.clone(), reason: batch.reason.clone() },
            consented_by: batch.consented_by.clone(),
            idle: Default::default(),
        });
        let lease = operator.settings().lease;
        Ok(Self { operator, connection, id, token, lease, batch, errand, stop })
    }

    /// Works until the batch is over or paused, or this node stops. After an error the lease runs out by itself, so that
    /// a database that is away is not asked again at once.
    pub async fn work(mut self) -> Result<(), Left> {
        self.rounds().await?;
        Ok(batches::release(&mut self.connection, self.id, self.token).await?)
    }

    async fn rounds(&mut self) -> Result<(), Left> {
        let mut course = self.renew().await?;
        while course.state.under_way() && !self.stop.is_cancelled() {
            let open = batch_items::open(&mut self.connection, self.id, course).await?;
            let waiting: Vec<Open> = open.iter().copied().filter(|item| item.acted_at.is_none()).collect();
            if !waiting.is_empty() {
                self.act(waiting).await?;
            } else if !open.is_empty() {
                self.watch(open).await?;
            } else {
                self.conclude(course).await?;
            }
            course = self.renew().await?;
        }
        Ok(())
    }

    /// Acts on the waiting items. If somebody pauses the batch, or the node stops, what has begun is finished and noted.
    async fn act(&mut self, waiting: Vec<Open>) -> Result<(), Left> {
        let halt = Arc::new(AtomicBool::new(false));
        let (operator, errand, stop) = (self.operator.clone(), self.errand.clone(), self.stop.clone());
        let on = {
            let halt = halt.clone();
            move |_: &Open| ready(!halt.load(Ordering::Relaxed) && !stop.is_cancelled())
        };
        let one = move |item: Open| {
            let (operator, errand) = (operator.clone(), errand.clone());
            async move { (item.number, act::act(&operator, &errand, item.saga).await) }
        };
        let mut acting = Box::pin(stream::iter(waiting).take_while(on).map(one).buffer_unordered(AT_ONCE));
        let (mut notes, mut lost) = (Vec::new(), None);
        let mut note_at = tokio::time::interval(NOTE_WITHIN);
        loop {
            let ended = tokio::select! {
                next = acting.next() => match next {
                    Some((number, acted)) => {
                        match self.came_of(number, acted) {
                            Ok(note) => notes.push(note),
                            Err(error) => {
                                halt.store(true, Ordering::Relaxed);
                                lost = Some(error);
                            }
                        }
                        if notes.len() < NOTES_MAX {
                            continue;
                        }
                        false
                    }
                    None => true,
                },
                _ = note_at.tick() => false,
            };
            let course = self.note(&notes, ItemResult::Waiting).await?;
            if !notes.is_empty() {
                orchestrator::tools::fault_point("batch-noted", &self.operator.settings().node);
            }
            notes.clear();
            if !course.state.under_way() {
                halt.store(true, Ordering::Relaxed);
            }
            if ended {
                return lost.map_or(Ok(()), Err);
            }
        }
    }

    /// The note on an item that was acted on.
    fn came_of(&self, number: i32, acted: Acted) -> Result<Note, Left> {
        let note = |result, why, settled| Ok(Note { number, result, why, settled });
        match acted {
            Acted::Now | Acted::Before if verdict::settles_at_once(&self.batch.action) => {
                note(ItemResult::Mended, None, true)
            }
            Acted::Now | Acted::Before => note(ItemResult::Acted, None, false),
            Acted::Refused(why) => note(ItemResult::Refused, Some(why), true),
            Acted::Failed(why) => note(ItemResult::Failed, Some(why), true),
            Acted::Lost(error) => Err(Left::Lost(error)),
        }
    }

    /// Waits for the results of the round, for each item within its bound.
    async fn watch(&mut self, mut open: Vec<Open>) -> Result<(), Left> {
        let bound = TimeDelta::from_std(self.operator.verdict_within).unwrap_or(TimeDelta::MAX);
        let mut pause = LOOK_EVERY;
        loop {
            let now = rows::now(&mut self.connection).await?;
            let ids: Vec<SagaId> = open.iter().map(|item| item.saga).collect();
            let looks: HashMap<_, _> = rows::looks(&mut self.connection, &ids).await?.into_iter().collect();
            let mut notes = Vec::new();
            open.retain(|item| {
                let waited = now - item.acted_at.unwrap_or(now);
                let Some((result, why)) = judge(looks.get(&item.saga), waited, bound) else { return true };
                notes.push(Note { number: item.number, result, why, settled: true });
                false
            });
            let course = self.note(&notes, ItemResult::Acted).await?;
            if open.is_empty() || !course.state.under_way() {
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LOOK_EVERY_MAX),
            }
        }
    }

    /// Decides how to go on, now that all items of the round have settled.
    async fn conclude(&mut self, course: Course) -> Result<(), Left> {
        sqlx::raw_sql("begin").execute(&mut self.connection).await?;
        let tally = batch_items::tally(&mut self.connection, self.id, course).await?;
        let next = rounds::Course {
            ramp: course.ramp,
            canary: self.batch.canary,
            stop_at_error_rate: self.batch.stop_at_error_rate,
            left: self.batch.items - course.round_to,
        };
        let going_on = match next.after(tally) {
            Next::Round { ramp, size } => {
                batches::begin_round(&mut self.connection, self.id, self.token, ramp, size).await?
            }
            Next::Done => self.end(BatchState::Done, "every item has its result").await?,
            Next::Stop(why) => self.end(BatchState::Stopped, &why).await?,
        };
        if !going_on {
            tracing::debug!(batch = %self.id, "somebody else decided meanwhile");
        }
        sqlx::raw_sql("commit").execute(&mut self.connection).await?;
        Ok(())
    }

    async fn end(&mut self, state: BatchState, why: &str) -> Result<bool, sqlx::Error> {
        let (connection, said) = (&mut self.connection, (state != BatchState::Done).then_some(why));
        let ended = batches::end(connection, self.id, self.token, state, said, true).await?;
        if ended {
            steer::audit_end(connection, self.id, state, why).await?;
        }
        Ok(ended)
    }

    /// Renews the lease, and says where the batch is.
    async fn renew(&mut self) -> Result<Course, Left> {
        self.note(&[], ItemResult::Waiting).await
    }

    /// Notes the results of items whose result was `from`, if the batch is still ours. This also renews the lease.
    async fn note(&mut self, notes: &[Note], from: ItemResult) -> Result<Course, Left> {
        let mut more = Tally::default();
        for note in notes {
            more.count(note.result, 1);
            more.count(from, -1);
        }
        let (connection, noted) = (&mut self.connection, !notes.is_empty());
        sqlx::raw_sql("begin").execute(&mut *connection).await?;
        let kept = batches::renew(connection, self.id, self.token, self.lease, more, noted).await?;
        let course = kept.ok_or(Left::Fenced)?;
        if noted {
            let open = batch_items::note(connection, self.id, notes).await?;
            if open != notes.len() as u64 {
                return Err(Left::Lost(format!("of {} items that were open, {open} are", notes.len())));
            }
        }
        sqlx::raw_sql("commit").execute(&mut *connection).await?;
        Ok(course)
    }
}
