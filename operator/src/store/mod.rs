//! The desk's SQL: one module for each table. Functions are named by a verb and a noun, and each is one statement on the
//! connection that it gets. Nothing here begins or commits.

pub(crate) mod audit;
pub(crate) mod batch_items;
pub(crate) mod batches;
pub mod numbers;
pub(crate) mod proposals;
pub(crate) mod touched;
pub(crate) mod work_list;

use serde::de::DeserializeOwned;

/// JSON of ours, as it was written.
fn decode<T: DeserializeOwned>(json: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(error.into()))
}
