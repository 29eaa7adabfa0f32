//! Our payments for the comparison: row, ledger and booking in one statement for each batch, read after their sagas.

use super::{super::Ours, work};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use steps::{BookingId, PaymentId, ReservationId, gateway::IntentId};

/// The payments with these ids that exist.
pub async fn load(
    connection: &mut PgConnection,
    payments: &[PaymentId],
) -> Result<HashMap<PaymentId, Ours>, sqlx::Error> {
    let ids: Vec<_> = payments.iter().map(|payment| payment.uuid()).collect();
    let buckets: Vec<_> = payments.iter().map(|payment| payment.bucket().number()).collect();
    // Sagas are read before the books: a saga that ends meanwhile still counts as under way, and one that begins has just
    // changed them.
    let works = work::load(connection, &ids, &buckets).await?;
    let rows = sqlx::query_file!("src/reconcile/store/load_payments.sql", &ids, &buckets)
        .fetch_all(connection)
        .await?;
    let ours = rows.into_iter().map(|row| (works.get(&row.id).copied().unwrap_or_default(), row));
    let ours = ours.map(|(work, row)| Ours {
        payment: PaymentId::from_uuid(row.id),
        reservation: ReservationId::from_uuid(row.reservation_id),
        reference: row.gateway_reference.map(IntentId::new),
        currency: row.currency,
        held: row.held,
        captured: row.captured,
        refunded: row.refunded,
        lost: row.lost,
        disputed: row.disputed,
        owed: row.owed,
        voided: row.voided,
        booking: row.booking_id.map(BookingId::from_uuid),
        changed_at: row.changed_at,
        in_motion: work.in_motion,
        stuck: work.stuck,
    });
    Ok(ours.map(|ours| (ours.payment, ours)).collect())
}

/// The payments of this gateway whose money moved in our books from `from` until before `to`; `None` if there are more
/// than `most`.
pub async fn moved_in(
    connection: &mut PgConnection,
    gateway: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    most: usize,
) -> Result<Option<HashSet<PaymentId>>, sqlx::Error> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
    let ids = sqlx::query_scalar!(
        r#"
        select distinct l.payment_id
        from booking.ledger l
        join booking.payments p on p.id = l.payment_id and p.bucket = l.bucket and p.gateway = $1
        where l.at >= $2 and l.at < $3
        limit $4
        "#,
        gateway,
        from,
        to,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok((ids.len() <= most).then(|| ids.into_iter().map(PaymentId::from_uuid).collect()))
}

/// The intents among these whose money came in late, each with the payment that it names. A payment of its own was recorded
/// for that payment's reservation.
pub async fn find_late(
    connection: &mut PgConnection,
    intents: &[(IntentId, PaymentId)],
) -> Result<HashMap<IntentId, PaymentId>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select late.id, w.reference as "reference!"
        from unnest($1::uuid[], $2::smallint[], $3::text[]) as w (id, bucket, reference)
        join booking.payments p on p.id = w.id and p.bucket = w.bucket
        join booking.payments late
            on late.late_for = p.reservation_id and late.bucket = p.bucket and late.gateway_reference = w.reference
        "#,
        &intents.iter().map(|(_, payment)| payment.uuid()).collect::<Vec<_>>(),
        &intents.iter().map(|(_, payment)| payment.bucket().number()).collect::<Vec<_>>(),
        &intents.iter().map(|(intent, _)| intent.to_string()).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (IntentId::new(row.reference), PaymentId::from_uuid(row.id))).collect())
}
