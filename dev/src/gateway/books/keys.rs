//! Idempotency keys as Stripe keeps them: the first answer, whatever it was, for a day.

use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

/// The most keys that are kept. Then a new key answers 429, because forgetting one early would break its promise.
const KEYS_MAX: usize = 600_000;

/// An answer that was given under a key.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::gateway) struct Stored {
    pub key: String,
    /// A hash of the path and the parameters.
    pub fingerprint: String,
    pub status: u16,
    pub body: String,
    pub at_ms: i64,
}

/// What a key means for a request.
pub(in crate::gateway) enum Claim {
    /// Go on; end with [`Keys::release`].
    Mine,
    /// Answer this again.
    Replay { status: u16, body: String },
    /// The key belongs to another request.
    Reused,
    /// The first request under it still runs.
    InUse,
    /// No room for another key.
    Full,
}

pub(in crate::gateway) struct Keys {
    ttl_ms: i64,
    stored: HashMap<String, Stored>,
    oldest_first: VecDeque<(i64, String)>,
    running: HashSet<String>,
}

impl Keys {
    pub fn new(ttl: Duration) -> Self {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        Self { ttl_ms, stored: HashMap::new(), oldest_first: VecDeque::new(), running: HashSet::new() }
    }

    pub fn claim(&mut self, key: &str, fingerprint: &str, now_ms: i64) -> Claim {
        self.prune(now_ms);
        if self.running.contains(key) {
            return Claim::InUse;
        }
        match self.stored.get(key) {
            Some(stored) if stored.fingerprint == fingerprint => {
                Claim::Replay { status: stored.status, body: stored.body.clone() }
            }
            Some(_) => Claim::Reused,
            None if self.stored.len() + self.running.len() >= KEYS_MAX => Claim::Full,
            None => {
                self.running.insert(key.to_owned());
                Claim::Mine
            }
        }
    }

    /// Ends a claim; without a stored answer the key is free again.
    pub fn release(&mut self, key: &str) {
        self.running.remove(key);
    }

    pub(super) fn put(&mut self, stored: Stored) {
        self.oldest_first.push_back((stored.at_ms, stored.key.clone()));
        self.stored.insert(stored.key.clone(), stored);
    }

    fn prune(&mut self, now_ms: i64) {
        while let Some((at_ms, key)) = self.oldest_first.front() {
            if now_ms - at_ms < self.ttl_ms {
                return;
            }
            if self.stored.get(key).is_some_and(|stored| stored.at_ms == *at_ms) {
                self.stored.remove(key);
            }
            self.oldest_first.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_first_answer_until_it_is_pruned() {
        let mut keys = Keys::new(Duration::from_millis(100));
        assert!(matches!(keys.claim("k", "f", 0), Claim::Mine));
        assert!(matches!(keys.claim("k", "f", 0), Claim::InUse));
        keys.put(Stored {
            key: "k".into(),
            fingerprint: "f".into(),
            status: 500,
            body: "oops".into(),
            at_ms: 0,
        });
        keys.release("k");
        assert!(matches!(keys.claim("k", "f", 99), Claim::Replay { status: 500, body } if body == "oops"));
        assert!(matches!(keys.claim("k", "g", 99), Claim::Reused));
        assert!(matches!(keys.claim("k", "g", 100), Claim::Mine), "pruned: the same key is a new request");
        keys.release("k");
        assert!(matches!(keys.claim("k", "h", 100), Claim::Mine), "released without an answer");
    }
}
