//! Sessions: who signed in, carried by a signed cookie and kept nowhere.
//!
//! A session is a token's hash, an end and a random number, under an HMAC. It gives no more than the token does: each
//! request looks the token up again, so revoking it ends every session made with it. The proofs that forms carry are
//! HMACs of the same bytes under another label.

mod cookie;
mod guard;
mod key;
mod origin;
mod visitor;

pub use cookie::Jar;
pub use guard::{only_operators_write, signed_in, to_sign_in};
pub use key::SessionKey;
pub use origin::Trusted;
pub use visitor::{Visitor, may_enter};

use crate::http::auth::TokenHash;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};

/// How long one may stay signed in: a shift.
pub const SESSION: TimeDelta = TimeDelta::hours(12);

/// Bytes of a session: the token's hash, the end in seconds, and a random number, so that no two are alike.
const BYTES: usize = 32 + 8 + 16;

/// A session whose signature held, or a new one.
#[derive(Clone, Copy)]
pub struct Session([u8; BYTES]);

impl Session {
    /// A new session for the bearer of a token.
    pub fn begin(token: &TokenHash, now: DateTime<Utc>) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..32].copy_from_slice(token.bytes());
        bytes[32..40].copy_from_slice(&(now + SESSION).timestamp().to_be_bytes());
        bytes[40..].copy_from_slice(&rand::random::<[u8; 16]>());
        Self(bytes)
    }

    /// The text that the cookie carries.
    pub fn seal(&self, key: &SessionKey) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        format!("{}.{}", encode(&self.0), encode(&key.sign(Purpose::Session, &self.0)))
    }

    /// The session that a cookie carries, if we made it and it has not ended.
    pub fn open(text: &str, key: &SessionKey, now: DateTime<Utc>) -> Option<Self> {
        let (bytes, signature) = text.split_once('.')?;
        let bytes: [u8; BYTES] = BASE64_URL_SAFE_NO_PAD.decode(bytes).ok()?.try_into().ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let session = Self(bytes);
        (key.verifies(Purpose::Session, &bytes, &signature) && session.ends_at() > now).then_some(session)
    }

    /// The hash of the token behind it.
    pub fn token(&self) -> TokenHash {
        TokenHash::of_bytes(self.0[..32].try_into().expect("the first 32 bytes of 56"))
    }

    /// The time when it ends by itself.
    pub fn ends_at(&self) -> DateTime<Utc> {
        let seconds = i64::from_be_bytes(self.0[32..40].try_into().expect("eight of 56 bytes"));
        DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The proof that every form of this session carries. Other pages can't know it.
    pub fn proof(&self, key: &SessionKey) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(key.sign(Purpose::Form, &self.0))
    }

    /// Whether a form carried this session's proof; compared in constant time.
    pub fn proved(&self, key: &SessionKey, proof: &str) -> bool {
        let proof = BASE64_URL_SAFE_NO_PAD.decode(proof);
        proof.is_ok_and(|proof| key.verifies(Purpose::Form, &self.0, &proof))
    }
}

/// The purpose of an HMAC. One made for one purpose is not valid for the other.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// It signs the cookie.
    Session,
    /// It proves that a form is ours.
    Form,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::Token;

    #[test]
    fn a_session_is_believed_until_its_end_and_under_its_key_only() {
        let (key, now) = (SessionKey::drawn(), Utc::now());
        let token = Token::draw().hash();
        let sealed = Session::begin(&token, now).seal(&key);
        assert_eq!(Session::open(&sealed, &key, now).unwrap().token(), token);
        assert!(Session::open(&sealed, &key, now + SESSION).is_none());
        assert!(Session::open(&sealed, &SessionKey::drawn(), now).is_none());
        for at in 0..sealed.len() {
            let mut forged = sealed.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last character of each half has bits that no byte needs; those decode to nothing.
            assert!(Session::open(&forged, &key, now).is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_proof_is_of_one_session_and_is_not_its_signature() {
        let (key, now) = (SessionKey::drawn(), Utc::now());
        let (one, other) =
            (Session::begin(&Token::draw().hash(), now), Session::begin(&Token::draw().hash(), now));
        assert!(one.proved(&key, &one.proof(&key)));
        assert!(!one.proved(&key, &other.proof(&key)));
        let sealed = one.seal(&key);
        assert!(!one.proved(&key, sealed.split_once('.').unwrap().1));
        assert!(!one.proved(&key, ""));
    }
}
