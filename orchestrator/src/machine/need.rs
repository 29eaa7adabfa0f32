//! What a saga needs from the database to go on.

use crate::{
    journal::Entry,
    record::{Json, Position},
    registry::{AnyStep, CallAnswer, ErasedStep, RecordedEvent},
};
use std::sync::Arc;

/// Something that only the batch can do, for all sagas that need it at once.
pub(crate) enum Need {
    /// Run a `Tx` step.
    Run { step: Arc<dyn ErasedStep>, value: AnyStep, input: Json, ask: u32, position: Position, pivot: bool },
    /// Run a `Tx` step's compensation.
    Undo { step: Arc<dyn ErasedStep>, value: AnyStep, of: Position, made: Option<Json> },
    /// Let a call write its rows, then append its entry.
    Record {
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        of: Position,
        event: Box<RecordedEvent>,
        entry: Box<Recorded>,
    },
}

/// The entry that follows a call's rows.
pub(crate) enum Recorded {
    Plain(Entry),
    /// The call's end, with the output that the workflow waits for.
    Output(Entry, u32, CallAnswer),
}
