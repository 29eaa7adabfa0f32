//! What the sagas of a batch need of the database, done together.
//!
//! Steps of one type run as one set under one savepoint. If the set fails, it is taken back and halved until whoever
//! is guilty is alone, so that only the guilty one pays: seventeen savepoints find one among two hundred and fifty-six.

use super::{
    CallFailure, Probe,
    calls::panic_message,
    run::{Env, Need, Run},
    turn::TurnError,
};
use crate::{
    SagaId,
    error::{StepError, sql_code},
    journal::Position,
    medium::Tx,
    registry::{CallAnswer, ErasedStep, RecordItem, RecordedEvent, RunItem, UndoItem},
    step::DbError,
};
use futures_util::FutureExt;
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Instant,
};

/// In which order sets run: what calls brought, then what goes back, then what goes forward.
const RECORD: u8 = 0;
const UNDO: u8 = 1;
const RUN: u8 = 2;

/// Savepoints in one transaction; more would cost every other transaction of the database.
const SAVEPOINTS_MAX: u32 = 64;

/// The savepoints of one transaction.
#[derive(Default)]
pub(super) struct Savepoints(u32);

/// Moves all sagas until each is parked.
pub(crate) async fn run_all(
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
    let mut sets = vec![set];
    while let Some(mut set) = sets.pop() {
        savepoints.take(tx, set.len()).await?;
        let began = Instant::now();
        let outcome = answers(tx, runs, &set, probe, env).await;
        // What goes along with a call's entry is not the step: that is measured where the call is made.
        if let Some((RUN | UNDO, step)) = set.first().map(|(_, need)| need.kind()) {
            metrics::histogram!("usher_set_seconds", "step" => step).record(began.elapsed().as_secs_f64());
        }
        if let Outcome::Refused(error) = &outcome
            && let Some(error) = TurnError::of_transaction(error)
        {
            return Err(error);
        }
        if !outcome.may_stay() {
            rollback(tx).await?;
            tx.emitted.take_back();
            if set.len() > 1 {
                let later = set.split_off(set.len() / 2);
                sets.extend([later, set]);
                continue;
            }
        }
        let answers = match outcome {
            Outcome::Answered(answers) => answers,
            // Of one alone.
            Outcome::Refused(error) => {
                let (error, code) = (chain(&error), sql_code(&error));
                vec![Answer::Failed(CallFailure::Unclear { error, code })]
            }
            Outcome::Panicked(message) => vec![Answer::Failed(CallFailure::Panicked(message))],
        };
        if !tx.emitted.fresh().is_empty() {
            let entries = entries_after(runs, &set, &answers);
            tx.emitted.keep(|saga| entries.get(&saga).copied());
        }
        for ((index, need), answer) in set.into_iter().zip(answers) {
            give(&mut runs[index], need, answer, env);
        }
    }
    Ok(())
}

impl Savepoints {
    async fn take(&mut self, tx: &mut Tx, set: usize) -> Result<(), TurnError> {
        if self.0 >= SAVEPOINTS_MAX {
            tracing::warn!(set, "too many sagas of one batch fail: the batch is halved");
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

impl Outcome {
    /// Whether nothing of it must be taken back: whoever fails may have written something that must not stay.
    fn may_stay(&self) -> bool {
        matches!(self, Self::Answered(answers) if answers.iter().all(Answer::may_stay))
    }
}

enum Answer {
    Done(CallAnswer),
    Recorded,
    Failed(CallFailure),
}

impl Answer {
    fn explored_failure() -> Self {
        Self::Failed(CallFailure::unclear("a fault that a test explores"))
    }

    /// What a step said; what is too large for the journal must not stay in our tables either.
    fn of(step: &str, answer: Result<CallAnswer, StepError>, env: &Env<'_>) -> Self {
        match answer {
            Ok(answer) => match env.oversize(&format!("output of step `{step}`"), answer.json.get().len()) {
                None => Self::Done(answer),
                Some(cause) => Self::Failed(CallFailure::Poison(cause)),
            },
            Err(error) => Self::Failed(error.into()),
        }
    }

    fn into_result(self) -> Result<CallAnswer, CallFailure> {
        match self {
            Self::Done(answer) => Ok(answer),
            Self::Failed(failure) => Err(failure),
            Self::Recorded => unreachable!("only a call's rows are answered so"),
        }
    }

    fn may_stay(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Recorded | Self::Failed(CallFailure::Rejected(_)))
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
        let mut answers: Vec<Answer> = match &set[0].1 {
            Need::Run { .. } => {
                let answers = step.run_all(&run_items(runs, set), tx).await?;
                answers.into_iter().map(|answer| Answer::of(step.name(), answer, env)).collect()
            }
            Need::Undo { .. } => {
                let answers = step.undo_all(&undo_items(runs, set), tx).await?;
                answers.into_iter().map(|answer| Answer::of(step.name(), answer, env)).collect()
            }
            Need::Record { .. } => {
                step.record_all(&record_items(runs, set), tx).await?;
                set.iter().map(|_| Answer::Recorded).collect()
            }
        };
        for message in tx.emitted.fresh() {
            let whose = set.iter().position(|(index, _)| runs[*index].id() == message.saga);
            let whose =
                whose.unwrap_or_else(|| panic!("a step emits for saga {} and not its own", message.saga));
            if let Some(cause) =
                env.oversize(&format!("message of step `{}`", step.name()), message.payload.len())
            {
                answers[whose] = Answer::Failed(CallFailure::Poison(cause));
            }
        }
        Ok(answers)
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

/// Where the entries of this set will stand. One who refuses has emitted nothing, whatever it tried.
fn entries_after(runs: &[Run], set: &[(usize, Need)], answers: &[Answer]) -> HashMap<SagaId, Position> {
    let stays = |answer: &Answer| matches!(answer, Answer::Done(_) | Answer::Recorded);
    let kept = set.iter().zip(answers).filter(|(_, answer)| stays(answer));
    kept.map(|((index, _), _)| (runs[*index].id(), runs[*index].next_position())).collect()
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
            cause: runs[*index].core.history().back().cloned()?,
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
        (
            Need::Run { step, value, input, ask, pivot, .. },
            answer @ (Answer::Done(_) | Answer::Failed(_)),
        ) => {
            if let Answer::Done(answer) = &answer {
                run.labels.extend(step.labels(&value, Some(answer)));
            }
            run.ran(ask, step.as_ref(), input, pivot, answer.into_result(), env);
        }
        (Need::Undo { step, of, .. }, answer @ (Answer::Done(_) | Answer::Failed(_))) => {
            run.undid(of, step.as_ref(), answer.into_result(), env);
        }
        (Need::Record { step, value, event, entry, .. }, Answer::Recorded) => {
            match event.as_ref() {
                RecordedEvent::Started => run.labels.extend(step.labels(&value, None)),
                RecordedEvent::Ended(Ok(answer)) => run.labels.extend(step.labels(&value, Some(answer))),
                RecordedEvent::Ended(Err(_))
                | RecordedEvent::UndoStarted { .. }
                | RecordedEvent::Undone { .. } => {}
            }
            run.recorded(*entry);
        }
        (Need::Record { step, .. }, Answer::Failed(failure)) => run.failed(step.as_ref(), failure, env),
        (Need::Run { .. } | Need::Undo { .. }, Answer::Recorded) | (Need::Record { .. }, Answer::Done(_)) => {
            unreachable!("a set is answered as it was asked")
        }
    }
}

impl Need {
    fn kind(&self) -> (u8, &'static str) {
        match self {
            Self::Record { step, .. } => (RECORD, step.name()),
            Self::Undo { step, .. } => (UNDO, step.name()),
            Self::Run { step, .. } => (RUN, step.name()),
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
