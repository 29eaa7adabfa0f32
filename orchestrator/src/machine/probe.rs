//! What an exploration watches and bends. Idle everywhere else: a counter, and two empty lists.

use crate::machine::turn_error::TurnError;

/// Something that was done for a saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The step.
    pub step: &'static str,
    /// Whether its effect is in the engine's own transaction.
    pub ours: bool,
    /// Whether it was its compensation.
    pub undo: bool,
}

/// The eyes and hands of a test inside a lane.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// Places passed at which the lane can die.
    pub boundaries: u32,
    /// The one at which it does.
    pub crash_at: Option<u32>,
    /// `Tx` steps that fail, once or for good.
    pub failing: Vec<(Done, bool)>,
    /// The `Tx` steps that were run, if anybody wants to know.
    pub done: Option<Vec<Done>>,
}

impl Probe {
    /// Passes a place at which the lane can die.
    pub fn boundary(&mut self, name: &'static str) -> Result<(), TurnError> {
        let number = self.boundaries;
        self.boundaries = self.boundaries.wrapping_add(1);
        if self.crash_at == Some(number) { Err(TurnError::Crash(name)) } else { Ok(()) }
    }

    /// A `Tx` step was run; whether it shall count as failed.
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
