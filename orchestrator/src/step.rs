//! A named unit of work with its undo.

use crate::{
    error::StepError,
    id::SagaId,
    medium::{Medium, Tx},
    policy::Policy,
    record::{Cause, Position, Rejected, Stake},
};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

/// The database refused a statement of a set-based step. The engine takes the whole set back to its savepoint.
pub type DbError = sqlx::Error;

/// What a compensation gets of the step that it undoes: the output, or for a call an `Option` of it.
pub type Made<S> = <<S as Step>::Medium as Medium>::Made<<S as Step>::Output>;

/// A unit of work with its undo. A type is a step; its fields are the step's input.
///
/// The engine journals the fields with the step's outcome, so that the journal alone can undo it. Put into them
/// whatever [`compensate`](Step::compensate) needs. Write plain `async fn`s; their futures must be `Send`.
///
/// The core comes first: a name, what it returns, where it acts, how it is done, how it is undone.
///
/// ```
/// # use orchestrator::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # struct Bank;
/// # impl Bank {
/// #     async fn charge(&self, _: i64, _: &str) -> Result<String, StepError> { Ok(String::new()) }
/// #     async fn refund(&self, _: &str) -> Result<(), StepError> { Ok(()) }
/// # }
/// #[derive(Serialize, Deserialize)]
/// struct Charge {
///     cents: i64,
/// }
///
/// impl Step for Charge {
///     const NAME: &'static str = "charge";
///     type Output = String; // the receipt
///     type Medium = Call<Bank>;
///     type Undo = ();
///
///     async fn run(&self, bank: &mut Call<Bank>) -> Result<String, StepError> {
///         bank.charge(self.cents, &bank.key()).await
///     }
///
///     async fn compensate(&self, bank: &mut Call<Bank>, _: Option<String>) -> Result<(), StepError> {
///         bank.refund(&bank.key()).await
///     }
/// }
/// ```
///
/// Everything after the core has a default. Add it when you need it:
///
/// | you want | override |
/// |---|---|
/// | other bounds on attempts and time | [`POLICY`](Step::POLICY), [`UNDO_POLICY`](Step::UNDO_POLICY) |
/// | to save the *started* entry of a harmless call | [`REPEATABLE`](Step::REPEATABLE) |
/// | never to repeat a call whose key may be forgotten | [`KEY_REMEMBERED`](Step::KEY_REMEMBERED), [`probe`](Step::probe) |
/// | rows of your own that change with a call's entry | [`record`](Step::record) |
/// | that operators see and find what the saga is about | [`labels`](Step::labels), [`stakes`](Step::stakes), [`SAME_STAKES`](Step::SAME_STAKES), [`describe`](Step::describe), [`extend`](Step::extend) |
/// | a hot `Tx` step that handles a batch in few statements | [`run_all`](Step::run_all), [`compensate_all`](Step::compensate_all), [`record_all`](Step::record_all) |
pub trait Step: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The step's name in journals, for ever. An engine with two types of one name refuses to start.
    const NAME: &'static str;
    /// What the step returns to the workflow. It is journaled.
    type Output: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// Where the effect happens: [`Tx`] for rows of this database, [`Call`](crate::Call) for the world outside.
    type Medium: Medium;
    /// What the compensation reports. It is journaled. Most steps have `()`.
    type Undo: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// Does the work. Must be safe to run twice.
    ///
    /// # Errors
    /// [`StepError`] says what is known: refused, not yet, a contradiction, or unknown.
    fn run(&self, medium: &mut Self::Medium) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Undoes the work. Must be safe before, after and without [`run`](Step::run). The default has nothing to undo.
    ///
    /// `made` is the step's output. For a call it is an `Option`: `None` if nobody knows whether the call was done.
    ///
    /// # Errors
    /// Any error is tried again by [`UNDO_POLICY`](Step::UNDO_POLICY). A refusal counts as a failure: a debt.
    fn compensate(
        &self,
        medium: &mut Self::Medium,
        made: Made<Self>,
    ) -> impl Future<Output = Result<Self::Undo, StepError>> + Send {
        let _ = (medium, made);
        async { Ok(Self::Undo::default()) }
    }

    /// Bounds on the attempts at [`run`](Step::run).
    const POLICY: Policy = Policy::FORWARD;
    /// Bounds on the attempts at [`compensate`](Step::compensate).
    const UNDO_POLICY: Policy = Policy::PATIENT;
    /// Whether the call is harmless to repeat at any time. Then it needs no *started* entry.
    const REPEATABLE: bool = false;
    /// How long the other side remembers our key. After that the engine probes and never repeats blindly.
    /// `None`: for ever.
    const KEY_REMEMBERED: Option<std::time::Duration> = None;

    /// Finds out what became of a call whose key the other side has forgotten. Only asked on the way forward.
    ///
    /// # Errors
    /// Any error is tried again by [`POLICY`](Step::POLICY).
    fn probe(
        &self,
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Probe<Self::Output>, StepError>> + Send {
        let _ = medium;
        async { Ok(Probe::Unknown) }
    }

    /// Changes our own rows about a call, in the transaction that writes the call's journal entry.
    ///
    /// # Errors
    /// A refused statement takes the transaction's set of records back.
    fn record(
        &self,
        tx: &mut Tx,
        event: Event<'_, Self>,
    ) -> impl Future<Output = Result<(), DbError>> + Send {
        let _ = (tx, event);
        async { Ok(()) }
    }

    /// Keys and values by which an operator finds the saga. The engine does not interpret them.
    fn labels(&self, made: Option<&Self::Output>) -> Vec<(String, String)> {
        let _ = made;
        Vec::new()
    }

    /// The money and the things that can be lost while this step is neither settled nor undone.
    fn stakes(&self, made: Option<&Self::Output>) -> Vec<Stake> {
        let _ = made;
        Vec::new()
    }

    /// Whether an earlier step of the saga has the same stakes. Then they count once.
    const SAME_STAKES: bool = false;

    /// Says in a sentence what a call in this direction would send, for an operator's preview.
    fn describe(&self, way: Way) -> Option<String> {
        let _ = way;
        None
    }

    /// Moves the end of what this step has reserved to `until`, because an operator gave the saga more time. Runs in
    /// the transaction that journals the extension, for every finished step of the saga, in order.
    ///
    /// # Errors
    /// A refusal refuses the extension.
    fn extend(
        &self,
        tx: &mut Tx,
        made: &Self::Output,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = (tx, made, until);
        async { Ok(()) }
    }

    /// [`run`](Step::run) for many sagas at once: one answer an item, in their order. A refused item has written
    /// nothing.
    ///
    /// # Errors
    /// A refused statement takes the whole set back. The engine runs it again in halves.
    fn run_all(
        batch: &[Item<'_, Self>],
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Vec<Result<Self::Output, StepError>>, DbError>> + Send {
        one_by_one::run_all(batch, medium)
    }

    /// [`compensate`](Step::compensate) for many sagas at once: one answer an item, in their order.
    ///
    /// # Errors
    /// As [`run_all`](Step::run_all).
    fn compensate_all(
        batch: Vec<Undoing<'_, Self>>,
        medium: &mut Self::Medium,
    ) -> impl Future<Output = Result<Vec<Result<Self::Undo, StepError>>, DbError>> + Send {
        one_by_one::compensate_all(batch, medium)
    }

    /// [`record`](Step::record) for many sagas at once.
    ///
    /// # Errors
    /// As [`run_all`](Step::run_all).
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
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The position in that saga's journal under which the step is journaled.
    pub position: Position,
}

/// One saga's compensation in a set.
pub struct Undoing<'a, S: Step> {
    /// The step with its input.
    pub step: &'a S,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The position where the undone step began.
    pub position: Position,
    /// The step's output. For a call it is `None` if nobody knows it.
    pub made: Made<S>,
    /// Why the saga unwinds.
    pub cause: &'a Cause,
}

/// One saga's journal entry about a call, in a set.
pub struct Recorded<'a, S: Step> {
    /// The step with its input.
    pub step: &'a S,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The position where the call began.
    pub position: Position,
    /// The entry that is being written.
    pub event: Event<'a, S>,
}

/// The journal entry about a call that [`record`](Step::record) commits with.
pub enum Event<'a, S: Step> {
    /// The request is about to leave. Not given for repeatable calls.
    Started,
    /// The call was answered: done, or refused.
    Ended(Result<&'a S::Output, &'a Rejected>),
    /// Its compensation is about to leave.
    UndoStarted {
        /// Why the saga unwinds.
        cause: &'a Cause,
    },
    /// Its compensation was answered.
    Undone {
        /// What the call had made, if that is known.
        made: Option<&'a S::Output>,
        /// What the compensation reports.
        undo: &'a S::Undo,
        /// Why the saga unwinds.
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
