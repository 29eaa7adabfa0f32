//! The gateway's books against ours: the witness for the money.

use crate::chaos::{witness::Violation, world::World};
use anyhow::Context;
use chrono::{TimeDelta, Utc};
use operator::By;
use service::reconcile::{Class, Options, Report, Walk, store::cases, tell_nodes};
use steps::gateway::{Gateway, HttpConfig, stripe::Stripe};
use uuid::Uuid;

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
    let report = reconcile(world, false).await?;
    for difference in &report.differences {
        broken("reconciliation", format!("{difference:?}"));
    }
    Ok(found)
}

/// Tells the nodes of money whose webhook was lost, as an operator does. Only a second payment in another tab may
/// need it, because no job polls for one. Gives how many payments the nodes were told of.
pub(in super::super) async fn tell_of_lost_news(world: &World, paid_again: &[Uuid]) -> anyhow::Result<usize> {
    /// More than customers who pay again in any run of some minutes.
    const CASES_MAX: i64 = 1_000;
    reconcile(world, true).await?;
    let mut connection = world.pool().acquire().await?;
    let open =
        cases::list(&mut connection, Some("OPEN"), Some(Class::MoneyWithoutBooking), CASES_MAX).await?;
    let mut told = 0;
    for case in open.iter().filter(|case| case.reservation_id.is_some_and(|id| paid_again.contains(&id))) {
        let by = By::new("olga", "its webhook was lost");
        tell_nodes(world.pool(), &gateway(world)?, case, &by, Utc::now()).await?;
        told += 1;
    }
    Ok(told)
}

/// The reconciliation itself, with everything of this run looked at.
async fn reconcile(world: &World, write_cases: bool) -> anyhow::Result<Report> {
    let now = Utc::now();
    let options = Options {
        since: now - TimeDelta::hours(1),
        until: now + TimeDelta::seconds(2),
        settled_after: TimeDelta::zero(),
        write_cases,
    };
    let mut walk = Walk::begin(world.pool().clone(), gateway(world)?, options).await?;
    walk.prepare().await.context("preparing the reconciliation")?;
    while walk.slice().await.context("reconciling")? {}
    walk.finish().await.context("finishing the reconciliation")?;
    Ok(walk.report().clone())
}

/// The gateway without its proxies.
fn gateway(world: &World) -> anyhow::Result<Gateway> {
    Ok(Gateway::new(Stripe::new(HttpConfig::new(&world.gateway.url, world.gateway.key()))?))
}
