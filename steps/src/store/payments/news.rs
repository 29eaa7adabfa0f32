//! What a payment becomes by news from the gateway: one pure table, the same for answers, webhooks and probes.
//!
//! News comes late, twice and out of order, so every state has an answer to every piece of it: go on, nothing
//! new, or a contradiction that a person or another workflow must settle. A state never goes backwards.

use crate::money::Money;
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::Kind;
use serde::{Deserialize, Serialize};

/// What the gateway told us about one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// The money is set aside for us.
    Held {
        /// The gateway's name for the payment.
        reference: String,
        /// How much.
        money: Money,
    },
    /// The money is with us.
    Captured {
        /// The gateway's name for the payment.
        reference: String,
        /// How much.
        money: Money,
    },
    /// There will be no money: declined or expired.
    Failed {
        /// The gateway's reason.
        reason: String,
    },
    /// What was or might have been set aside was let go, and nothing can be charged any more.
    Voided,
    /// All of the money went back.
    Refunded {
        /// The gateway's name for the payment.
        reference: String,
        /// The gateway's name for the refund.
        refund: String,
        /// How much.
        money: Money,
    },
}

/// Why news could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "contradiction", rename_all = "snake_case")]
pub enum Contradiction {
    /// Of another amount or currency than was ordered.
    AmountDiffers {
        /// What was ordered.
        expected: Money,
        /// What the gateway says.
        told: Money,
    },
    /// Money came in for a payment that had ended.
    Late,
    /// The money of a confirmed booking is gone before it was captured.
    LapsedUnderBooking,
    /// A void of money that is already with us: it must be refunded.
    AlreadyCaptured,
}

/// What changes: the new state, and the ledger entries that the way there consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub status: PaymentStatus,
    pub money: MoneyState,
    pub entries: &'static [Kind],
}

/// The table: `Ok(None)` is nothing new.
pub(super) fn advance(
    money: MoneyState,
    status: PaymentStatus,
    expected: Money,
    news: &News,
) -> Result<Option<Change>, Contradiction> {
    use Kind::{Authorised, Captured, Refunded, Voided};
    use MoneyState as M;
    use PaymentStatus as P;

    if let Some(told) = news.money().filter(|told| *told != expected) {
        return Err(Contradiction::AmountDiffers { expected, told });
    }
    let change = |status, money, entries| Ok(Some(Change { status, money, entries }));
    match (status, money, news) {
        (P::Initiated, _, News::Held { .. }) => change(P::Success, M::Held, &[Authorised]),
        (P::Initiated, _, News::Captured { .. }) => change(P::Success, M::Captured, &[Authorised, Captured]),
        (P::Initiated, _, News::Failed { .. } | News::Voided) => change(P::Failed, M::Unsecured, &[]),
        (P::Initiated, _, News::Refunded { .. }) => {
            change(P::Refunded, M::Refunded, &[Authorised, Captured, Refunded])
        }

        (P::Success, M::Held | M::Owed, News::Captured { .. }) => {
            change(P::Success, M::Captured, &[Captured])
        }
        (P::Success, M::Held, News::Voided) => change(P::Failed, M::Voided, &[Voided]),
        (P::Success, M::Held, News::Refunded { .. }) => {
            change(P::Refunded, M::Refunded, &[Captured, Refunded])
        }
        (P::Success, M::Owed, News::Voided | News::Refunded { .. }) => Err(Contradiction::LapsedUnderBooking),
        (P::Success, _, News::Refunded { .. }) => change(P::Refunded, M::Refunded, &[Refunded]),
        (P::Success, _, News::Voided) => Err(Contradiction::AlreadyCaptured),
        (P::Success, _, News::Held { .. } | News::Captured { .. } | News::Failed { .. }) => Ok(None),

        // A held payment that was let go may still be announced as held by an older webhook.
        (P::Failed, M::Voided, News::Held { .. }) => Ok(None),
        (P::Failed, _, News::Held { .. } | News::Captured { .. } | News::Refunded { .. }) => {
            Err(Contradiction::Late)
        }
        (P::Failed, _, News::Failed { .. } | News::Voided) => Ok(None),
        (P::Refunded, ..) => Ok(None),
    }
}

impl News {
    /// The amount in it.
    pub fn money(&self) -> Option<Money> {
        match self {
            Self::Held { money, .. } | Self::Captured { money, .. } | Self::Refunded { money, .. } => {
                Some(*money)
            }
            Self::Failed { .. } | Self::Voided => None,
        }
    }

    /// The gateway's name for the payment, where the news gives it.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Held { reference, .. }
            | Self::Captured { reference, .. }
            | Self::Refunded { reference, .. } => Some(reference),
            Self::Failed { .. } | Self::Voided => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    const PRICE: Money = Money { amount: 100, currency: Currency::EUR };

    fn all_news() -> [News; 5] {
        let reference = || "pi_1".to_owned();
        [
            News::Held { reference: reference(), money: PRICE },
            News::Captured { reference: reference(), money: PRICE },
            News::Failed { reason: "card_declined".to_owned() },
            News::Voided,
            News::Refunded { reference: reference(), refund: "re_1".to_owned(), money: PRICE },
        ]
    }

    /// The states that the CHECK constraint allows.
    const STATES: [(PaymentStatus, MoneyState); 7] = [
        (PaymentStatus::Initiated, MoneyState::Unsecured),
        (PaymentStatus::Success, MoneyState::Held),
        (PaymentStatus::Success, MoneyState::Owed),
        (PaymentStatus::Success, MoneyState::Captured),
        (PaymentStatus::Failed, MoneyState::Unsecured),
        (PaymentStatus::Failed, MoneyState::Voided),
        (PaymentStatus::Refunded, MoneyState::Refunded),
    ];

    #[test]
    fn the_same_news_twice_changes_nothing_the_second_time() {
        for (status, money) in STATES {
            for news in all_news() {
                if let Ok(Some(change)) = advance(money, status, PRICE, &news) {
                    assert!(STATES.contains(&(change.status, change.money)), "{change:?} is no state");
                    assert_eq!(
                        advance(change.money, change.status, PRICE, &news),
                        Ok(None),
                        "{status} {news:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn whatever_the_order_of_news_the_ledger_balances() {
        // Every path of three pieces of news; `held` must be what is authorised and not yet captured or voided.
        for first in all_news() {
            for second in all_news() {
                for third in all_news() {
                    let (mut status, mut money) = STATES[0];
                    let (mut held, mut taken) = (0, 0);
                    for news in [&first, &second, &third] {
                        let Ok(Some(change)) = advance(money, status, PRICE, news) else { continue };
                        for kind in change.entries {
                            match kind {
                                Kind::Authorised => held += 1,
                                Kind::Captured => (held, taken) = (held - 1, taken + 1),
                                Kind::Voided => held -= 1,
                                Kind::Refunded => taken -= 1,
                            }
                        }
                        (status, money) = (change.status, change.money);
                    }
                    let expected = match money {
                        MoneyState::Unsecured | MoneyState::Voided | MoneyState::Refunded => (0, 0),
                        MoneyState::Held | MoneyState::Owed => (1, 0),
                        MoneyState::Captured => (0, 1),
                    };
                    assert_eq!((held, taken), expected, "{first:?}, {second:?}, {third:?}");
                }
            }
        }
    }

    #[test]
    fn money_of_another_amount_is_never_taken_for_ours() {
        let told = Money::new(99, Currency::EUR);
        let news = News::Held { reference: "pi_1".to_owned(), money: told };
        for (status, money) in STATES {
            let answer = advance(money, status, PRICE, &news);
            assert_eq!(answer, Err(Contradiction::AmountDiffers { expected: PRICE, told }));
        }
    }

    #[test]
    fn late_money_is_a_contradiction_and_not_a_success() {
        let [held, captured, ..] = all_news();
        for news in [held, captured] {
            let answer = advance(MoneyState::Unsecured, PaymentStatus::Failed, PRICE, &news);
            assert_eq!(answer, Err(Contradiction::Late));
        }
    }
}
