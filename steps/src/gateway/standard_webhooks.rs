//! Webhook signatures as Standard Webhooks makes them: what we send, and a second way in.
//!
//! Headers `webhook-id`, `webhook-timestamp`, `webhook-signature` (space-separated `v1,<base64>`); what is signed
//! is `{id}.{timestamp}.{raw body}`. Unlike Stripe's, the secret is base64 behind `whsec_` and *is* decoded.

use super::signature::{BadSignature, Secret, check_age};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// The three headers, as received.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`: the same in every delivery of one message.
    pub id: &'a str,
    /// `webhook-timestamp`: unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// The secret is not `whsec_` and base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Standard Webhooks secret is `whsec_` followed by base64")]
pub struct BadSecret;

/// The longest signature header and id that are read.
const HEADER_BYTES_MAX: usize = 4096;

/// Proves that `body` was signed with one of `secrets` at about `now`.
///
/// # Errors
/// [`BadSignature`]; a secret of ours that isn't of this scheme proves nothing.
pub fn verify(
    headers: Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
    now: DateTime<Utc>,
) -> Result<(), BadSignature> {
    let Headers { id, timestamp, signature } = headers;
    if id.is_empty() || id.len() + timestamp.len() + signature.len() > HEADER_BYTES_MAX {
        return Err(BadSignature::Malformed);
    }
    let signatures: Vec<_> = signature
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"))
        .filter_map(|text| STANDARD.decode(text).ok())
        .collect();
    if signatures.is_empty() {
        return Err(BadSignature::Malformed);
    }
    let proven = secrets.iter().filter(|secret| secret.is_valid(now)).any(|secret| {
        let mac = mac(secret.value.expose_secret(), id, timestamp, body);
        mac.is_ok_and(|mac| signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()))
    });
    if !proven {
        return Err(BadSignature::Foreign);
    }
    check_age(timestamp, now)
}

/// The `webhook-signature` header for message `id` sent at `now`.
///
/// # Errors
/// [`BadSecret`].
pub fn sign(id: &str, body: &[u8], secret: &str, now: DateTime<Utc>) -> Result<String, BadSecret> {
    let mac = mac(secret, id, &now.timestamp().to_string(), body)?;
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn mac(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Result<Hmac<Sha256>, BadSecret> {
    let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).ok_or(BadSecret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test","type":"payment_intent.succeeded"}"#;
    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
    const SIGNATURE: &str = "v1,obZH7S/sMJ2Q32DSNaBdNlDm8dAyCsUtnwngsIt+VvE=";

    fn check(id: &str, signature: &str, secret: &str, now: i64, expected: Result<(), BadSignature>) {
        let headers = Headers { id, timestamp: "1700000000", signature };
        let now = DateTime::from_timestamp(now, 0).unwrap();
        assert_eq!(verify(headers, BODY, &[Secret::new(secret)], now), expected, "{id} {signature}");
    }

    #[test]
    fn the_published_vector_is_made_and_believed() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(sign(ID, BODY, SECRET, now).unwrap(), SIGNATURE);
        check(ID, SIGNATURE, SECRET, 1_700_000_000, Ok(()));
        check(ID, &format!("v1a,AAAA v1,AAAA {SIGNATURE}"), SECRET, 1_700_000_000, Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        let now = 1_700_000_000;
        check("msg_other", SIGNATURE, SECRET, now, Err(BadSignature::Foreign));
        check(ID, SIGNATURE, "whsec_AAEC", now, Err(BadSignature::Foreign));
        check(ID, SIGNATURE, "not a secret", now, Err(BadSignature::Foreign));
        check(ID, "", SECRET, now, Err(BadSignature::Malformed));
        check("", SIGNATURE, SECRET, now, Err(BadSignature::Malformed));
        check(ID, SIGNATURE, SECRET, now + 301, Err(BadSignature::Old));
        check(ID, SIGNATURE, SECRET, now - 301, Err(BadSignature::Future));
        assert_eq!(sign(ID, BODY, "secret", DateTime::UNIX_EPOCH), Err(BadSecret));
    }
}
