//! `booking.payments`: attempts to get reservations paid, and with each change the ledger's rows for it.

mod apply;
mod disputes;
mod draft;
mod elsewhere;
mod late;
mod news;
mod order;
mod refunds;
mod standing;

pub use apply::{Applied, apply_all};
pub use elsewhere::{
    ChargeRecord, Dispute, RecordedRefunds, RefundTotal, ReturnedRefund, owed_since, record_dispute,
    record_refunds, refund_total, refunded_by, take_in_refunds,
};
pub(crate) use elsewhere::{DisputeStanding, find_dispute};
pub use late::{Late, accept_late, list_late};
pub use news::{Contradiction, News};
pub use order::{Order, OrderOutcome, OrderRefusal, initiate_all, order};

use crate::money::{Currency, Money};
use crate::status::{MoneyState, PaymentStatus};
use crate::store::StoreError;
use crate::{PaymentId, ReservationId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A payment as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its id.
    pub payment: PaymentId,
    /// The reservation that it pays for.
    pub reservation: ReservationId,
    /// Its status.
    pub status: PaymentStatus,
    /// The state of its money.
    pub money: MoneyState,
    /// The amount that was ordered.
    pub amount: Money,
    /// The gateway that it was ordered at.
    pub gateway: String,
    /// The gateway's name for it, once it has answered.
    pub gateway_reference: Option<String>,
    /// The gateway's reason, if it failed.
    pub failure: Option<String>,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When the gateway's first definite answer was recorded.
    pub settled_at: Option<DateTime<Utc>>,
    /// What went back so far, in minor units: acknowledged refunds less those that failed later.
    pub refunded_minor: i64,
    /// Whether the customer's bank disputes the charge, which freezes refunds.
    pub disputed: bool,
    /// The reservation that this money was meant for, if it came too late or twice.
    pub late_for: Option<ReservationId>,
}

/// The payment with this id.
///
/// # Errors
/// The database failed.
pub async fn find(
    connection: &mut PgConnection,
    payment: PaymentId,
) -> Result<Option<PaymentRow>, StoreError> {
    let row = sqlx::query!(
        r#"
        select
            reservation_id, status as "status: PaymentStatus", money as "money: MoneyState", amount_minor,
            currency as "currency: Currency", gateway, gateway_reference, failure, created_at, settled_at,
            refunded_minor, disputed, late_for
        from booking.payments
        where id = $1 and bucket = $2
        "#,
        payment.uuid(),
        payment.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| PaymentRow {
        payment,
        reservation: ReservationId::from_uuid(row.reservation_id),
        status: row.status,
        money: row.money,
        amount: Money::new(row.amount_minor, row.currency),
        gateway: row.gateway,
        gateway_reference: row.gateway_reference,
        failure: row.failure,
        created_at: row.created_at,
        settled_at: row.settled_at,
        refunded_minor: row.refunded_minor,
        disputed: row.disputed,
        late_for: row.late_for.map(ReservationId::from_uuid),
    }))
}

/// Payments without a definite answer that were ordered from `from` until before `before`, oldest first, at most
/// `limit`: what the cron job asks the gateway about.
///
/// # Errors
/// The database failed.
pub async fn list_without_news(
    connection: &mut PgConnection,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<PaymentId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from booking.payments
        where created_at >= $1 and created_at < $2 and status = 'INITIATED'
        order by created_at
        limit $3
        "#,
        from,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PaymentId::from_uuid).collect())
}
