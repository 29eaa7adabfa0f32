//! `booking.gateway_references`: the payment that a gateway means if it doesn't send our id.
//!
//! A row lives in the bucket of gateway and reference, so a saga's transaction doesn't write it; whoever
//! learns a reference together with our id does, in a statement of its own.

use crate::PaymentId;
use crate::store::StoreError;
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Remembers that `gateway` calls `payment` by `reference`. The first to say so stays.
///
/// # Errors
/// The database failed.
pub async fn remember(
    connection: &mut PgConnection,
    gateway: &str,
    reference: &str,
    payment: PaymentId,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into booking.gateway_references (gateway, reference, bucket, payment_id)
        values ($1, $2, $3, $4)
        on conflict do nothing
        "#,
        gateway,
        reference,
        bucket(gateway, reference).number(),
        payment.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The payment that `gateway` calls by `reference`.
///
/// # Errors
/// The database failed.
pub async fn find(
    connection: &mut PgConnection,
    gateway: &str,
    reference: &str,
) -> Result<Option<PaymentId>, StoreError> {
    let payment = sqlx::query_scalar!(
        "select payment_id from booking.gateway_references where gateway = $1 and reference = $2 and bucket = $3",
        gateway,
        reference,
        bucket(gateway, reference).number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(payment.map(PaymentId::from_uuid))
}

/// The payments that `gateway` calls by these references, as far as they are known.
///
/// # Errors
/// The database failed.
pub async fn find_all(
    connection: &mut PgConnection,
    gateway: &str,
    references: &[String],
) -> Result<HashMap<String, PaymentId>, StoreError> {
    let buckets: Vec<i16> = references.iter().map(|reference| bucket(gateway, reference).number()).collect();
    let rows = sqlx::query!(
        r#"
        select known.reference, known.payment_id
        from unnest($2::text[], $3::smallint[]) as wanted (reference, bucket)
        join booking.gateway_references known
            on known.gateway = $1 and known.reference = wanted.reference and known.bucket = wanted.bucket
        "#,
        gateway,
        references,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reference, PaymentId::from_uuid(row.payment_id))).collect())
}

/// The bucket of everything that is known only by the gateway's name for it.
pub fn bucket(gateway: &str, reference: &str) -> Bucket {
    Bucket::of_key(&format!("{gateway}/{reference}"))
}
