//! A lane's memory of the sagas that it wrote last.

use crate::journal::History;
use std::sync::Arc;

/// A lane's memory of a saga: valid only if the row still has this token and this length.
pub(crate) struct Cached {
    pub token: i64,
    pub history: Arc<History>,
}
