//! The payment methods that exist here: Stripe's test tokens, and two for what is decided later.

use super::books::{
    intent::Decline,
    refund::RefundStatus::{self, Failed, Pending, Succeeded},
};

/// What a method does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub confirm: Confirm,
    pub refund: (RefundStatus, Option<RefundStatus>),
    /// The charge is disputed as soon as the money is captured.
    pub is_disputed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Confirm {
    Secure,
    Decline {
        code: &'static str,
        decline_code: Option<&'static str>,
    },
    RequireAction,
    /// Processing at first; settled or declined later.
    Process {
        settles: bool,
    },
}

const GOOD: Method = Method { confirm: Confirm::Secure, refund: (Succeeded, None), is_disputed: false };

/// The method with this token; `None` if there is none. As on Stripe, each `pm_card_…Decline…` token also
/// exists with the brand in it (`pm_card_visa_chargeDeclined`).
pub(super) fn find(token: &str) -> Option<Method> {
    let plain = token.replacen("pm_card_visa_", "pm_card_", 1);
    Some(match plain.as_str() {
        "pm_card_visa" | "pm_card_visa_debit" | "pm_card_mastercard" | "pm_card_amex" | "pm_card_us" => GOOD,
        "pm_card_chargeDeclined" => declines("card_declined", Some("generic_decline")),
        "pm_card_chargeDeclinedInsufficientFunds" => declines("card_declined", Some("insufficient_funds")),
        "pm_card_chargeDeclinedLostCard" => declines("card_declined", Some("lost_card")),
        "pm_card_chargeDeclinedStolenCard" => declines("card_declined", Some("stolen_card")),
        "pm_card_chargeDeclinedFraudulent" => declines("card_declined", Some("fraudulent")),
        "pm_card_chargeDeclinedExpiredCard" => declines("expired_card", None),
        "pm_card_chargeDeclinedIncorrectCvc" => declines("incorrect_cvc", None),
        "pm_card_chargeDeclinedProcessingError" => declines("processing_error", None),
        "pm_card_authenticationRequired"
        | "pm_card_threeDSecure2Required"
        | "pm_card_threeDSecureRequired" => Method { confirm: Confirm::RequireAction, ..GOOD },
        "pm_processing_settles" | "pm_usBankAccount_success" => {
            Method { confirm: Confirm::Process { settles: true }, ..GOOD }
        }
        "pm_processing_fails" | "pm_usBankAccount_insufficientFunds" => {
            Method { confirm: Confirm::Process { settles: false }, ..GOOD }
        }
        "pm_card_pendingRefund" => Method { refund: (Pending, Some(Succeeded)), ..GOOD },
        "pm_card_refundFail" => Method { refund: (Pending, Some(Failed)), ..GOOD },
        "pm_card_createDispute" => Method { is_disputed: true, ..GOOD },
        _ => return None,
    })
}

/// What a bank says when a method is settled as failed later.
pub(super) fn late_decline() -> Decline {
    Decline::new("card_declined", Some("insufficient_funds"))
}

fn declines(code: &'static str, decline_code: Option<&'static str>) -> Method {
    Method { confirm: Confirm::Decline { code, decline_code }, ..GOOD }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_test_tokens_are_known_with_and_without_the_brand() {
        for token in ["pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"] {
            assert!(matches!(find(token).unwrap().confirm, Confirm::Decline { code: "card_declined", .. }));
        }
        assert!(matches!(find("pm_card_visa").unwrap().confirm, Confirm::Secure));
        assert!(matches!(find("pm_processing_fails").unwrap().confirm, Confirm::Process { settles: false }));
        assert!(find("pm_card_unknown").is_none());
    }
}
