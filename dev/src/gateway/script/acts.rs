//! The things that can be done to one request or one event.

use crate::gateway::books::intent::Decline;
use serde::{Deserialize, Serialize};

/// The longest scripted wait: an hour.
const WAIT_MS_MAX: u64 = 3_600_000;
/// The most copies of one webhook.
const COPIES_MAX: u32 = 1000;

/// What to do; nothing by default. Several things may be asked for at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::gateway) struct Acts {
    /// Work this long before the effect; the idempotency key is in use meanwhile.
    pub delay_ms: u64,
    /// Answer so long after the effect: its webhooks come first.
    pub answer_delay_ms: u64,
    /// Fail in this way before the effect.
    pub before: Option<Before>,
    /// How confirming goes, instead of what the method does.
    pub confirm: Option<ConfirmAct>,
    /// Confirmations only: so much later the customer pays once more, in another tab, under the same metadata.
    pub again_after_ms: Option<u64>,
    /// How the refund goes, instead of what the method does.
    pub refund: Option<RefundAct>,
    /// Accept what should be refused, or is not done: a capture after a cancel and a cancel (200, no effect), a refund
    /// above the charge.
    pub lax: bool,
    /// Writes only: like a small gateway that keeps no keys and gives no reasons. The key is forgotten, and a refusal has
    /// neither a code nor the intent.
    pub bare: bool,
    /// Writes only: deliver the request twice, as a proxy on its way may, and answer the second.
    pub twice: bool,
    /// Have the effect, then answer badly or not at all.
    pub after: Option<After>,
    /// Reads only: find nothing, as a search does whose index lags behind.
    pub blind: bool,
    /// Show another amount, currency or id in the answer, or in the event.
    pub lie: Option<Lie>,
    /// How the event is delivered; only for rules on `webhook`.
    pub webhook: Option<WebhookAct>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Before {
    /// Close the connection.
    Drop,
    /// Close the connection; so much later the request arrives all the same, from some queue on its way, and has
    /// its effect unless its key was used meanwhile. Nobody hears its answer.
    Late { after_ms: u64 },
    /// Say nothing until the client gives up.
    Hang,
    /// 409, as if the first request under the key were still running.
    KeyInUse,
    /// 400, as if the key had been used with other parameters.
    KeyReused,
    /// 400 with everything in its message that was sent, the secret key too: nobody may keep or log it.
    Echo,
    /// 429.
    Busy { retry_after_s: u32 },
    /// 5xx; kept under the key (as by Stripe itself) or not (as by a proxy in front of it).
    Fail {
        status: u16,
        #[serde(default)]
        kept: bool,
    },
    /// 400 with this code, for example `payment_intent_unexpected_state`.
    Refuse { code: String },
    /// 404, as if what the request names were not there.
    Missing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum ConfirmAct {
    Secure,
    Decline(Decline),
    /// The customer must act, on the page or after `--approve-delay`.
    RequireAction,
    /// The customer must act, and does so by themselves.
    ActThen {
        after_ms: u64,
        then: Then,
    },
    Process {
        after_ms: u64,
        then: Then,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Then {
    Settle,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum RefundAct {
    Succeed,
    /// Pending until someone ends it.
    Pend,
    /// Pending, then settled or failed.
    PendThen {
        after_ms: u64,
        then: Then,
    },
    /// Succeeded, then failed after all.
    SucceedThenFail {
        after_ms: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum After {
    /// Say nothing until the client gives up.
    Hang,
    /// Close the connection.
    Close,
    /// 5xx; kept under the key instead of the true answer, or not.
    Fail {
        status: u16,
        #[serde(default)]
        kept: bool,
    },
    /// 200 with a body that isn't JSON.
    Garbage,
    /// 200 with a body that goes on and on.
    Huge,
    /// The true answer, a byte at a time, too slowly.
    Slow,
    /// 307 to elsewhere.
    Redirect,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::gateway) struct Lie {
    /// In place of every amount that isn't zero.
    pub amount: Option<i64>,
    pub currency: Option<String>,
    /// Another value of one of our ids.
    pub payment_id: Option<String>,
    /// Another status, in Stripe's words.
    pub status: Option<String>,
    /// Another id of the object itself: an answer to somebody else's request.
    pub id: Option<String>,
    /// Leave out how much can be captured and how much was received.
    pub without_amounts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::gateway) struct WebhookAct {
    /// Never deliver it; it can still be read back.
    pub lose: bool,
    /// Deliver it so often.
    pub copies: u32,
    pub delay_ms: u64,
    /// Delay each copy by up to this much more, at random: events overtake each other.
    pub jitter_ms: u64,
    /// Keep it until `POST /control/webhooks/release`.
    pub hold: bool,
    /// Send so many more under a signature that isn't ours; whoever believes one has no guard.
    pub forged: u32,
}

impl Default for WebhookAct {
    fn default() -> Self {
        Self { lose: false, copies: 1, delay_ms: 0, jitter_ms: 0, hold: false, forged: 0 }
    }
}

impl Acts {
    /// The bounds that types don't hold.
    pub fn check(&self) -> Result<(), &'static str> {
        let process = match self.confirm {
            Some(ConfirmAct::Process { after_ms, .. } | ConfirmAct::ActThen { after_ms, .. }) => after_ms,
            _ => 0,
        };
        let refund = match self.refund {
            Some(RefundAct::PendThen { after_ms, .. } | RefundAct::SucceedThenFail { after_ms }) => after_ms,
            _ => 0,
        };
        let webhook = self.webhook.clone().unwrap_or_default();
        let late = match self.before {
            Some(Before::Late { after_ms }) => after_ms,
            _ => 0,
        };
        let waits = [
            self.delay_ms,
            self.answer_delay_ms,
            self.again_after_ms.unwrap_or(0),
            late,
            process,
            refund,
            webhook.delay_ms,
            webhook.jitter_ms,
        ];
        let server = |status: u16| (500..600).contains(&status);
        match (&self.before, &self.after) {
            _ if waits.iter().any(|wait| *wait > WAIT_MS_MAX) => {
                Err("a wait is at most an hour (3600000 ms)")
            }
            _ if webhook.copies.max(webhook.forged) > COPIES_MAX => Err("a webhook has at most 1000 copies"),
            (Some(Before::Fail { status, .. }), _) | (_, Some(After::Fail { status, .. }))
                if !server(*status) =>
            {
                Err("`fail` needs a `status` of 500 to 599")
            }
            _ => Ok(()),
        }
    }
}
