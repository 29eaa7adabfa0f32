//! What was done elsewhere: refunds made in the gateway's own dashboard, and disputes.

use super::apply::{Applied, apply_all, lock};
use super::news::News;
use crate::PaymentId;
use crate::gateway::fact::DisputeStage;
use crate::gateway::{Intent, IntentId, Money, Refund, RefundId};
use crate::store::StoreError;
use crate::store::ledger::{self, Account, Entry, Kind, balance};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What the gateway has of a payment. It was read before anything is written of money that went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRecord {
    /// The gateway's name for the payment.
    pub intent: IntentId,
    /// The amount that was captured.
    pub captured: Money,
}

impl ChargeRecord {
    /// The record of an intent, as it was read; `None` if the gateway doesn't say how much was captured.
    pub fn of(intent: &Intent) -> Option<Self> {
        let captured = Money { amount: intent.amount_received?, ..intent.money };
        Some(Self { intent: intent.id.clone(), captured })
    }
}

/// What recording a payment's refunds found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRefunds {
    /// What became of each, in order. One that contradicts what we know was not written down.
    pub applied: Vec<Applied>,
    /// Refunds that were written down as acknowledged and have failed since: each needs its `repayment`.
    pub failed: Vec<ReturnedRefund>,
    /// Refunds that nobody had written down before and that none of our sagas asked for: the outside is to be told.
    pub elsewhere: Vec<(RefundId, Money)>,
    /// A refund is decided and not acknowledged yet: a saga is at it, and a failed refund may be its own.
    pub owed: bool,
}

/// A refund that came to nothing after it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedRefund {
    /// The gateway's id of it.
    pub id: RefundId,
    /// Whether a person made it at the gateway, and none of our sagas asked for it.
    pub elsewhere: bool,
}

/// Records all refunds of a payment's intent as the gateway lists them; those that are known change nothing.
/// Failed ones are only reported: owing their money again is the `repayment` workflow's to decide.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn record_refunds(
    connection: &mut PgConnection,
    payment: PaymentId,
    charge: &ChargeRecord,
    refunds: &[Refund],
    now: DateTime<Utc>,
) -> Result<RecordedRefunds, StoreError> {
    record(connection, (payment, charge), refunds, false, now).await
}

/// The same where a person takes in what is more than was left of the payment.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn take_in_refunds(
    connection: &mut PgConnection,
    payment: PaymentId,
    charge: &ChargeRecord,
    refunds: &[Refund],
    now: DateTime<Utc>,
) -> Result<RecordedRefunds, StoreError> {
    record(connection, (payment, charge), refunds, true, now).await
}

async fn record(
    connection: &mut PgConnection,
    (payment, charge): (PaymentId, &ChargeRecord),
    refunds: &[Refund],
    takes_excess: bool,
    now: DateTime<Utc>,
) -> Result<RecordedRefunds, StoreError> {
    let (failed, good): (Vec<&Refund>, Vec<&Refund>) =
        refunds.iter().partition(|refund| refund.status.is_owed_again());
    let news = |refund: &&Refund| {
        let (reference, captured) = (charge.intent.to_string(), Some(charge.captured));
        let (refund, money) = (refund.id.to_string(), refund.money);
        (payment, News::Refunded { reference, refund, money, captured, takes_excess })
    };
    let news: Vec<_> = good.iter().map(news).collect();
    let applied = apply_all(connection, &news, now).await?;
    let elsewhere = good
        .iter()
        .zip(&applied)
        .filter(|(refund, applied)| {
            refund.trace.saga_id.is_none() && matches!(applied, Applied::Changed { .. })
        })
        .map(|(refund, _)| (refund.id.clone(), refund.money))
        .collect();
    let ledger = ledger::list_of_payment(connection, payment).await?;
    let has = |kind, refund: &RefundId| {
        ledger.iter().any(|entry| entry.kind == kind && entry.reference == refund.as_str())
    };
    let failed = failed
        .into_iter()
        .filter(|refund| has(Kind::Refunded, &refund.id) || has(Kind::RefundExcess, &refund.id))
        .filter(|refund| !has(Kind::RefundFailed, &refund.id) && !has(Kind::RefundExcessFailed, &refund.id))
        .map(|refund| ReturnedRefund { id: refund.id.clone(), elsewhere: refund.trace.saga_id.is_none() })
        .collect();
    Ok(RecordedRefunds { applied, failed, elsewhere, owed: balance(&ledger, Account::Owed) > 0 })
}

/// What a gateway tells of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The gateway's id of it.
    pub id: String,
    /// The charge that is disputed.
    pub charge: ChargeRecord,
    /// Where it stands.
    pub stage: DisputeStage,
    /// The gateway's status of it.
    pub status: String,
    /// What is disputed.
    pub money: Money,
    /// When it came to stand so, by the gateway's clock.
    pub at: DateTime<Utc>,
}

/// Writes a dispute down: refunds are frozen while it runs. An inquiry (`warning_…`) withdraws no money and freezes
/// nothing; a closed one that is neither won nor lost leaves the money with us.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn record_dispute(
    connection: &mut PgConnection,
    payment: PaymentId,
    dispute: &Dispute,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let (reference, captured) = (dispute.charge.intent.to_string(), dispute.charge.captured);
    let Dispute { id, money, at, .. } = dispute.clone();
    let ended = matches!(dispute.status.as_str(), "won" | "lost") || dispute.stage == DisputeStage::Closed;
    let news = match dispute.status.as_str() {
        inquiry if inquiry.starts_with("warning_") => None,
        status if ended => {
            let won = status != "lost";
            Some(News::DisputeEnded { reference, dispute: id, money, captured, at, won })
        }
        _ => Some(News::Disputed { reference, dispute: id, money, captured, at }),
    };
    let news: Vec<_> = news.into_iter().map(|news| (payment, news)).collect();
    let applied = apply_all(connection, &news, now).await?;
    match applied.into_iter().next() {
        Some(applied) => Ok(applied),
        None => Ok(super::find(connection, payment)
            .await?
            .map_or(Applied::Unknown, |row| Applied::Nothing { status: row.status })),
    }
}

/// How disputes stand with a payment's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DisputeStanding {
    /// Whether one runs, so that nothing may be given back.
    pub is_open: bool,
    /// What is decided to go back and has not gone, in minor units.
    pub owed_minor: i64,
    /// What the customer has got by disputes instead of refunds, in minor units.
    pub lost_minor: i64,
}

/// How disputes stand with a payment's money; `None` if there never was one.
pub(crate) async fn find_dispute(
    connection: &mut PgConnection,
    payment: PaymentId,
) -> Result<Option<DisputeStanding>, StoreError> {
    let ledger = ledger::list_of_payment(connection, payment).await?;
    let sum = |kinds: &[Kind]| {
        let of = ledger.iter().filter(|entry| kinds.contains(&entry.kind));
        of.map(|entry| entry.money.amount).sum::<i64>()
    };
    let began = sum(&[Kind::Disputed, Kind::DisputeWithheld]);
    Ok((began > 0).then(|| DisputeStanding {
        is_open: balance(&ledger, Account::Disputed) + balance(&ledger, Account::Withheld) > 0,
        owed_minor: balance(&ledger, Account::Owed),
        lost_minor: sum(&[Kind::DisputeLost, Kind::SetOff]),
    }))
}

/// What of a payment is to have gone back in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundTotal {
    /// All of it: what has gone back, and what is owed.
    pub total: Money,
    /// The refunds that make up what has gone back, by our books.
    pub counted: Vec<RefundId>,
}

/// All of a payment's money that is to have gone back in the end.
///
/// # Errors
/// The database failed.
pub async fn refund_total(
    connection: &mut PgConnection,
    payment: PaymentId,
    amount: Money,
) -> Result<RefundTotal, StoreError> {
    let ledger = ledger::list_of_payment(connection, payment).await?;
    let has_failed = |refund: &Entry| {
        ledger.iter().any(|entry| entry.kind == Kind::RefundFailed && entry.reference == refund.reference)
    };
    let gone: Vec<&Entry> =
        ledger.iter().filter(|entry| entry.kind == Kind::Refunded && !has_failed(entry)).collect();
    let sum = gone.iter().map(|entry| entry.money.amount).sum::<i64>();
    Ok(RefundTotal {
        total: Money { amount: sum + balance(&ledger, Account::Owed), ..amount },
        counted: gone.into_iter().map(|entry| RefundId::new(&entry.reference)).collect(),
    })
}

/// The amount that a refund was written down with, in minor units; zero if it was not.
///
/// # Errors
/// The database failed.
pub async fn refunded_by(
    connection: &mut PgConnection,
    payment: PaymentId,
    refund: &RefundId,
) -> Result<i64, StoreError> {
    let ledger = ledger::list_of_payment(connection, payment).await?;
    let of = |entry: &&Entry| entry.kind == Kind::Refunded && entry.reference == refund.as_str();
    Ok(ledger.iter().filter(of).map(|entry| entry.money.amount).sum())
}

/// Since when money of this payment is owed, which means that a saga is giving it back; `None` if nothing is. Locks
/// the payment: until the transaction ends nobody else decides that more is owed.
///
/// # Errors
/// The database failed.
pub async fn owed_since(
    connection: &mut PgConnection,
    payment: PaymentId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    lock(connection, &[payment]).await?;
    let ledger = ledger::list_of_payment(connection, payment).await?;
    if balance(&ledger, Account::Owed) <= 0 {
        return Ok(None);
    }
    Ok(ledger.iter().filter(|entry| entry.to == Account::Owed).map(|entry| entry.at).max())
}
