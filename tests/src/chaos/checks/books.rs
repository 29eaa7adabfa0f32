//! The gateway's books against ours: the witness for the money.

use crate::chaos::{witness::Violation, world::World};
use anyhow::Context;
use api::reconcile::{Options, Walk};
use chrono::{TimeDelta, Utc};
use steps::gateway::{Gateway, HttpConfig, stripe::Stripe};

/// Every difference, and whatever the gateway did twice.
pub(in super::super) async fn check_books(world: &World) -> anyhow::Result<Vec<Violation>> {
    let books = world.gateway.books().await?;
    let mut found = Vec::new();
    let mut broken = |rule: &str, detail: String| found.push(Violation { rule: rule.into(), detail });
    for (what, count) in books.doubles.iter().filter(|(_, count)| **count > 0) {
        broken("done_twice", format!("{what}: {count}"));
    }
    let kept: i64 = books.sums.values().map(|sums| sums.kept).sum();
    let held: i64 = books.sums.values().map(|sums| sums.authorised).sum();
    let booked = "select coalesce(sum(r.amount_minor), 0)::bigint
        from booking.bookings b join booking.reservations r on r.id = b.reservation_id
        where b.status = 'CONFIRMED'";
    let booked: i64 = sqlx::query_scalar(booked).fetch_one(world.pool()).await?;
    if kept != booked {
        broken("money", format!("the gateway keeps {kept}, the confirmed bookings cost {booked}"));
    }
    if held != 0 {
        broken("money", format!("the gateway still holds {held}"));
    }
    for difference in reconcile(world).await? {
        broken("reconciliation", difference);
    }
    Ok(found)
}

/// The reconciliation itself, with everything of this run looked at and nothing written.
async fn reconcile(world: &World) -> anyhow::Result<Vec<String>> {
    let adapter = Stripe::new(HttpConfig::new(&world.gateway.url, world.gateway.key()))?;
    let now = Utc::now();
    let options = Options {
        since: now - TimeDelta::hours(1),
        until: now + TimeDelta::seconds(2),
        settled_after: TimeDelta::zero(),
        write_cases: false,
    };
    let mut walk = Walk::begin(world.pool().clone(), Gateway::new(adapter), options).await?;
    walk.prepare().await.context("preparing the reconciliation")?;
    while walk.slice().await.context("reconciling")? {}
    walk.finish().await.context("finishing the reconciliation")?;
    let differences = walk.report().differences.iter();
    Ok(differences.map(|difference| format!("{difference:?}")).collect())
}
