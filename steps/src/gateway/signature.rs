//! Webhook signatures as Stripe makes them: `Stripe-Signature: t=<unix s>,v1=<hex>[,v1=<hex>…]`.
//!
//! What is signed is `{t}.{raw body}`; the key of the HMAC-SHA256 is the whole secret string as UTF-8. Any `v1`
//! under any valid secret will do, other schemes are ignored, comparison is in constant time, and `t` must be
//! within five minutes of now on both sides. The body is not looked at before it is proven.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far the signature's time may be from ours, on both sides (Stripe's own default).
pub const TOLERANCE_S: i64 = 300;

/// The longest header that is read; a header with many secrets' signatures has a few hundred bytes.
const HEADER_BYTES_MAX: usize = 4096;

/// A signing secret and, while it is rotated out, its end.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The secret as the provider shows it (`whsec_…`).
    pub value: SecretString,
    /// The time from which on it is not valid; `None`: it is valid for ever.
    pub until: Option<DateTime<Utc>>,
}

/// Why a webhook is not believed. For our logs and metrics; the sender is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// No header, or one that is not of this scheme.
    #[error("the signature header is missing or malformed")]
    Malformed,
    /// No secret of ours that is still valid made it.
    #[error("no valid secret made this signature")]
    Foreign,
    /// The signature is right but older than [`TOLERANCE_S`]: the webhook was replayed, or our clock is wrong.
    #[error("the signature is too old")]
    Old,
    /// The signature is right but its time is in the future.
    #[error("the signature is from the future")]
    Future,
}

impl Secret {
    /// A secret without an end.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: SecretString::from(value.into()), until: None }
    }

    pub(super) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Proves that `body` was signed with one of `secrets` at about `now`.
///
/// # Errors
/// [`BadSignature`]; age is judged only after the signature held, so it tells strangers nothing.
pub fn verify(header: &str, body: &[u8], secrets: &[Secret], now: DateTime<Utc>) -> Result<(), BadSignature> {
    let (at, signatures) = parse(header).ok_or(BadSignature::Malformed)?;
    let proven = secrets.iter().filter(|secret| secret.is_valid(now)).any(|secret| {
        let mac = mac(secret.value.expose_secret(), at, body);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    });
    if !proven {
        return Err(BadSignature::Foreign);
    }
    check_age(at, now)
}

/// The header that proves `body` at `now`, with a signature by each of `secrets`.
pub fn sign(body: &[u8], secrets: &[&str], now: DateTime<Utc>) -> String {
    let at = now.timestamp();
    let signatures = secrets.iter().map(|secret| {
        format!(",v1={}", hex::encode(mac(secret, &at.to_string(), body).finalize().into_bytes()))
    });
    format!("t={at}{}", signatures.collect::<String>())
}

pub(super) fn check_age(at: &str, now: DateTime<Utc>) -> Result<(), BadSignature> {
    let at: i64 = at.parse().map_err(|_| BadSignature::Malformed)?;
    match now.timestamp().saturating_sub(at) {
        age if age > TOLERANCE_S => Err(BadSignature::Old),
        age if age < -TOLERANCE_S => Err(BadSignature::Future),
        _ => Ok(()),
    }
}

/// The time as it stood in the header (it is what was signed) and the `v1` signatures.
fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let mut at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", time) if at.is_none() => at = Some(time),
            ("t", _) => return None,
            ("v1", text) => signatures.extend(hex::decode(text).ok()),
            _ => {}
        }
    }
    Some((at?, signatures)).filter(|(_, signatures)| !signatures.is_empty())
}

fn mac(secret: &str, at: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const BODY: &[u8] = br#"{"id":"evt_test","type":"payment_intent.succeeded"}"#;
    const SECRET: &str = "whsec_test_secret";
    const HEX: &str = "1fa069bafb0fb0ec61ca8e80964ba68904130b9623f205d87d85ad75d5de7d02";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn check(header: &str, secrets: &[Secret], now: i64, expected: Result<(), BadSignature>) {
        assert_eq!(verify(header, BODY, secrets, at(now)), expected, "{header} at {now}");
    }

    #[test]
    fn the_published_vector_is_made_and_believed() {
        assert_eq!(sign(BODY, &[SECRET], at(1_700_000_000)), format!("t=1700000000,v1={HEX}"));
        check(&format!("t=1700000000,v1={HEX}"), &[Secret::new(SECRET)], 1_700_000_000, Ok(()));
    }

    #[test]
    fn bad_missing_old_future_and_foreign_signatures_are_refused() {
        let good = format!("t=1700000000,v1={HEX}");
        let ours = [Secret::new(SECRET)];
        for header in ["", "t=1700000000", &format!("v1={HEX}"), "t=1700000000,v1=zz", "nonsense"] {
            check(header, &ours, 1_700_000_000, Err(BadSignature::Malformed));
        }
        check(&format!("t=1,{good}"), &ours, 1_700_000_000, Err(BadSignature::Malformed));
        check(&format!("{good},{}", "x=1,".repeat(2000)), &ours, 1_700_000_000, Err(BadSignature::Malformed));
        check(&good, &ours, 1_700_000_300, Ok(()));
        check(&good, &ours, 1_700_000_301, Err(BadSignature::Old));
        check(&good, &ours, 1_699_999_700, Ok(()));
        check(&good, &ours, 1_699_999_699, Err(BadSignature::Future));
        check(&good, &[Secret::new("whsec_other")], 1_700_000_000, Err(BadSignature::Foreign));
        check(&good, &[], 1_700_000_000, Err(BadSignature::Foreign));
        check(
            &good.replace("t=1700000000", "t=1700000001"),
            &ours,
            1_700_000_000,
            Err(BadSignature::Foreign),
        );
        check(&good.replace("v1=", "v0="), &ours, 1_700_000_000, Err(BadSignature::Malformed));
    }

    #[test]
    fn several_secrets_serve_a_rotation_until_the_old_one_ends() {
        let now = 1_700_000_000;
        let old = Secret { until: Some(at(now) + TimeDelta::hours(1)), ..Secret::new(SECRET) };
        let both = [Secret::new("whsec_new"), old];
        let by_old = sign(BODY, &[SECRET], at(now));
        let by_both = sign(BODY, &["whsec_new", SECRET], at(now));
        check(&by_old, &both, now, Ok(()));
        check(&by_both, &both[..1], now, Ok(()));
        let later = now + 3600;
        check(&sign(BODY, &[SECRET], at(later)), &both, later, Err(BadSignature::Foreign));
    }
}
