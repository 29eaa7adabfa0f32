//! What the sagas of a batch need of the database, done together.
//!
//! Steps of one type run as one set under one savepoint. If the set fails, it is taken back and run one by one, so
//! that only the guilty one pays.

use super::{
    CallFailure, Probe,
    calls::panic_message,
    run::{Env, Need, Run},
    turn::TurnError,
};
use crate::{
    medium::Tx,
    registry::{CallAnswer, ErasedStep, RecordItem, RecordedEvent, RunItem, UndoItem},
    step::DbError,
};
use futures_util::FutureExt;
use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

/// Savepoints in one transaction; more would cost every other transaction of the database.
const SAVEPOINTS_MAX: u32 = 64;

/// The savepoints of one transaction.
#[derive(Default)]
pub(super) struct Savepoints(u32);

/// Moves all sagas until each is parked.
pub(super) async fn run_all(
    tx: &mut Tx,
    runs: &mut [Run],
    probe: &mut Probe,
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let mut savepoints = Savepoints::default();
    let mut moving: Vec<usize> = (0..runs.len()).collect();
    while !moving.is_empty() {
        let mut sets: BTreeMap<(u8, &'static str), Vec<(usize, Need)>> = BTreeMap::new();
        moving.retain(|&index| match runs[index].advance(env) {
            Some(need) => {
                sets.entry(need.kind()).or_default().push((index, need));
                true
            }
            None => false,
        });
        for set in sets.into_values() {
            run_set(tx, runs, set, &mut savepoints, probe, env).await?;
        }
    }
    Ok(())
}

async fn run_set(
    tx: &mut Tx,
    runs: &mut [Run],
    set: Vec<(usize, Need)>,
    savepoints: &mut Savepoints,
    probe: &mut Probe,
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let mut one_by_one = vec![set];
    while let Some(set) = one_by_one.pop() {
        savepoints.take(tx, set.len()).await?;
        let alone = set.len() == 1;
        match answers(tx, runs, &set, probe, env).await {
            Outcome::Answered(answers) if alone || answers.iter().all(Answer::leaves_the_rest_alone) => {
                let undo = alone && !answers.iter().all(Answer::leaves_the_rest_alone);
                if undo {
                    rollback(tx).await?;
                }
                for ((index, need), answer) in set.into_iter().zip(answers) {
                    give(&mut runs[index], need, answer, env);
                }
            }
            Outcome::Answered(_) => {
                rollback(tx).await?;
                one_by_one.extend(set.into_iter().rev().map(|one| vec![one]));
            }
            Outcome::Refused(error) => {
                if let Some(error) = TurnError::of_transaction(&error) {
                    return Err(error);
                }
                rollback(tx).await?;
                fail_or_split(runs, set, CallFailure::Unclear(chain(&error)), &mut one_by_one, env);
            }
            Outcome::Panicked(message) => {
                rollback(tx).await?;
                fail_or_split(runs, set, CallFailure::Panicked(message), &mut one_by_one, env);
            }
        }
    }
    Ok(())
}

fn fail_or_split(
    runs: &mut [Run],
    mut set: Vec<(usize, Need)>,
    failure: CallFailure,
    one_by_one: &mut Vec<Vec<(usize, Need)>>,
    env: &Env<'_>,
) {
    if set.len() == 1
        && let Some((index, need)) = set.pop()
    {
        runs[index].failed(need.step().as_ref(), failure, env);
    } else {
        one_by_one.extend(set.into_iter().rev().map(|one| vec![one]));
    }
}

impl Savepoints {
    async fn take(&mut self, tx: &mut Tx, set: usize) -> Result<(), TurnError> {
        if self.0 >= SAVEPOINTS_MAX {
            tracing::warn!(set, "too many sagas of one batch fail one by one: the batch is halved");
            return Err(TurnError::Halve("more failing sagas than savepoints".into()));
        }
        let statement = if self.0 == 0 { "savepoint step" } else { "release savepoint step; savepoint step" };
        self.0 += 1;
        sqlx::raw_sql(statement).execute(&mut tx.connection).await.map_err(TurnError::from)?;
        Ok(())
    }
}

async fn rollback(tx: &mut Tx) -> Result<(), TurnError> {
    sqlx::raw_sql("rollback to savepoint step").execute(&mut tx.connection).await?;
    Ok(())
}

enum Outcome {
    Answered(Vec<Answer>),
    Refused(DbError),
    Panicked(String),
}

enum Answer {
    Step(Result<CallAnswer, CallFailure>),
    Recorded,
}

impl Answer {
    fn explored_failure() -> Self {
        Self::Step(Err(CallFailure::Unclear("a fault that a test explores".into())))
    }

    /// Done or refused: whoever fails otherwise may have written something that must not stay.
    fn leaves_the_rest_alone(&self) -> bool {
        matches!(self, Self::Recorded | Self::Step(Ok(_) | Err(CallFailure::Rejected(_))))
    }
}

/// Runs one set; all needs in it are of one kind and one step.
async fn answers(
    tx: &mut Tx,
    runs: &[Run],
    set: &[(usize, Need)],
    probe: &mut Probe,
    env: &Env<'_>,
) -> Outcome {
    let step = set[0].1.step().clone();
    tx.now = env.now;
    let answered = AssertUnwindSafe(async {
        match &set[0].1 {
            Need::Run { .. } => {
                let answers = step.run_all(&run_items(runs, set), tx).await?;
                Ok(answers
                    .into_iter()
                    .map(|answer| Answer::Step(answer.map_err(CallFailure::from)))
                    .collect())
            }
            Need::Undo { .. } => {
                let answers = step.undo_all(&undo_items(runs, set), tx).await?;
                Ok(answers
                    .into_iter()
                    .map(|answer| Answer::Step(answer.map_err(CallFailure::from)))
                    .collect())
            }
            Need::Record { .. } => {
                step.record_all(&record_items(runs, set), tx).await?;
                Ok(set.iter().map(|_| Answer::Recorded).collect())
            }
        }
    });
    match answered.catch_unwind().await {
        Ok(Ok(answers)) => {
            let failed = match &set[0].1 {
                Need::Record { .. } => false,
                need @ (Need::Run { .. } | Need::Undo { .. }) => {
                    probe.ran(step.name(), matches!(need, Need::Undo { .. }))
                }
            };
            Outcome::Answered(if failed { vec![Answer::explored_failure()] } else { answers })
        }
        Ok(Err(error)) => Outcome::Refused(error),
        Err(panic) => Outcome::Panicked(panic_message(panic.as_ref())),
    }
}

fn run_items(runs: &[Run], set: &[(usize, Need)]) -> Vec<RunItem> {
    let items = set.iter().filter_map(|(index, need)| match need {
        Need::Run { value, position, .. } => {
            Some(RunItem { step: value.clone(), saga: runs[*index].id(), position: *position })
        }
        Need::Undo { .. } | Need::Record { .. } => None,
    });
    items.collect()
}

fn undo_items(runs: &[Run], set: &[(usize, Need)]) -> Vec<UndoItem> {
    let items = set.iter().filter_map(|(index, need)| match need {
        Need::Undo { value, of, made, .. } => Some(UndoItem {
            step: value.clone(),
            saga: runs[*index].id(),
            position: *of,
            made: made.clone(),
            cause: runs[*index].core.history().turned_back().cloned()?,
        }),
        Need::Run { .. } | Need::Record { .. } => None,
    });
    items.collect()
}

fn record_items(runs: &[Run], set: &[(usize, Need)]) -> Vec<RecordItem> {
    let items = set.iter().filter_map(|(index, need)| match need {
        Need::Record { value, of, event, .. } => Some(RecordItem {
            step: value.clone(),
            saga: runs[*index].id(),
            position: *of,
            event: RecordedEvent::clone(event),
        }),
        Need::Run { .. } | Need::Undo { .. } => None,
    });
    items.collect()
}

fn give(run: &mut Run, need: Need, answer: Answer, env: &Env<'_>) {
    match (need, answer) {
        (Need::Run { step, value, ask, pivot, .. }, Answer::Step(answer)) => {
            run.ran(ask, step.as_ref(), &value, pivot, answer, env);
        }
        (Need::Undo { step, of, .. }, Answer::Step(answer)) => run.undid(of, step.as_ref(), answer, env),
        (Need::Record { entry, .. }, Answer::Recorded) => run.recorded(*entry),
        (Need::Run { .. } | Need::Undo { .. }, Answer::Recorded) | (Need::Record { .. }, Answer::Step(_)) => {
            unreachable!("a set is answered as it was asked")
        }
    }
}

impl Need {
    fn kind(&self) -> (u8, &'static str) {
        match self {
            Self::Record { step, .. } => (0, step.name()),
            Self::Undo { step, .. } => (1, step.name()),
            Self::Run { step, .. } => (2, step.name()),
        }
    }

    fn step(&self) -> &Arc<dyn ErasedStep> {
        match self {
            Self::Run { step, .. } | Self::Undo { step, .. } | Self::Record { step, .. } => step,
        }
    }
}

fn chain(error: &DbError) -> String {
    match error {
        sqlx::Error::Database(database) => format!(
            "{} ({}{})",
            database.message(),
            database.code().unwrap_or_default(),
            database.constraint().map(|name| format!(", constraint `{name}`")).unwrap_or_default(),
        ),
        error => error.to_string(),
    }
}
