//! The part of a saga's row that a batch's verdict needs.

use super::State;

/// What a verdict needs of a saga's row.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its state.
    pub state: State,
    /// Whether its present step or compensation has failed and is tried again.
    pub retrying: bool,
    /// Whether somebody paused it.
    pub paused: bool,
    /// The cause that it shares with other stuck sagas.
    pub cause: Option<String>,
}
