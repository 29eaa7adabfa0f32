//! What a write needs to know.

use super::{super::script::Operation, params::Params};

pub(super) struct Order<'a> {
    pub operation: Operation,
    /// The intent in the path.
    pub id: Option<&'a str>,
    pub params: &'a Params,
}
