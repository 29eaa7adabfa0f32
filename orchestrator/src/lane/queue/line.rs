//! One line of a queue: what waits in it by kind, and what of it goes into a batch.

use crate::{
    lane::input::{Input, Kind},
    machine::Culprits,
};
use std::{collections::VecDeque, time::Instant};

/// Inputs by kind.
#[derive(Default)]
pub(super) struct Line(pub [VecDeque<Queued>; 4]);

/// One input.
pub(super) struct Queued {
    pub input: Input,
    pub since: Instant,
    /// How often it was put off.
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

    /// A quarter for each kind, and what is left over for who comes first. A saga that a lane may have stopped at is
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
