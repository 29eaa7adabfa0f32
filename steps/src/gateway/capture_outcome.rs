//! What became of money that was to be captured, by the gateway's own record. Pure.
//!
//! A capture of a part releases the rest. Stripe lists that release among the refunds and doesn't mark it; other
//! gateways don't list it. Released money was never captured, so it must not count as given back.

use super::{Intent, IntentStatus, Money, Refund};

/// How a capture ended, or that it hasn't ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureOutcome {
    /// What was ordered is captured, whatever has gone back of it since.
    Whole,
    /// It is not captured yet, and still may be.
    Open,
    /// It was not captured as ordered and never can be, and we have none of it.
    Never(NeverCaptured),
    /// Another amount was captured, by hand for example, and not all of it has gone back.
    Differs(Money),
}

/// Why money was never captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeverCaptured {
    /// The authorisation lapsed, or was cancelled at the gateway.
    Lapsed,
    /// A part of it was captured by hand, which released the rest, and all of that part has gone back.
    PartGivenBack,
}

impl CaptureOutcome {
    /// Decides by status and amounts, and never by an event. `refunds` are all refunds of the intent.
    pub fn of(intent: &Intent, ordered: Money, refunds: &[Refund]) -> Self {
        let taken = intent.amount_received.map(|amount| Money { amount, ..intent.money });
        match (intent.status, taken) {
            (IntentStatus::Canceled, None | Some(Money { amount: 0, .. })) => {
                Self::Never(NeverCaptured::Lapsed)
            }
            (IntentStatus::Succeeded, Some(taken)) if taken == ordered => Self::Whole,
            (IntentStatus::Succeeded, Some(taken)) if taken.amount > 0 => {
                match given_back_minor(intent, refunds) {
                    gone if gone >= taken.amount => Self::Never(NeverCaptured::PartGivenBack),
                    _ => Self::Differs(taken),
                }
            }
            // A cancelled intent with money decides nothing, nor does a capture of nothing or of an unknown amount.
            // The intent is read again later.
            (
                IntentStatus::Canceled
                | IntentStatus::Succeeded
                | IntentStatus::RequiresPaymentMethod
                | IntentStatus::RequiresConfirmation
                | IntentStatus::RequiresAction
                | IntentStatus::Processing
                | IntentStatus::RequiresCapture,
                _,
            ) => Self::Open,
        }
    }
}

impl NeverCaptured {
    /// The reason in one word, as payments and refusals show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lapsed => "authorisation-lapsed",
            Self::PartGivenBack => "captured-in-part",
        }
    }
}

/// Minor units of captured money that have gone back, by all refunds of the intent.
pub fn given_back_minor(intent: &Intent, refunds: &[Refund]) -> i64 {
    let good = refunds.iter().filter(|refund| !refund.status.is_owed_again());
    let release =
        position_of_release(refunds, intent.released_minor()).map_or(0, |_| intent.released_minor());
    good.map(|refund| refund.money.amount).sum::<i64>() - release
}

/// The refunds of captured money: all refunds except the release of what a part capture left.
pub(crate) fn without_release(mut refunds: Vec<Refund>, released_minor: i64) -> Vec<Refund> {
    if let Some(release) = position_of_release(&refunds, released_minor) {
        refunds.remove(release);
    }
    refunds
}

/// The position of the oldest refund that may be the release. A true refund of just that amount, made by hand, may be
/// taken for it. Then a person must look, and nobody's money is given up by mistake.
fn position_of_release(refunds: &[Refund], released_minor: i64) -> Option<usize> {
    let is_release = |refund: &Refund| {
        refund.money.amount == released_minor
            && refund.trace.payment_id.is_none()
            && !refund.status.is_owed_again()
    };
    refunds.iter().rposition(is_release)
}

#[cfg(test)]
mod tests {
    use super::super::{CaptureMethod, Currency, IntentId, RefundId, RefundStatus, Trace};
    use super::*;
    use chrono::DateTime;

    const ORDERED: Money = Money { amount: 100, currency: Currency::EUR };

    fn intent(status: IntentStatus, amount_received: i64) -> Intent {
        Intent {
            id: IntentId::new("pi_1"),
            status,
            money: ORDERED,
            amount_capturable: Some(0),
            amount_received: Some(amount_received),
            amount_refunded: None,
            capture: CaptureMethod::Manual,
            trace: Trace::default(),
            next_action: None,
            last_error: None,
            latest_charge: None,
            created: DateTime::UNIX_EPOCH,
            live: false,
        }
    }

    fn refund(amount: i64, status: RefundStatus) -> Refund {
        Refund {
            id: RefundId::new("re_1"),
            intent: None,
            money: Money { amount, ..ORDERED },
            status,
            trace: Trace::default(),
            created: DateTime::UNIX_EPOCH,
        }
    }

    #[track_caller]
    fn check(status: IntentStatus, received: i64, refunds: &[Refund], expected: CaptureOutcome) {
        assert_eq!(CaptureOutcome::of(&intent(status, received), ORDERED, refunds), expected);
    }

    #[test]
    fn a_capture_ends_whole_never_or_with_another_amount() {
        use CaptureOutcome::{Differs, Never, Open, Whole};
        use IntentStatus::{Canceled, RequiresCapture, Succeeded};
        let part = |amount| Differs(Money { amount, ..ORDERED });
        let good = |amount| refund(amount, RefundStatus::Succeeded);
        let failed = |amount| refund(amount, RefundStatus::Failed);
        check(RequiresCapture, 0, &[], Open);
        check(Succeeded, 100, &[], Whole);
        check(Succeeded, 100, &[good(100)], Whole);
        check(Canceled, 0, &[], Never(NeverCaptured::Lapsed));
        check(Canceled, 40, &[], Open);
        check(Succeeded, 0, &[], Open);
        check(Succeeded, 40, &[], part(40));
        check(Succeeded, 40, &[good(30)], part(40));
        check(Succeeded, 40, &[failed(40)], part(40));
        check(Succeeded, 40, &[good(10), good(30)], Never(NeverCaptured::PartGivenBack));
    }

    #[test]
    fn what_a_part_capture_released_is_not_given_back() {
        let part = CaptureOutcome::Differs(Money { amount: 40, ..ORDERED });
        let good = |amount| refund(amount, RefundStatus::Succeeded);
        check(IntentStatus::Succeeded, 40, &[good(60)], part);
        check(IntentStatus::Succeeded, 40, &[good(60), good(30)], part);
        let never = CaptureOutcome::Never(NeverCaptured::PartGivenBack);
        check(IntentStatus::Succeeded, 40, &[good(60), good(40)], never);
    }
}
