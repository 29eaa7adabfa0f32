//! Hooks for explorations, which watch and disturb a lane. Elsewhere they are idle: a counter and two empty lists.

use crate::machine::turn_error::TurnError;

/// A step that was run for a saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The step's name.
    pub step: &'static str,
    /// Whether its effect is in the engine's own transaction.
    pub ours: bool,
    /// Whether it was its compensation.
    pub undo: bool,
}

/// The hooks of a test inside a lane.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// The number of places passed at which the lane can die.
    pub boundaries: u32,
    /// The place at which it dies.
    pub crash_at: Option<u32>,
    /// `Tx` steps that fail, once or for good.
    pub failing: Vec<(Done, bool)>,
    /// The `Tx` steps that were run, if a test records them.
    pub done: Option<Vec<Done>>,
}

impl Probe {
    /// Passes a place at which the lane can die.
    pub fn boundary(&mut self, name: &'static str) -> Result<(), TurnError> {
        let number = self.boundaries;
        self.boundaries = self.boundaries.wrapping_add(1);
        if self.crash_at == Some(number) { Err(TurnError::Crash(name)) } else { Ok(()) }
    }

    /// Records that a `Tx` step was run. Returns whether it must count as failed.
    pub fn ran(&mut self, step: &'static str, undo: bool) -> bool {
        let Some(list) = &mut self.done else { return false };
        let done = Done { step, ours: true, undo };
        list.push(done.clone());
        let Some(index) = self.failing.iter().position(|(failing, _)| *failing == done) else { return false };
        if !self.failing[index].1 {
            self.failing.remove(index);
        }
        true
    }
}
