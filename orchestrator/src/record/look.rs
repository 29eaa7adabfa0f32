//! How a saga is, in short: what a verdict on it needs.

use super::State;

/// What a verdict needs of a saga's row.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its state.
    pub state: State,
    /// What it is at has failed, and is tried again.
    pub retrying: bool,
    /// Somebody stopped it.
    pub paused: bool,
    /// What it has in common with others that are stuck.
    pub cause: Option<String>,
}
