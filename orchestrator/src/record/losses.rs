//! How often a saga may be lost with its node before it rests, and before it needs a person.

/// Losses in a row after which a saga rests before each further try.
pub(crate) const LOSSES_MAX: i16 = 3;
/// Further tries, each alone after a rest. If all of them are lost, the saga needs a person. One try may be lost by chance
/// to a node that is killed for another reason, but hardly three in a row.
const TRIES_AFTER_REST: i16 = 3;
/// Whether a saga that was lost this often is tried again by itself.
pub(crate) fn is_tried_again(losses: i16) -> bool {
    losses < LOSSES_MAX + TRIES_AFTER_REST
}
