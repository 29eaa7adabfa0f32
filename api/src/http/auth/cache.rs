//! Tokens that were looked up lately, so that a busy caller costs one lookup every few seconds instead of one a request.

use super::{caller::Caller, token::TokenHash};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a token is trusted without a new lookup. A revoked token works for this long at most.
pub const BELIEVED_FOR: Duration = Duration::from_secs(5);

/// Tokens remembered at once, about 200 bytes each. Only valid tokens are remembered, so invented ones fill nothing.
const TOKENS_MAX: usize = 50_000;

/// Callers by their token's hash.
#[derive(Default)]
pub struct TokenCache(Mutex<HashMap<TokenHash, (Caller, Instant)>>);

impl TokenCache {
    /// The caller, if the token was looked up lately.
    pub fn get(&self, hash: &TokenHash, now: Instant) -> Option<Caller> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(_, until)| *until > now).map(|(caller, _)| caller.clone())
    }

    /// Remembers the caller of a token.
    pub fn put(&self, hash: TokenHash, caller: Caller, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() >= TOKENS_MAX {
            known.clear(); // everybody is looked up once more
        }
        known.insert(hash, (caller, now + BELIEVED_FOR));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[test]
    fn a_token_is_believed_for_a_short_while_only() {
        let (cache, now) = (TokenCache::default(), Instant::now());
        let hash = Token::draw().hash();
        let caller = Caller { role: Role::Operator, subject: "ada".into(), user: None };
        cache.put(hash, caller, now);
        assert!(cache.get(&hash, now + BELIEVED_FOR / 2).is_some());
        assert!(cache.get(&hash, now + BELIEVED_FOR).is_none());
        assert!(cache.get(&Token::draw().hash(), now).is_none());
    }
}
