//! One line of a queue: its inputs by kind, and the choice of those that go into a batch.

use crate::{
    lane::input::{Input, Kind},
    machine::Culprits,
};
use std::{collections::VecDeque, time::Instant};

/// Inputs by kind.
#[derive(Default)]
pub(super) struct Line(pub [VecDeque<Queued>; 4]);

/// An input that waits in the line.
pub(super) struct Queued {
    pub input: Input,
    pub since: Instant,
    /// How often it has been put off.
    pub put_off: u32,
}

impl Queued {
    pub fn now(input: Input) -> Self {
        Self { input, since: Instant::now(), put_off: 0 }
    }
}

impl Line {
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(VecDeque::is_empty)
    }

    /// Takes a quarter of the batch for each kind, and fills the rest by priority. A saga at which a lane may have hung is
    /// taken alone.
    pub fn take(&mut self, most: usize, culprits: &Culprits) -> Vec<Queued> {
        let mut taken: Vec<Queued> = Vec::new();
        let mut room = most;
        for share in [most.div_ceil(Kind::ALL.len()), most] {
            for inputs in &mut self.0 {
                let mut left = share.min(room);
                while left > 0
                    && let Some(next) = inputs.front()
                {
                    let alone = culprits.has(next.input.saga());
                    if alone && !taken.is_empty() {
                        return taken;
                    }
                    taken.extend(inputs.pop_front());
                    if alone {
                        return taken;
                    }
                    left -= 1;
                    room -= 1;
                }
            }
        }
        taken
    }
}
