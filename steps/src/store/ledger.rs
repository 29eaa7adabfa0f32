//! `booking.ledger`: the movements of money, one row for each. Rows are written with the payment and never changed.

use crate::money::{Currency, Money};
use crate::store::{StoreError, keys};
use crate::{PaymentId, status::status};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

status! {
    /// A movement of money between two [`Account`]s.
    Kind {
        /// The customer's bank holds it for us.
        Authorised = "authorised",
        /// It was captured: we have it.
        Captured = "captured",
        /// The held money was released.
        Voided = "voided",
        /// It was decided to give it back.
        RefundOwed = "refund_owed",
        /// The gateway has acknowledged a refund of it.
        Refunded = "refunded",
        /// A refund that was acknowledged failed later: owed again.
        RefundFailed = "refund_failed",
        /// A refund that failed was not decided here, so it is not owed.
        RefundWithdrawn = "refund_withdrawn",
        /// The customer's bank took it back while a dispute runs.
        Disputed = "disputed",
        /// The dispute was decided for us.
        DisputeWon = "dispute_won",
        /// The dispute was decided for the customer.
        DisputeLost = "dispute_lost",
        /// The customer's bank took it although it was not with us any more, or is owed.
        DisputeWithheld = "dispute_withheld",
        /// The dispute was decided for us, and the bank gave that back.
        DisputeReleased = "dispute_released",
        /// The dispute was decided for the customer, who keeps that too.
        DisputePaid = "dispute_paid",
        /// What the customer got out of our own pocket is set against what was owed.
        SetOff = "set_off",
        /// A refund of more than was left of the payment.
        RefundExcess = "refund_excess",
        /// Such a refund failed later.
        RefundExcessFailed = "refund_excess_failed",
    }
}

status! {
    /// An account, which says where money is.
    Account {
        /// The customer's bank.
        Customer = "customer",
        /// The customer's bank, held for us.
        Held = "held",
    /// We have it.
        Taken = "taken",
        /// We have it and owe it: a refund is decided and not yet acknowledged. Zero at rest.
        Owed = "owed",
        /// Withdrawn by the customer's bank while a dispute runs.
        Disputed = "disputed",
        /// Our own pocket. What leaves it was never this payment's.
        Own = "own",
        /// Taken out of our own pocket while a dispute runs.
        Withheld = "withheld",
    }
}

impl Kind {
    /// The accounts it moves money from and to.
    pub fn accounts(self) -> (Account, Account) {
        use Account::{Customer, Disputed, Held, Owed, Own, Taken, Withheld};
        match self {
            Self::Authorised => (Customer, Held),
            Self::Captured => (Held, Taken),
            Self::Voided => (Held, Customer),
            Self::RefundOwed => (Taken, Owed),
            Self::Refunded => (Owed, Customer),
            Self::RefundFailed => (Customer, Owed),
            Self::RefundWithdrawn => (Owed, Taken),
            Self::Disputed => (Taken, Disputed),
            Self::DisputeWon => (Disputed, Taken),
            Self::DisputeLost => (Disputed, Customer),
            Self::DisputeWithheld => (Own, Withheld),
            Self::DisputeReleased => (Withheld, Own),
            Self::DisputePaid => (Withheld, Customer),
            Self::SetOff => (Owed, Own),
            Self::RefundExcess => (Own, Customer),
            Self::RefundExcessFailed => (Customer, Own),
        }
    }
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the movement.
    pub kind: Kind,
    /// The gateway's name for it; for a decision of ours the saga that took it.
    pub reference: String,
    /// The account that the money leaves. Rows of the first migrations have `taken` for [`Kind::Refunded`].
    pub from: Account,
    /// The account that the money goes to.
    pub to: Account,
    /// The amount that moves; above zero.
    pub money: Money,
    /// When it was recorded.
    pub at: DateTime<Utc>,
}

/// The balance of an account after these movements, in minor units.
pub fn balance<'a>(entries: impl IntoIterator<Item = &'a Entry>, account: Account) -> i64 {
    let side = |entry: &Entry, of: Account| if of == account { entry.money.amount } else { 0 };
    entries.into_iter().map(|entry| side(entry, entry.to) - side(entry, entry.from)).sum()
}

/// A payment's movements, oldest first.
///
/// # Errors
/// The database failed.
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
