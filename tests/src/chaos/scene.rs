//! What everybody in a run has at hand.

use super::{timeline::Timeline, witness::Witness, world::World};

/// The world, and those who write down what happens in it.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub world: &'a World,
    pub witness: &'a Witness,
    pub timeline: &'a Timeline,
}
