//! `booking.gateway_references`: which payment a gateway means when it doesn't say our id.
//!
//! A row lives in the bucket of gateway and reference, so a saga's transaction doesn't write it; whoever
//! learns a reference together with our id does, in a statement of its own.

use crate::PaymentId;
use crate::store::StoreError;
use orchestrator::Bucket;
use sqlx::PgConnection;

/// Remembers that `gateway` calls `payment` by `reference`. The first to say so stays.
///
/// # Errors
/// The database's.
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
/// The database's.
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

fn bucket(gateway: &str, reference: &str) -> Bucket {
    Bucket::of_key(&format!("{gateway}/{reference}"))
}
