//! Does together what the sagas of a batch need from the database.
//!
//! Steps of one type run as one set under one savepoint. If the set fails, it is rolled back and halved until the guilty
//! saga is alone, so that only that one pays. Seventeen savepoints find one among two hundred and fifty-six.

use crate::{
    machine::{
        call::CallFailure,
        env::Env,
        need::Need,
        probe::Probe,
        run::Run,
        set::{Answer, Outcome, answers, entries_after, give},
        set_fault::Fault,
        turn_error::TurnError,
    },
    medium::Tx,
    registry::ErasedStep,
    signs::Doing,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// The order in which sets run: results of calls first, then compensations, then steps.
const RECORD: u8 = 0;
const UNDO: u8 = 1;
const RUN: u8 = 2;

/// The most savepoints in one transaction. More would slow down every other transaction of the database.
const SAVEPOINTS_MAX: u32 = 64;

/// The first pause after a saga has waited in vain for a lock.
const WAIT_AGAIN: Duration = Duration::from_millis(300);

/// How much one transaction has used of its bounds.
#[derive(Default)]
struct Bounds {
    savepoints: u32,
}

/// Moves all sagas until each is parked.
pub(crate) async fn run_all(
    tx: &mut Tx,
    runs: &mut [Run],
    probe: &mut Probe,
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let mut bounds = Bounds::default();
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
            run_set(tx, runs, set, &mut bounds, probe, env).await?;
        }
    }
    Ok(())
}

async fn run_set(
    tx: &mut Tx,
    runs: &mut [Run],
    set: Vec<(usize, Need)>,
    bounds: &mut Bounds,
    probe: &mut Probe,
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let mut sets = vec![set];
    while let Some(mut set) = sets.pop() {
        bounds.savepoint(tx, set.len()).await?;
        let began = Instant::now();
        let sagas = set.iter().map(|(index, _)| runs[*index].id()).collect();
        let busy = env.busy_with(Doing::Set { step: set[0].1.step().name(), sagas });
        let mut outcome = answers(tx, runs, &set, probe, env).await;
        if env.checked && matches!(outcome, Outcome::Answered(_)) {
            outcome = checked(tx, outcome).await?;
        }
        drop(busy);
        // Rows that go with a call's entry are not the step, which is measured where the call is made.
        if let Some((RUN | UNDO, step)) = set.first().map(|(_, need)| need.kind()) {
            metrics::histogram!("usher_set_seconds", "step" => step).record(began.elapsed().as_secs_f64());
        }
        if outcome.may_stay() {
            let Outcome::Answered(answers) = outcome else { unreachable!("only answers may stay") };
            give_answers(tx, runs, set, answers, env);
            continue;
        }
        let fault = match outcome {
            Outcome::Refused(error) => Fault::of(error, began.elapsed(), env)?,
            Outcome::Answered(answers) => Fault::Own(answers),
            Outcome::Spoilt => Fault::Own(vec![Answer::spoilt(set[0].1.step().name())]),
            Outcome::Panicked(message) => Fault::Own(vec![Answer::Failed(CallFailure::Panicked(message))]),
        };
        rollback(tx).await?;
        tx.emitted.take_back();
        match fault {
            // A saga that needs the lock waits on; sagas that were only in its set are with others the next time.
            Fault::Waited => put_off(runs, set, WAIT_AGAIN, env),
            // A statement that runs out of time is too expensive for halving: from now on each saga is tried alone.
            Fault::RanOut if set.len() > 1 => {
                env.suspect(set.iter().map(|(index, _)| runs[*index].id()));
                put_off(runs, set, Duration::ZERO, env);
            }
            Fault::Own(_) | Fault::Failed(_) if set.len() > 1 => {
                let later = set.split_off(set.len() / 2);
                sets.extend([later, set]);
            }
            Fault::Own(answers) => give_answers(tx, runs, set, answers, env),
            Fault::Failed(answer) => give_answers(tx, runs, set, vec![answer], env),
            Fault::RanOut => give_answers(tx, runs, set, vec![Answer::ran_out()], env),
        }
    }
    Ok(())
}

/// Gives a set's answers to its sagas.
fn give_answers(tx: &mut Tx, runs: &mut [Run], set: Vec<(usize, Need)>, answers: Vec<Answer>, env: &Env<'_>) {
    if !tx.emitted.fresh().is_empty() {
        let entries = entries_after(runs, &set, &answers);
        tx.emitted.keep(|saga| entries.get(&saga).copied());
    }
    for ((index, need), answer) in set.into_iter().zip(answers) {
        give(&mut runs[index], need, answer, env);
    }
}

/// Leaves the sagas of a set as they are: somebody else is in the way.
fn put_off(runs: &mut [Run], set: Vec<(usize, Need)>, pause: Duration, env: &Env<'_>) {
    for (index, _) in set {
        runs[index].put_off(pause, env);
    }
}

/// Checks for an error of the database that a step has hidden, which makes the transaction useless.
async fn checked(tx: &mut Tx, outcome: Outcome) -> Result<Outcome, TurnError> {
    match sqlx::raw_sql("select 1").execute(&mut tx.connection).await.map_err(TurnError::from) {
        Ok(_) => Ok(outcome),
        Err(TurnError::Aborted) => Ok(Outcome::Spoilt),
        Err(error) => Err(error),
    }
}

impl Bounds {
    async fn savepoint(&mut self, tx: &mut Tx, set: usize) -> Result<(), TurnError> {
        if self.savepoints >= SAVEPOINTS_MAX {
            tracing::warn!(set, "too many sagas of one batch fail: the batch is halved");
            return Err(TurnError::Halve("more failing sagas than savepoints".into()));
        }
        let statement =
            if self.savepoints == 0 { "savepoint step" } else { "release savepoint step; savepoint step" };
        self.savepoints += 1;
        sqlx::raw_sql(statement).execute(&mut tx.connection).await?;
        Ok(())
    }
}

async fn rollback(tx: &mut Tx) -> Result<(), TurnError> {
    sqlx::raw_sql("rollback to savepoint step").execute(&mut tx.connection).await?;
    Ok(())
}

impl Need {
    fn kind(&self) -> (u8, &'static str) {
        match self {
            Self::Record { step, .. } => (RECORD, step.name()),
            Self::Undo { step, .. } => (UNDO, step.name()),
            Self::Run { step, .. } => (RUN, step.name()),
        }
    }

    pub(super) fn step(&self) -> &Arc<dyn ErasedStep> {
        match self {
            Self::Run { step, .. } | Self::Undo { step, .. } | Self::Record { step, .. } => step,
        }
    }
}
