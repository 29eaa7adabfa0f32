//! A signal: what others tell a saga.

use serde::{Serialize, de::DeserializeOwned};

/// A typed message to a saga. It is durable, waits if it is early, and counts once by its sender's id.
pub trait Signal: Serialize + DeserializeOwned + Send + 'static {
    /// The signal's name in mailboxes and journals, for ever.
    const NAME: &'static str;
}
