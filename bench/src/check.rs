//! Checks after a round that everything that was sold is really sold, once, and paid.

use crate::sale::{CURRENCY, PRICE_MINOR};
use anyhow::ensure;
use sqlx::PgConnection;
use steps::{
    BookingId,
    gateway::{IntentStatus, instant::Books},
};
use uuid::Uuid;

/// Checks the tables. `told` are the bookings that the sellers were told of.
///
/// # Errors
/// What is wrong, and how often.
pub(crate) async fn rows(connection: &mut PgConnection, told: &[BookingId]) -> anyhow::Result<()> {
    // The tables are too new to have statistics, and without them the planner would choose slow nested loops.
    sqlx::raw_sql("set enable_nestloop = off").execute(&mut *connection).await?;
    let told: Vec<Uuid> = told.iter().map(|booking| booking.uuid()).collect();
    let found = sqlx::query_file!("src/check.sql", &told, PRICE_MINOR).fetch_one(connection).await?;
    let wrong = [
        ("sagas are not completed", found.restless),
        ("sagas have no confirmed booking, or several", found.bookings_differ),
        ("bookings were told to a seller and don't exist", found.told_missing),
        ("confirmed bookings were told to nobody", found.untold),
        ("seats are in two confirmed bookings", found.seats_doubled),
        ("confirmed bookings don't own their seat", found.seats_not_owned),
        ("confirmed bookings have no captured payment of the seat's price", found.unpaid),
        ("payments have a ledger that doesn't say authorised, then captured", found.ledger_differs),
    ];
    for (what, count) in wrong {
        ensure!(count == 0, "the round is worthless: {count} {what}");
    }
    Ok(())
}

/// Checks the gateway's books: each booking's money was taken, once, and none went back.
///
/// # Errors
/// What is wrong.
pub(crate) fn money(books: &Books, bookings: usize) -> anyhow::Result<()> {
    let (sums, due) = (books.sums(CURRENCY), bookings as i64 * PRICE_MINOR);
    ensure!(
        (sums.authorised, sums.captured, sums.refunded) == (due, due, 0),
        "the round is worthless: {bookings} bookings cost {due}, the gateway's books say {sums:?}"
    );
    // The books keep the latest entries whole and the older ones in their sums.
    let odd = books.entries().filter(|entry| {
        entry.secured != 1 || entry.intent.status != IntentStatus::Succeeded || !entry.refunds.is_empty()
    });
    let odd = odd.count();
    ensure!(odd == 0, "the round is worthless: {odd} payments were not secured once and captured");
    Ok(())
}
