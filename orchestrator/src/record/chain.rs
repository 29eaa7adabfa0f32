//! A link of the audit's chain: the row as it is hashed, and its hash.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A row as it is hashed.
pub struct Link<'a> {
    /// The row's id.
    pub id: Uuid,
    /// Its place in the chain of its bucket, from 1.
    pub seq: i64,
    /// The id of the saga or batch that it was done to.
    pub saga: Uuid,
    /// When it was done, to the microsecond.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: &'a str,
    /// The name of the action.
    pub action: &'a str,
    /// Why it was done.
    pub reason: &'a str,
    /// What it found or changed, as JSON text.
    pub detail: &'a str,
}

/// The hash of a row that follows the row with this hash. Every part is preceded by its length, so no two rows give the same
/// bytes.
pub fn digest(head: &[u8], link: &Link<'_>) -> Vec<u8> {
    let mut sha = Sha256::new();
    let numbers = [link.seq, link.at.timestamp_micros()].map(|number| number.to_string());
    let ids = [link.id, link.saga].map(|id| id.to_string());
    let [seq, at] = &numbers;
    let [id, saga] = &ids;
    let parts = [id, saga, seq, at, link.actor, link.action, link.reason, link.detail];
    for part in std::iter::once(head).chain(parts.map(str::as_bytes)) {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().to_vec()
}
