//! The kinds of gateways, and how their webhooks become facts.

use super::{BadEvent, Fact, signature, standard, standard_webhooks, stripe};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use signature::{BadSignature, Secret};

/// A gateway protocol that we know. Its word is used in the configuration, in our tables and in `/webhooks/{provider}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Stripe's protocol, and its signatures.
    Stripe,
    /// The standard protocol, signed by Standard Webhooks.
    Standard,
}

impl Provider {
    /// The provider's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => stripe::PROVIDER,
            Self::Standard => standard::PROVIDER,
        }
    }

    /// Proves that a webhook was signed with one of `secrets` at about `now`. `header` looks one up by its name in
    /// lower case; what is missing or not text is empty.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify<'a>(
        self,
        header: impl Fn(&str) -> &'a str,
        body: &[u8],
        secrets: &[Secret],
        now: DateTime<Utc>,
    ) -> Result<(), BadSignature> {
        match self {
            Self::Stripe => signature::verify(header("stripe-signature"), body, secrets, now),
            Self::Standard => {
                let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
                let headers =
                    standard_webhooks::Headers { id, timestamp, signature: header("webhook-signature") };
                standard_webhooks::verify(headers, body, secrets, now)
            }
        }
    }

    /// The fact in a webhook whose signature was verified.
    ///
    /// # Errors
    /// [`BadEvent`]: it was signed and yet is no event.
    pub fn read<'a>(self, header: impl Fn(&str) -> &'a str, body: &[u8]) -> Result<Fact, BadEvent> {
        match self {
            Self::Stripe => stripe::read_event(body),
            Self::Standard => standard::read_event(header("webhook-id"), body),
        }
    }
}
