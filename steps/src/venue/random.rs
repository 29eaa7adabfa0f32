//! Numbers from a seed, the same on every machine and with every version of every library: SplitMix64
//! (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).

use super::Kind;

pub(super) struct Random(u64);

impl Random {
    pub fn new(kind: Kind, seed: i64) -> Self {
        // Two kinds of one seed have nothing in common.
        Self(seed as u64 ^ ((kind.seats() as u64) << 32))
    }

    /// A number from 0 to `bound - 1`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
