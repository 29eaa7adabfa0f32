//! What can go wrong at a gateway, by what the caller may do about it.

use super::Intent;
use std::time::Duration;

/// Why the gateway did not do what was asked, or why we don't know whether it did.
///
/// | variant | was it done? | what to do |
/// |---|---|---|
/// | `Declined`, `WrongState`, `NotFound`, `Invalid`, `KeyReused`, `Unauthorised` | surely not by this request | never repeat it unchanged |
/// | `Busy`, `Refused` | surely not | repeat later under the same key |
/// | `KeyInUse` | being decided | repeat later under the same key |
/// | `Unclear` | nobody knows | repeat under the same key while the gateway remembers it, then read or find |
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The bank or the gateway declined. This is final for this attempt.
    #[error("the gateway declined the payment (`{code}`)")]
    Declined {
        /// For example `card_declined`.
        code: String,
        /// The bank's reason, for example `insufficient_funds`.
        decline_code: Option<String>,
        /// The intent, still alive, if the gateway showed it.
        intent: Option<Box<Intent>>,
    },
    /// The intent or charge is in a state that forbids this (captured already, cancelled, lapsed).
    #[error("the payment's state forbids this (`{code}`)")]
    WrongState {
        /// For example `payment_intent_unexpected_state` or `charge_already_refunded`.
        code: String,
        /// The intent as it is, if the gateway showed it.
        intent: Option<Box<Intent>>,
    },
    /// There is no such object, at least not yet.
    #[error("the gateway knows no such object")]
    NotFound,
    /// It was refused for a reason that we don't know by its code: our request is wrong, the method doesn't exist, or the
    /// gateway doesn't say that the intent's state forbids it. What counts is the intent.
    #[error("the gateway refuses the request (status {status}, `{code}`, parameter `{param}`): {message}")]
    Invalid {
        /// 400–499.
        status: u16,
        /// For example `resource_missing`.
        code: String,
        /// The parameter that it names; may be empty.
        param: String,
        /// The gateway's text, for operators.
        message: String,
        /// The intent as it is, read after the refusal. `None` if no intent was named: nothing was made.
        intent: Option<Box<Intent>>,
    },
    /// The same key was used with other parameters: a bug of ours.
    #[error("the idempotency key was used before with other parameters")]
    KeyReused,
    /// The secret key is wrong or may not do this: for operators.
    #[error("the gateway refuses our credentials (status {status}); check the gateway's secret key")]
    Unauthorised {
        /// 401 or 403.
        status: u16,
    },
    /// Too many requests, or the object is locked by another one.
    #[error("the gateway is busy; again in {retry_after:?}")]
    Busy {
        /// How long to wait, as the gateway said, bounded.
        retry_after: Duration,
    },
    /// The first request under this key is still running.
    #[error("the first request under this key still runs; again in {retry_after:?}")]
    KeyInUse {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Nothing was sent.
    #[error("the gateway was not reached")]
    Refused(#[source] Unsent),
    /// The request was sent, and the outcome is unknown.
    #[error("the outcome is unknown")]
    Unclear(#[source] Doubt),
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// No connection to the gateway could be made.
    #[error("connecting to the gateway")]
    Connect(#[source] reqwest::Error),
    /// The last requests failed. The next try is allowed later.
    #[error("the circuit breaker is open for {retry_after:?} more")]
    BreakerOpen {
        /// How long nothing is sent.
        retry_after: Duration,
    },
    /// An in-process gateway was told to refuse.
    #[error("refused by script")]
    Scripted,
}

/// Why the outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// There was no complete answer within the deadline: the gateway hung or was slow.
    #[error("no whole answer within {0:?}")]
    Deadline(Duration),
    /// The connection broke after the request left.
    #[error("the connection broke before a whole answer")]
    Broken(#[source] reqwest::Error),
    /// The status is 5xx. A replayed one stays the answer for as long as the gateway keeps the key.
    #[error("status {status}, replayed: {replayed}")]
    Server {
        /// 500–599.
        status: u16,
        /// Whether the gateway said that it is the stored answer to an earlier request.
        replayed: bool,
    },
    /// A redirect, which we never follow.
    #[error("a redirect (status {0})")]
    Redirect(u16),
    /// A status or body that the protocol doesn't have.
    #[error("an answer that is not the gateway's protocol (status {status}): {detail}")]
    Garbage {
        /// The HTTP status.
        status: u16,
        /// What was wrong; never the body itself.
        detail: String,
    },
    /// A body over the bound.
    #[error("a body of more than {0} bytes")]
    TooLarge(usize),
    /// An in-process gateway was told to leave it open.
    #[error("unknown by script")]
    Scripted,
}

impl GatewayError {
    /// True if this request surely had no effect. False for `KeyInUse` and `Unclear`.
    pub fn is_surely_not_done(&self) -> bool {
        !matches!(self, Self::KeyInUse { .. } | Self::Unclear(_))
    }

    /// Whether the gateway answered with a refusal whose reason is in the intent and not in the answer's code: any 4xx but
    /// those that say to come again later, and those about our credentials.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Declined { .. }
            | Self::WrongState { .. }
            | Self::NotFound
            | Self::Invalid { .. }
            | Self::KeyReused
            | Self::KeyInUse { .. } => true,
            Self::Unclear(Doubt::Garbage { status, .. }) => (400..500).contains(status),
            Self::Unauthorised { .. } | Self::Busy { .. } | Self::Refused(_) | Self::Unclear(_) => false,
        }
    }

    /// Whether the status was 404.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::Invalid { status: 404, .. }
                | Self::Unclear(Doubt::Garbage { status: 404, .. })
        )
    }

    /// The intent, if the gateway showed it with the refusal, or it was read afterwards.
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            Self::Declined { intent, .. }
            | Self::WrongState { intent, .. }
            | Self::Invalid { intent, .. } => intent.as_deref(),
            Self::NotFound
            | Self::KeyReused
            | Self::Unauthorised { .. }
            | Self::Busy { .. }
            | Self::KeyInUse { .. }
            | Self::Refused(_)
            | Self::Unclear(_) => None,
        }
    }

    /// The error in a few words, for people and as a common cause of failed sagas: `gateway 402 card_declined`. It contains the
    /// gateway's own code, which is bounded and may be any text.
    pub fn in_short(&self) -> String {
        /// Longer than any code that we know.
        const CODE_CHARS_MAX: usize = 64;
        let (status, code) = match self {
            Self::Declined { code, decline_code, .. } => {
                (402, decline_code.as_ref().unwrap_or(code).as_str())
            }
            Self::WrongState { code, .. } => (400, code.as_str()),
            Self::Invalid { status, code, .. } => (*status, code.as_str()),
            Self::NotFound => (404, ""),
            Self::KeyReused => (400, "key reused"),
            Self::Unauthorised { status } => (*status, ""),
            Self::Busy { .. } => (429, ""),
            Self::KeyInUse { .. } => (409, "key in use"),
            Self::Unclear(Doubt::Server { status, .. } | Doubt::Redirect(status)) => (*status, ""),
            Self::Unclear(Doubt::Garbage { status, .. }) => (*status, "not its protocol"),
            Self::Unclear(Doubt::Deadline(_)) => return "gateway silent".to_owned(),
            Self::Unclear(Doubt::Broken(_)) => return "gateway hung up".to_owned(),
            Self::Unclear(Doubt::TooLarge(_)) => return "gateway says too much".to_owned(),
            Self::Refused(_) => return "gateway not reached".to_owned(),
            Self::Unclear(Doubt::Scripted) => return "gateway unclear".to_owned(),
        };
        let code: String = code.chars().take(CODE_CHARS_MAX).collect();
        format!("gateway {status} {code}").trim_end().to_owned()
    }

    /// When to try again, if the gateway or the breaker said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after }
            | Self::KeyInUse { retry_after }
            | Self::Refused(Unsent::BreakerOpen { retry_after }) => Some(*retry_after),
            Self::Declined { .. }
            | Self::WrongState { .. }
            | Self::NotFound
            | Self::Invalid { .. }
            | Self::KeyReused
            | Self::Unauthorised { .. }
            | Self::Refused(_)
            | Self::Unclear(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_said_in_a_few_words() {
        let declined = |decline_code: Option<&str>| GatewayError::Declined {
            code: "card_declined".into(),
            decline_code: decline_code.map(str::to_owned),
            intent: None,
        };
        assert_eq!(declined(None).in_short(), "gateway 402 card_declined");
        assert_eq!(declined(Some("lost_card")).in_short(), "gateway 402 lost_card");
        let down = GatewayError::Unclear(Doubt::Server { status: 503, replayed: false });
        assert_eq!(down.in_short(), "gateway 503");
        let odd = GatewayError::WrongState { code: "x".repeat(1000), intent: None };
        assert_eq!(odd.in_short().len(), "gateway 400 ".len() + 64);
    }
}
