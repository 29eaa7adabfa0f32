//! Bearer tokens: 256 random bits, of which the database knows only the hash.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use orchestrator::Bucket;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The prefix of our tokens, by which people and secret scanners know them.
const PREFIX: &str = "usr_";

/// A token as its bearer holds it. Never stored, never printed by `Debug`.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

/// The hash under which a token is stored. 256 random bits need no salt and no slow hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl Token {
    /// A new random token.
    pub fn draw() -> Self {
        let secret: [u8; 32] = rand::random();
        Self(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret)).into())
    }

    /// Reads what a bearer sent; `None` if it can't be a token of ours.
    pub fn of_bearer(text: &str) -> Option<Self> {
        let secret = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (secret.len() == 32).then(|| Self(text.into()))
    }

    /// The token's hash. A lookup is by hash, so its timing tells nothing about the token.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret()).into())
    }

    /// The token itself, for the one time that it is shown.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TokenHash {
    /// A hash that we stored ourselves.
    pub fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The value of the column.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bucket of its row.
    pub fn bucket(&self) -> Bucket {
        Bucket::of_key(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_never_printed() {
        let token = Token::draw();
        let again = Token::of_bearer(token.expose()).unwrap();
        assert_eq!(token.hash(), again.hash());
        assert_ne!(token.hash(), Token::draw().hash());
        assert!(!format!("{token:?}").contains(token.expose()));
        for foreign in ["", "usr_", "usr_abc", "sk_live_x", &token.expose()[4..]] {
            assert!(Token::of_bearer(foreign).is_none(), "{foreign}");
        }
    }
}
