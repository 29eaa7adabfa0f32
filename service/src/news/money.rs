//! News of money that comes in, or fails to come in, whether a saga waits for it or none does.

use super::{
    Acted,
    about::is_at_rest,
    gateway,
    item::News,
    owed,
    truth::{self, Truth},
};
use crate::{Ending, ServiceError, clock};
use orchestrator::{Client, Reached};
use std::time::Duration;
use steps::{
    Pay, PaymentId, ReservationId, Secured,
    gateway::{Intent, IntentId, IntentStatus, given_back_minor},
    status::{MoneyState, PaymentStatus},
    store::inbox,
};
use workflows::{Booking, LateMoney, LatePayment, PaymentNews};

/// Acts on news that money is held or taken, or that none will come.
pub(super) async fn act(news: &News<'_>) -> Result<Acted, ServiceError> {
    let Some(id) = &news.fact.intent else { return Ok(Acted::Contradicts) };
    if let Some(owner) = news.about.owner(id)
        && matches!(owner.status, PaymentStatus::Success | PaymentStatus::Refunded)
    {
        if owner.money == MoneyState::Owed {
            return owed::act(news, owner, id).await;
        }
        // We know it already, from the call's own answer or from other news.
        return news.done_for(owner.payment).await;
    }
    let Some(intent) = gateway::read(news.service, id).await else { return Ok(Acted::Later) };
    match news.about.named.status {
        PaymentStatus::Initiated => act_on_awaited(news, &intent).await,
        PaymentStatus::Failed | PaymentStatus::Success | PaymentStatus::Refunded => {
            act_on_unawaited(news, &intent).await
        }
    }
}

/// Acts on a payment that its saga works on. News that the saga learns by itself, or only later, has to wait.
async fn act_on_awaited(news: &News<'_>, intent: &Intent) -> Result<Acted, ServiceError> {
    let ordered = &news.about.named;
    let handle = news.service.client.handle::<Booking>(news.about.reservation.saga);
    let reached = handle.reached_by::<Pay>(Duration::ZERO, |pay| pay.payment == ordered.payment).await?;
    match reached {
        Reached::Done(charge) if charge.intent == intent.id => match truth::of(intent, ordered) {
            Truth::News(told) => signal_saga(news, &told).await,
            Truth::Nothing => news.done().await,
            Truth::Unknown => Ok(Acted::Later),
            Truth::Lie(what) => {
                tracing::error!(payment = %ordered.payment, intent = %intent.id, what, "the gateway contradicts the order");
                let told = PaymentNews::Doubtful { what: what.to_owned(), payment: Some(ordered.payment) };
                signal_saga(news, &told).await
            }
        },
        // It is another intent for the same payment, perhaps from another tab. Its money is handled once the saga is over.
        Reached::Done(_) if intent.status == IntentStatus::Canceled => news.done().await,
        Reached::Done(_)
        | Reached::Rejected(_)
        | Reached::TurnedBack(_)
        | Reached::Stuck(_)
        | Reached::Passed
        | Reached::NotYet => Ok(Acted::Later),
    }
}

/// Acts on a payment that is over. An old event about an intent without money needs nothing; an intent with money does.
pub(super) async fn act_on_unawaited(news: &News<'_>, intent: &Intent) -> Result<Acted, ServiceError> {
    if intent.is_amount_unknown() {
        return Ok(Acted::Later);
    }
    let Some(secured) = Secured::of(intent) else { return news.done().await };
    // A saga that runs or unwinds sees the money itself; a stuck saga needs a person first.
    if !is_at_rest(news.service, news.about.reservation.saga).await? {
        return Ok(Acted::Later);
    }
    // Unwinding may have found several intents for the payment and refunded all of them.
    if secured.captured {
        let gone = match intent.amount_refunded {
            Some(gone) if intent.released_minor() == 0 => gone,
            Some(_) | None => match gateway::refunds(news.service, &intent.id).await {
                Some(refunds) => given_back_minor(intent, &refunds),
                None => return Ok(Acted::Later),
            },
        };
        if gone >= secured.money.amount {
            return news.done().await;
        }
    }
    start_late_payment(news, &intent.id).await
}

/// Handles money that no saga waits for: a saga of its own books seats with it or gives it back.
async fn start_late_payment(news: &News<'_>, intent: &IntentId) -> Result<Acted, ServiceError> {
    let (named, late_for) = (&news.about.named, news.about.reservation.reservation);
    let money = LateMoney {
        gateway: named.gateway.clone(),
        intent: intent.clone(),
        named: named.payment,
        money: named.amount,
        payment: PaymentId::new_in(late_for.bucket()),
        reservation: ReservationId::new_in(late_for.bucket()),
        late_for,
    };
    let key = money.start_key();
    let started = news.service.client.start::<LatePayment>(money).key(key).await?;
    if !started.existing() {
        tracing::warn!(payment = %named.payment, reservation = %late_for, %intent, saga = %started.id(), "money came in too late");
    }
    news.done().await
}

/// Writes to the saga first, then to the inbox: in one transaction if both share a bucket, which they nearly always do.
async fn signal_saga(news: &News<'_>, told: &PaymentNews) -> Result<Acted, ServiceError> {
    let (service, saga) = (news.service, news.about.reservation.saga);
    let sender = format!("{}:{}", news.fact.provider, news.fact.event_id);
    if news.key.bucket != saga.bucket() {
        service.client.signal(saga, &sender, told).await?;
        return news.done().await;
    }
    let (key, payment, told) = (news.key.clone(), news.about.named.payment, told.clone());
    service
        .in_transaction(move |tx| {
            Box::pin(async move {
                Client::signal_in(tx, saga, &sender, &told).await?;
                let now = clock::now(tx).await?;
                inbox::mark_applied(tx, &key, payment, now).await?;
                Ok::<_, ServiceError>(Ending::Commit(()))
            })
        })
        .await?;
    service.client.nudge(saga).await;
    Ok(Acted::Done)
}
