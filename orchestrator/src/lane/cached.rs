//! A lane's memory of the sagas that it wrote last.

use crate::machine::Held;

/// A lane's memory of a saga: valid only if the row still has this token and this length.
pub(crate) struct Cached {
    pub token: i64,
    pub held: Held,
}
