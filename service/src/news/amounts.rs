//! Amounts that differ from what was ordered: nothing is written into the ledger, and a person gets a case.

use super::{Acted, item::News};
use crate::{
    ServiceError,
    cases::{self, Class, Seen},
    clock,
};
use steps::{
    gateway::{IntentId, Money},
    status::MoneyState,
    store::payments::PaymentRow,
};

/// Opens a case, or sees it again. The news stays in the inbox. Reconciliation resolves the case once the amounts agree.
pub(super) async fn contradict(
    news: &News<'_>,
    owner: &PaymentRow,
    intent: &IntentId,
    taken: Money,
) -> Result<Acted, ServiceError> {
    let ours = match owner.money {
        MoneyState::Held | MoneyState::Owed | MoneyState::Captured | MoneyState::Refunded => {
            owner.amount.amount
        }
        MoneyState::Unsecured | MoneyState::Voided => 0,
    };
    let what = format!("the gateway has captured {taken} of {}, of payment {}", owner.amount, owner.payment);
    if news.is_first {
        tracing::error!(payment = %owner.payment, %intent, what, "the amount differs from what was ordered");
    }
    let seen = Seen {
        reference: intent.to_string(),
        class: Class::AmountDiffers,
        payment: Some(owner.payment),
        reservation: Some(owner.reservation),
        currency: owner.amount.currency,
        ours,
        theirs: taken.amount,
        what,
    };
    let mut connection = news.service.connection().await?;
    let now = clock::now(&mut connection).await?;
    cases::see(&mut connection, news.service.gateway.provider(), &[seen], now).await?;
    Ok(Acted::Contradicts)
}
