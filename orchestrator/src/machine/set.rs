//! One set: the sagas of a batch that want to run one step, with their inputs and answers.

use crate::{
    error::StepError,
    id::SagaId,
    machine::{
        call::{CallFailure, panic_message},
        env::Env,
        need::Need,
        probe::Probe,
        run::Run,
    },
    medium::Tx,
    record::{Position, StuckCause},
    registry::{CallAnswer, RecordItem, RecordedEvent, RunItem, UndoItem},
    settings::Settings,
    step::DbError,
};
use futures_util::FutureExt;
use std::{collections::HashMap, panic::AssertUnwindSafe};

/// The result of one set.
pub(super) enum Outcome {
    Answered(Vec<Answer>),
    Refused(DbError),
    Panicked(String),
    /// It was answered, but a step hid an error of the database.
    Spoilt,
}

impl Outcome {
    /// Whether nothing of it must be rolled back: a saga that fails may have written rows that must not stay.
    pub fn may_stay(&self) -> bool {
        matches!(self, Self::Answered(answers) if answers.iter().all(Answer::may_stay))
    }
}

/// The answer to one saga of a set.
pub(super) enum Answer {
    Done(CallAnswer),
    Recorded,
    Failed(CallFailure),
}

impl Answer {
    /// The answer of a step that hides an error of the database.
    pub fn spoilt(step: &str) -> Self {
        let error = "it hides an error of the database: its transaction can't be committed any more".into();
        let what = format!("step `{step}`");
        Self::Failed(CallFailure::Poison(StuckCause::Unwritable { what, error }))
    }

    pub fn ran_out() -> Self {
        let error = format!("its statement ran for {:?} and was ended", Settings::STATEMENT_MAX);
        Self::Failed(CallFailure::Unclear { error, code: Some("sql 57014".into()) })
    }

    fn explored_failure() -> Self {
        Self::Failed(CallFailure::unclear("a fault that a test explores"))
    }

    /// A step's answer. If it is too large for the journal, its rows must not stay in our tables either.
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

    pub fn may_stay(&self) -> bool {
        matches!(
            self,
            Self::Done(_) | Self::Recorded | Self::Failed(CallFailure::Rejected(_) | CallFailure::Later(_))
        )
    }
}

/// Runs one set. All needs in it have one kind and one step.
pub(super) async fn answers(
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

/// The positions of this set's entries. A saga that refuses has emitted nothing, whatever it tried.
pub(super) fn entries_after(
    runs: &[Run],
    set: &[(usize, Need)],
    answers: &[Answer],
) -> HashMap<SagaId, Position> {
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
            cause: runs[*index].core.history().undo_cause().cloned()?,
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

/// Gives one saga its answer.
pub(super) fn give(run: &mut Run, need: Need, answer: Answer, env: &Env<'_>) {
    match (need, answer) {
        (
            Need::Run { step, value, input, ask, pivot, .. },
            answer @ (Answer::Done(_) | Answer::Failed(_)),
        ) => {
            if let Answer::Done(answer) = &answer {
                run.labels.extend(step.labels(&value, Some(answer)));
            }
            run.note_run(ask, step.as_ref(), input, pivot, answer.into_result(), env);
        }
        (Need::Undo { step, of, .. }, answer @ (Answer::Done(_) | Answer::Failed(_))) => {
            run.note_undo(of, step.as_ref(), answer.into_result(), env);
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
