//! The secret of a subscription, in the form of Standard Webhooks.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;

/// The prefix of secrets.
const PREFIX: &str = "whsec_";
/// The length of a decoded secret: Standard Webhooks asks for 24 to 64 bytes.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The text is not `whsec_` and the base64 of 24 to 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `whsec_` followed by the base64 of 24 to 64 bytes; if you leave it out, one is made")]
pub struct BadSecret;

/// A new secret: 256 random bits.
pub fn draw() -> SecretString {
    let secret: [u8; 32] = rand::random();
    format!("{PREFIX}{}", BASE64_STANDARD.encode(secret)).into()
}

/// A secret that the receiver has chosen.
///
/// # Errors
/// [`BadSecret`].
pub fn check(text: &str) -> Result<SecretString, BadSecret> {
    let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
    match bytes {
        Some(bytes) if BYTES.contains(&bytes.len()) => Ok(text.into()),
        Some(_) | None => Err(BadSecret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn what_is_drawn_is_what_is_taken() {
        let (one, other) = (draw(), draw());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(check(one.expose_secret()).is_ok());
        for bad in ["", "whsec_", "whsec_AAEC", "hunter2", "whsec_!", &one.expose_secret()[6..]] {
            assert_eq!(check(bad).unwrap_err(), BadSecret, "{bad}");
        }
    }
}
