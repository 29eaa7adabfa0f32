//! The key that sessions are signed with: the configuration's, or one of this process's own.

use super::Purpose;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// Signs sessions and proofs. Never printed.
pub struct SessionKey(SecretSlice<u8>);

impl SessionKey {
    /// The key of the configuration, which all nodes share.
    pub fn of(secret: &str) -> Self {
        Self(SecretSlice::from(secret.as_bytes().to_vec()))
    }

    /// A random key that nobody else has and that ends with this process.
    pub fn drawn() -> Self {
        Self(SecretSlice::from(rand::random::<[u8; 32]>().to_vec()))
    }

    pub(super) fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Vec<u8> {
        self.mac(purpose, bytes).finalize().into_bytes().to_vec()
    }

    /// Compares in constant time.
    pub(super) fn verifies(&self, purpose: Purpose, bytes: &[u8], signature: &[u8]) -> bool {
        self.mac(purpose, bytes).verify_slice(signature).is_ok()
    }

    fn mac(&self, purpose: Purpose, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("any length is a key");
        mac.update(match purpose {
            Purpose::Session => b"usher console session 1\0",
            Purpose::Form => b"usher console form 1\0",
        });
        mac.update(bytes);
        mac
    }
}
