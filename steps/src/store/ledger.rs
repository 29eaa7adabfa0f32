//! `booking.ledger`: where the money went, one row a movement. Written with the payment, never changed.

use crate::money::{Currency, Money};
use crate::store::{StoreError, keys};
use crate::{PaymentId, status::status};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

status! {
    /// A movement of money between two [`Account`]s.
    Kind {
        /// The customer's bank has set it aside for us.
        Authorised = "authorised",
        /// It is with us.
        Captured = "captured",
        /// What was set aside was let go.
        Voided = "voided",
        /// It was decided to give it back.
        RefundOwed = "refund_owed",
        /// The gateway has acknowledged a refund of it.
        Refunded = "refunded",
        /// A refund that was acknowledged failed later: owed again.
        RefundFailed = "refund_failed",
        /// The customer's bank took it back while a dispute runs.
        Disputed = "disputed",
        /// The dispute was decided for us.
        DisputeWon = "dispute_won",
        /// The dispute was decided for the customer.
        DisputeLost = "dispute_lost",
    }
}

status! {
    /// Where money is.
    Account {
        /// With the customer's bank.
        Customer = "customer",
        /// Set aside there for us.
        Held = "held",
        /// With us.
        Taken = "taken",
        /// With us, and to go back: a refund is decided and not yet acknowledged. Zero at rest.
        Owed = "owed",
        /// Withdrawn by the customer's bank while a dispute runs.
        Disputed = "disputed",
    }
}

impl Kind {
    /// The accounts it moves money from and to.
    pub fn accounts(self) -> (Account, Account) {
        use Account::{Customer, Disputed, Held, Owed, Taken};
        match self {
            Self::Authorised => (Customer, Held),
            Self::Captured => (Held, Taken),
            Self::Voided => (Held, Customer),
            Self::RefundOwed => (Taken, Owed),
            Self::Refunded => (Owed, Customer),
            Self::RefundFailed => (Customer, Owed),
            Self::Disputed => (Taken, Disputed),
            Self::DisputeWon => (Disputed, Taken),
            Self::DisputeLost => (Disputed, Customer),
        }
    }
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What moved.
    pub kind: Kind,
    /// The gateway's name for it; for a decision of ours the saga that took it.
    pub reference: String,
    /// From where. Rows of the first migrations have `taken` for what is [`Kind::Refunded`].
    pub from: Account,
    /// Where to.
    pub to: Account,
    /// How much.
    pub money: Money,
    /// When it was written down.
    pub at: DateTime<Utc>,
}

/// What these movements leave on an account, in minor units.
pub fn balance<'a>(entries: impl IntoIterator<Item = &'a Entry>, account: Account) -> i64 {
    let side = |entry: &Entry, of: Account| if of == account { entry.money.amount } else { 0 };
    entries.into_iter().map(|entry| side(entry, entry.to) - side(entry, entry.from)).sum()
}

/// A payment's movements, oldest first.
///
/// # Errors
/// The database's.
pub async fn list_of_payment(
    connection: &mut PgConnection,
    payment: PaymentId,
) -> Result<Vec<Entry>, StoreError> {
    let mut found = list_of_payments(connection, &BTreeSet::from([payment])).await?;
    Ok(found.remove(&payment).unwrap_or_default())
}

/// The movements of several payments, each oldest first.
pub(super) async fn list_of_payments(
    connection: &mut PgConnection,
    payments: &BTreeSet<PaymentId>,
) -> Result<HashMap<PaymentId, Vec<Entry>>, StoreError> {
    let (ids, buckets) = keys(payments.iter().map(|payment| payment.uuid()));
    let rows = sqlx::query!(
        r#"
        select
            l.payment_id, l.kind as "kind: Kind", l.reference, l.from_account as "from: Account",
            l.to_account as "to: Account", l.amount_minor, l.currency as "currency: Currency", l.at
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join booking.ledger as l on l.payment_id = wanted.id and l.bucket = wanted.bucket
        order by l.payment_id, l.at, array_position(array['authorised', 'captured', 'voided', 'refund_owed'], l.kind),
            l.kind, l.reference
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<PaymentId, Vec<Entry>> = HashMap::new();
    for row in rows {
        found.entry(PaymentId::from_uuid(row.payment_id)).or_default().push(Entry {
            kind: row.kind,
            reference: row.reference,
            from: row.from,
            to: row.to,
            money: Money::new(row.amount_minor, row.currency),
            at: row.at,
        });
    }
    Ok(found)
}
