//! Writing news down: for a batch of payments one locked look and one write, ledger included.

use super::news::{Contradiction, News, advance};
use super::standing::Standing;
use crate::PaymentId;
use crate::money::{Currency, Money};
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::{Entry, list_of_payments};
use crate::store::{StoreError, expect_rows, keys};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What became of a piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The payment has moved on.
    Changed {
        /// To this status.
        status: PaymentStatus,
        /// And this state of the money.
        money: MoneyState,
    },
    /// It was known, or older than what is known.
    Nothing {
        /// Where the payment stands.
        status: PaymentStatus,
    },
    /// It contradicts what we know; nothing was written.
    Contradicts(Contradiction),
    /// There is no such payment.
    Unknown,
}

/// Applies news in the order given, each to its payment, with the ledger's rows in the same statement.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn apply_all(
    connection: &mut PgConnection,
    news: &[(PaymentId, News)],
    now: DateTime<Utc>,
) -> Result<Vec<Applied>, StoreError> {
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let mut payments = look(connection, news).await?;
    let mut changes = Changes::at(now);
    let applied = news
        .iter()
        .map(|(id, news)| {
            payments.get_mut(id).map_or(Applied::Unknown, |payment| changes.add(*id, payment, news))
        })
        .collect();
    changes.write(connection).await?;
    Ok(applied)
}

/// The payments as news finds them, locked; their movements too where news needs them.
async fn look(
    connection: &mut PgConnection,
    news: &[(PaymentId, News)],
) -> Result<HashMap<PaymentId, Standing>, StoreError> {
    let wanted: Vec<PaymentId> = news.iter().map(|(id, _)| *id).collect();
    let mut standing = lock(connection, &wanted).await?;
    // Read after the lock, so that nothing can be added to it meanwhile.
    let told: BTreeSet<PaymentId> =
        news.iter().filter(|(_, news)| news.needs_ledger()).map(|(id, _)| *id).collect();
    let ledgers = if told.is_empty() { HashMap::new() } else { list_of_payments(connection, &told).await? };
    for (id, ledger) in ledgers {
        if let Some(payment) = standing.get_mut(&id) {
            payment.ledger = ledger;
        }
    }
    Ok(standing)
}

/// The payments' rows, locked in the order of their keys; without their movements.
pub(super) async fn lock(
    connection: &mut PgConnection,
    payments: &[PaymentId],
) -> Result<HashMap<PaymentId, Standing>, StoreError> {
    let wanted: BTreeSet<PaymentId> = payments.iter().copied().collect();
    let (ids, buckets) = keys(wanted.into_iter().map(PaymentId::uuid));
    let rows =
        sqlx::query_file!("src/store/sql/lock_payments.sql", &ids, &buckets).fetch_all(connection).await?;
    let standing = rows.into_iter().map(|row| {
        let payment = Standing {
            status: row.status,
            money: row.money,
            amount: Money::new(row.amount_minor, row.currency),
            refunded_minor: row.refunded_minor,
            disputed: row.disputed,
            reference: row.gateway_reference,
            failure: None,
            ledger: Vec::new(),
        };
        (PaymentId::from_uuid(row.id), payment)
    });
    Ok(standing.collect())
}

/// What is to be written, in the order of the payments' keys.
struct Changes {
    now: DateTime<Utc>,
    rows: BTreeMap<PaymentId, PaymentColumns>,
    entries: Vec<(PaymentId, Entry)>,
}

/// What a payment's row is to say.
struct PaymentColumns {
    status: PaymentStatus,
    money: MoneyState,
    reference: Option<String>,
    failure: Option<String>,
    refunded_minor: i64,
    disputed: bool,
}

impl Changes {
    fn at(now: DateTime<Utc>) -> Self {
        Self { now, rows: BTreeMap::new(), entries: Vec::new() }
    }

    fn add(&mut self, id: PaymentId, payment: &mut Standing, news: &News) -> Applied {
        let change = match advance(payment, news) {
            Err(contradiction) => return Applied::Contradicts(contradiction),
            Ok(None) => return Applied::Nothing { status: payment.status },
            Ok(Some(change)) => change,
        };
        if payment.reference.is_none() {
            payment.reference = news.reference().map(str::to_owned);
        }
        if let News::Failed { reason } | News::NeverCaptured { reason } = news {
            payment.failure = Some(reason.clone());
        }
        let entries = payment.become_of(change, self.now);
        self.entries.extend(entries.into_iter().map(|entry| (id, entry)));
        let Standing { status, money, refunded_minor, disputed, .. } = *payment;
        let row = PaymentColumns {
            status,
            money,
            reference: payment.reference.clone(),
            failure: payment.failure.clone().filter(|_| status == PaymentStatus::Failed),
            refunded_minor,
            disputed,
        };
        self.rows.insert(id, row);
        Applied::Changed { status, money }
    }

    async fn write(mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.entries.sort_by_key(|(id, _)| *id);
        let (ids, buckets) = keys(self.rows.keys().map(|id| id.uuid()));
        let (entry_ids, entry_buckets) = keys(self.entries.iter().map(|(id, _)| id.uuid()));
        let text = |text: &dyn Fn(&PaymentColumns) -> &'static str| -> Vec<String> {
            self.rows.values().map(|row| text(row).to_owned()).collect()
        };
        let entry_text = |text: &dyn Fn(&Entry) -> String| -> Vec<String> {
            self.entries.iter().map(|(_, entry)| text(entry)).collect()
        };
        let counts = sqlx::query_file!(
            "src/store/sql/advance_payments.sql",
            &ids,
            &buckets,
            &text(&|row| row.status.as_str()),
            &text(&|row| row.money.as_str()),
            &self.rows.values().map(|row| row.reference.clone()).collect::<Vec<_>>() as &[Option<String>],
            &self.rows.values().map(|row| row.failure.clone()).collect::<Vec<_>>() as &[Option<String>],
            &entry_ids,
            &entry_buckets,
            &entry_text(&|entry| entry.kind.as_str().to_owned()),
            &entry_text(&|entry| entry.reference.clone()),
            &entry_text(&|entry| entry.from.as_str().to_owned()),
            &entry_text(&|entry| entry.to.as_str().to_owned()),
            &self.entries.iter().map(|(_, entry)| entry.money.amount).collect::<Vec<_>>(),
            &entry_text(&|entry| entry.money.currency.as_str().to_owned()),
            self.now,
            &self.rows.values().map(|row| row.refunded_minor).collect::<Vec<_>>(),
            &self.rows.values().map(|row| row.disputed).collect::<Vec<_>>(),
        )
        .fetch_one(connection)
        .await?;
        expect_rows("news of payments", self.rows.len(), counts.advanced)?;
        expect_rows("the ledger", self.entries.len(), counts.entered)
    }
}
