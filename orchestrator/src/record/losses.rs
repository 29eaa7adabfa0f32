//! How often a saga may be lost with its node before it rests, and before it waits for a person.

/// Losses in a row after which a saga rests before each further try.
pub(crate) const LOSSES_MAX: i16 = 3;
/// Further tries, each alone after a rest; lost in all of them, it waits for a person. One may be lost by chance to a node
/// that is killed for another reason, three in a row hardly.
const TRIES_AFTER_REST: i16 = 3;
/// Whether a saga that was lost so often is tried again by itself.
pub(crate) fn is_tried_again(losses: i16) -> bool {
    losses < LOSSES_MAX + TRIES_AFTER_REST
}
