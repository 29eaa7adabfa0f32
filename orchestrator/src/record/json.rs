//! JSON as it was written.

use serde_json::value::RawValue;
use std::sync::Arc;

/// A value as it was serialised: kept as text, so that nothing is lost or done twice.
pub type Json = Arc<RawValue>;
