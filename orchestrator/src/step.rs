//! A named unit of work with its undo.

use crate::{
    SagaId,
    cause::Cause,
    error::{Rejected, StepError},
    journal::Position,
    medium::{Medium, Tx},
    policy::Policy,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A statement was refused in a set-based step: the whole set goes back to its savepoint.
pub type DbError = sqlx::Error;

/// What a compensation is told of the step that it undoes.
pub type Made<S> = <<S as Step>::Medium as Medium>::Made<<S as Step>::Output>;

/// A step: its fields are its input, journaled with it, so that the journal alone can undo it.
///
/// The futures must be `Send`; write plain `async fn`s.
pub trait Step: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name in journals, for ever. Two types of one name refuse to start.
    const NAME: &'static str;
    /// What it gives, journaled.
    type Output: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// [`Tx`] or [`Call`](crate::Call).
    type Medium: Medium;
    /// What its compensation reports, journaled; `()` for most.
    type Undo: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// How it is tried.
    const POLICY: Policy = Policy::FORWARD;
    /// How its compensation is tried.
    const UNDO_POLICY: Policy = Policy::PATIENT;
    /// A call that is harmless to repeat at any time: needs no *started* entry.
    const REPEATABLE: bool = false;
    /// How long the other side remembers our key; later the engine probes and never repeats blindly.
    const KEY_REMEMBERED: Option<std::time::Duration> = None;
    /// What is at stake in it is what an earlier step of its saga has put at stake: it counts once.
    const SAME_STAKES: bool = false;

    /// Does it. Safe to run twice.
    fn run(&self, medium: &mut Self::Medium) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Undoes it. Safe before, after and without [`run`](Step::run); the default has nothing to undo.
    fn compensate(
        &self,
        medium: &mut Self::Medium,
        made: Made<Self>,
    ) -> impl Future<Output = Result<Self::Undo, StepError>> + Send {
        let _ = (medium, made);
        async { Ok(Self::Undo::default()) }
    }

    /// Finds out what became of a call whose key the other side has forgotten.
    fn probe(
        &self,
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Probe<Self::Output>, StepError>> + Send {
        let _ = medium;
        async { Ok(Probe::Unknown) }
    }

    /// Rows that change with a call's entry, in the transaction that writes it.
    fn record(
        &self,
        tx: &mut Tx,
        event: Event<'_, Self>,
    ) -> impl Future<Output = Result<(), DbError>> + Send {
        let _ = (tx, event);
        async { Ok(()) }
    }

    /// Words by which a person finds its saga: key and value, which the engine does not interpret.
    fn labels(&self, made: Option<&Self::Output>) -> Vec<(String, String)> {
        let _ = made;
        Vec::new()
    }

    /// What is at stake while it is neither settled nor undone.
    fn stakes(&self, made: Option<&Self::Output>) -> Vec<Stake> {
        let _ = made;
        Vec::new()
    }

    /// What a call would send, in words.
    fn describe(&self, way: Way) -> Option<String> {
        let _ = way;
        None
    }

    /// An operator gives the saga time until then: moves what this step has reserved along, in the transaction that
    /// journals it. Asked of every step that is done, in order.
    fn extend(
        &self,
        tx: &mut Tx,
        made: &Self::Output,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = (tx, made, until);
        async { Ok(()) }
    }

    /// [`run`](Step::run) for many sagas at once; answers in order. A refused item has written nothing.
    fn run_all(
        batch: &[Item<'_, Self>],
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Vec<Result<Self::Output, StepError>>, DbError>> + Send {
        one_by_one::run_all(batch, medium)
    }

    /// [`compensate`](Step::compensate) for many sagas at once; answers in order.
    fn compensate_all(
        batch: Vec<Undoing<'_, Self>>,
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Vec<Result<Self::Undo, StepError>>, DbError>> + Send {
        one_by_one::compensate_all(batch, medium)
    }

    /// [`record`](Step::record) for many sagas at once.
    fn record_all(
        batch: Vec<Recorded<'_, Self>>,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<(), DbError>> + Send {
        one_by_one::record_all(batch, tx)
    }
}

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The step itself.
    Forward,
    /// Its compensation.
    Back,
}

/// What can be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stake {
    /// Money in minor units of a currency.
    Money {
        /// How much.
        minor: i64,
        /// ISO 4217.
        currency: String,
    },
    /// Things of one kind.
    Things {
        /// What they are called.
        name: String,
        /// How many.
        count: u32,
    },
}

impl Stake {
    /// All of it, one for each currency and each kind of thing, in the order in which they first come.
    pub fn sum(stakes: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for stake in stakes {
            if !sums.iter_mut().any(|sum| sum.takes(&stake)) {
                sums.push(stake);
            }
        }
        sums
    }

    /// Whether it is money.
    pub fn is_money(&self) -> bool {
        matches!(self, Self::Money { .. })
    }

    fn takes(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Money { minor, currency }, Self::Money { minor: more, currency: its })
                if currency == its =>
            {
                *minor = minor.saturating_add(*more);
                true
            }
            (Self::Things { name, count }, Self::Things { name: its, count: more }) if name == its => {
                *count = count.saturating_add(*more);
                true
            }
            (Self::Money { .. } | Self::Things { .. }, Self::Money { .. } | Self::Things { .. }) => false,
        }
    }
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe<T> {
    /// It was done.
    Done(T),
    /// It was surely not done and never will be under the old key.
    NotDone,
    /// Still nobody knows.
    Unknown,
}

/// One saga's step in a set.
pub struct Item<'a, S: Step> {
    /// The step with its input.
    pub step: &'a S,
    /// Whose it is.
    pub saga: SagaId,
    /// Where in that saga's journal.
    pub position: Position,
}

/// One saga's compensation in a set.
pub struct Undoing<'a, S: Step> {
    /// The step with its input.
    pub step: &'a S,
    /// Whose it is.
    pub saga: SagaId,
    /// The position of the step that is undone.
    pub position: Position,
    /// What it made.
    pub made: Made<S>,
    /// Why the saga turned back.
    pub cause: &'a Cause,
}

/// One saga's journal entry about a call, in a set.
pub struct Recorded<'a, S: Step> {
    /// The step with its input.
    pub step: &'a S,
    /// Whose it is.
    pub saga: SagaId,
    /// The position of the call's start.
    pub position: Position,
    /// What is being journaled.
    pub event: Event<'a, S>,
}

/// What the entry says that a call's [`record`](Step::record) rides with.
pub enum Event<'a, S: Step> {
    /// The request is about to leave. Not given for repeatable calls.
    Started,
    /// It was answered.
    Ended(Result<&'a S::Output, &'a Rejected>),
    /// Its compensation is about to leave.
    UndoStarted {
        /// Why the saga turned back.
        cause: &'a Cause,
    },
    /// Its compensation was answered.
    Undone {
        /// What the call had made, if that is known.
        made: Option<&'a S::Output>,
        /// What the compensation reports.
        undo: &'a S::Undo,
        /// Why the saga turned back.
        cause: &'a Cause,
    },
}

mod one_by_one {
    use super::*;

    pub async fn run_all<S: Step>(
        batch: &[Item<'_, S>],
        medium: &mut S::Medium,
    ) -> Result<Vec<Result<S::Output, StepError>>, DbError> {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            medium.enter(item.saga, item.position);
            answers.push(unless_database(item.step.run(medium).await)?);
        }
        Ok(answers)
    }

    pub async fn compensate_all<S: Step>(
        batch: Vec<Undoing<'_, S>>,
        medium: &mut S::Medium,
    ) -> Result<Vec<Result<S::Undo, StepError>>, DbError> {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            medium.enter(item.saga, item.position);
            answers.push(unless_database(item.step.compensate(medium, item.made).await)?);
        }
        Ok(answers)
    }

    pub async fn record_all<S: Step>(batch: Vec<Recorded<'_, S>>, tx: &mut Tx) -> Result<(), DbError> {
        for item in batch {
            tx.context = Some((item.saga, item.position));
            item.step.record(tx, item.event).await?;
        }
        Ok(())
    }

    /// A refused statement has broken the transaction for all: it is the set's answer, not the item's.
    fn unless_database<T>(answer: Result<T, StepError>) -> Result<Result<T, StepError>, DbError> {
        match answer {
            Err(StepError::Database(error)) => Err(error),
            answer => Ok(answer),
        }
    }
}
