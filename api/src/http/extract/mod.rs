//! The border: every way in which a request can be refused before a handler sees it, as a problem of ours.

mod fields;
mod headers;
mod json;
mod path;
mod values;

pub use fields::{Expected, Fields, FromFields, Read};
pub use headers::acceptable;
pub use json::{BODY_BYTES_MAX, JsonBody, unread};
pub use path::{Id, Params, bad_parameter};
