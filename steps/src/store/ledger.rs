//! `booking.ledger`: where the money went, one row a movement. Written with the payment, never changed.

use crate::PaymentId;
use crate::money::{Currency, Money};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

crate::status::status! {
    /// A movement of money between the customer's bank, what is set aside there, and us.
    Kind {
        /// From the customer to what is set aside.
        Authorised = "authorised",
        /// From what is set aside to us.
        Captured = "captured",
        /// From what is set aside back to the customer.
        Voided = "voided",
        /// From us back to the customer.
        Refunded = "refunded",
    }
}

impl Kind {
    /// The accounts it moves money from and to.
    pub fn accounts(self) -> (&'static str, &'static str) {
        match self {
            Self::Authorised => ("customer", "held"),
            Self::Captured => ("held", "taken"),
            Self::Voided => ("held", "customer"),
            Self::Refunded => ("taken", "customer"),
        }
    }
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What moved.
    pub kind: Kind,
    /// The gateway's name for it.
    pub reference: String,
    /// How much.
    pub money: Money,
    /// When it was written down.
    pub at: DateTime<Utc>,
}

/// A payment's movements, oldest first.
///
/// # Errors
/// The database's.
pub async fn list_of_payment(
    connection: &mut PgConnection,
    payment: PaymentId,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select kind as "kind: Kind", reference, amount_minor, currency as "currency: Currency", at
        from booking.ledger
        where payment_id = $1 and bucket = $2
        order by at, array_position(array['authorised', 'captured', 'voided', 'refunded'], kind), reference
        "#,
        payment.uuid(),
        payment.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    let entry = |kind, reference, money, at| Entry { kind, reference, money, at };
    Ok(rows
        .into_iter()
        .map(|row| entry(row.kind, row.reference, Money::new(row.amount_minor, row.currency), row.at))
        .collect())
}
