//! News of money coming in, or not: for the saga that waits for it, or for nobody.

use super::{
    Acted,
    about::is_at_rest,
    act::News,
    gateway,
    truth::{self, Truth},
};
use crate::{Ending, ServiceError, clock};
use orchestrator::{Client, Reached};
use std::time::Duration;
use steps::{
    Pay, PaymentId, ReservationId, Secured,
    gateway::{Intent, IntentId, IntentStatus},
    status::PaymentStatus,
    store::inbox,
};
use workflows::{Booking, LateMoney, LatePayment, PaymentNews};

/// Acts on news that money is held or taken, or that there will be none.
pub(super) async fn act(news: &News<'_>) -> Result<Acted, ServiceError> {
    let Some(id) = &news.fact.intent else { return Ok(Acted::Contradicts) };
    if let Some(owner) = news.about.owner(id)
        && matches!(owner.status, PaymentStatus::Success | PaymentStatus::Refunded)
    {
        // Known already: by the call's own answer, or by other news.
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

/// A payment that its saga is at. What the saga hears of by itself, or only after this, has to wait.
async fn act_on_awaited(news: &News<'_>, intent: &Intent) -> Result<Acted, ServiceError> {
    let ordered = &news.about.named;
    let handle = news.service.client.handle::<Booking>(news.about.reservation.saga);
    let reached = handle.reached_by::<Pay>(Duration::ZERO, |pay| pay.payment == ordered.payment).await?;
    match reached {
        Reached::Done(charge) if charge.intent == intent.id => match truth::of(intent, ordered) {
            Truth::News(told) => signal_saga(news, &told).await,
            Truth::Nothing => news.done().await,
            Truth::Lie(what) => {
                tracing::error!(payment = %ordered.payment, intent = %intent.id, what, "the gateway contradicts the order");
                let told = PaymentNews::Doubtful { what: what.to_owned(), payment: Some(ordered.payment) };
                signal_saga(news, &told).await
            }
        },
        // Another intent under the same payment: perhaps another tab. Its money is looked after once the saga is over.
        Reached::Done(_) if intent.status == IntentStatus::Canceled => news.done().await,
        Reached::Done(_)
        | Reached::Rejected(_)
        | Reached::TurnedBack(_)
        | Reached::Stuck(_)
        | Reached::Passed
        | Reached::NotYet => Ok(Acted::Later),
    }
}

/// A payment that is over. An old event about an intent without money is nothing; money is not.
pub(super) async fn act_on_unawaited(news: &News<'_>, intent: &Intent) -> Result<Acted, ServiceError> {
    let Some(secured) = Secured::of(intent) else { return news.done().await };
    // A living saga, or its way back, sees the money itself; one that is stuck needs a person first.
    if !is_at_rest(news.service, news.about.reservation.saga).await? {
        return Ok(Acted::Later);
    }
    // A way back may have found more than one intent under the payment, and refunded all.
    if secured.captured && intent.amount_refunded.is_some_and(|gone| gone >= secured.money.amount) {
        return news.done().await;
    }
    start_late_payment(news, &intent.id).await
}

/// Money that nobody waits for: it is booked or goes back, by a saga of its own.
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
        tracing::warn!(payment = %named.payment, reservation = %late_for, %intent, saga = %started.id(), "money came in late");
    }
    news.done().await
}

/// The saga first, then the inbox; in one transaction where both share a bucket, as they nearly always do.
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
