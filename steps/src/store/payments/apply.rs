//! Writing news down: for a batch of payments one locked look and one write, ledger included.

use super::news::{Change, Contradiction, News, advance};
use crate::PaymentId;
use crate::money::{Currency, Money};
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::Kind;
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
    let mut payments = lock(connection, news).await?;
    let mut changes = Changes::default();
    let applied = news
        .iter()
        .map(|(id, news)| {
            payments.get_mut(id).map_or(Applied::Unknown, |payment| changes.add(*id, payment, news))
        })
        .collect();
    changes.write(connection, now).await?;
    Ok(applied)
}

struct Payment {
    status: PaymentStatus,
    money: MoneyState,
    amount: Money,
    reference: Option<String>,
    failure: Option<String>,
}

async fn lock(
    connection: &mut PgConnection,
    news: &[(PaymentId, News)],
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    let wanted: BTreeSet<PaymentId> = news.iter().map(|(id, _)| *id).collect();
    let (ids, buckets) = keys(wanted.into_iter().map(PaymentId::uuid));
    let rows =
        sqlx::query_file!("src/store/sql/lock_payments.sql", &ids, &buckets).fetch_all(connection).await?;
    let payment = |row_amount, currency, status, money, reference| Payment {
        status,
        money,
        amount: Money::new(row_amount, currency),
        reference,
        failure: None,
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let id = PaymentId::from_uuid(row.id);
            (id, payment(row.amount_minor, row.currency, row.status, row.money, row.gateway_reference))
        })
        .collect())
}

/// What is to be written, in the order of the payments' keys.
#[derive(Default)]
struct Changes {
    rows: BTreeMap<PaymentId, Row>,
    entries: Vec<(PaymentId, Kind, String, Money)>,
}

struct Row {
    status: PaymentStatus,
    money: MoneyState,
    reference: Option<String>,
    failure: Option<String>,
}

impl Changes {
    fn add(&mut self, id: PaymentId, payment: &mut Payment, news: &News) -> Applied {
        let Change { status, money, entries } =
            match advance(payment.money, payment.status, payment.amount, news) {
                Err(contradiction) => return Applied::Contradicts(contradiction),
                Ok(None) => return Applied::Nothing { status: payment.status },
                Ok(Some(change)) => change,
            };
        (payment.status, payment.money) = (status, money);
        if payment.reference.is_none() {
            payment.reference = news.reference().map(str::to_owned);
        }
        if let News::Failed { reason } = news {
            payment.failure = Some(reason.clone());
        }
        for kind in entries {
            let reference = match (kind, news) {
                (Kind::Refunded, News::Refunded { refund, .. }) => Some(refund.clone()),
                _ => payment.reference.clone(),
            };
            self.entries.push((id, *kind, reference.unwrap_or_default(), payment.amount));
        }
        let row = Row {
            status,
            money,
            reference: payment.reference.clone(),
            failure: payment.failure.clone().filter(|_| status == PaymentStatus::Failed),
        };
        self.rows.insert(id, row);
        Applied::Changed { status, money }
    }

    async fn write(mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.entries.sort_by_key(|(id, ..)| *id);
        let (ids, buckets) = keys(self.rows.keys().map(|id| id.uuid()));
        let (entry_ids, entry_buckets) = keys(self.entries.iter().map(|(id, ..)| id.uuid()));
        let text = |text: &dyn Fn(&Row) -> &'static str| -> Vec<String> {
            self.rows.values().map(|row| text(row).to_owned()).collect()
        };
        let entry_text = |text: &dyn Fn(Kind) -> &'static str| -> Vec<String> {
            self.entries.iter().map(|(_, kind, ..)| text(*kind).to_owned()).collect()
        };
        let currency = |currency: Currency| currency.as_str().to_owned();
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
            &entry_text(&|kind| kind.as_str()),
            &self.entries.iter().map(|(_, _, reference, _)| reference.clone()).collect::<Vec<_>>(),
            &entry_text(&|kind| kind.accounts().0),
            &entry_text(&|kind| kind.accounts().1),
            &self.entries.iter().map(|(.., money)| money.amount).collect::<Vec<_>>(),
            &self.entries.iter().map(|(.., money)| currency(money.currency)).collect::<Vec<_>>(),
            now,
        )
        .fetch_one(connection)
        .await?;
        expect_rows("news of payments", self.rows.len(), counts.advanced)?;
        expect_rows("the ledger", self.entries.len(), counts.entered)
    }
}
