//! What clients were told against what is.

use crate::chaos::{
    plan::Kind,
    witness::{Testimony, Violation},
};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that a client was told and that isn't true. What is not at rest may still become true.
pub(in super::super) async fn check_testimony(
    pool: &PgPool,
    testimony: &Testimony,
    is_at_rest: bool,
) -> anyhow::Result<Vec<Violation>> {
    let reservations = statuses(pool, "select id, status from booking.reservations").await?;
    let bookings = statuses(pool, "select id, status from booking.bookings").await?;
    let mut found = Vec::new();
    let mut broken = |rule: &str, detail: String| found.push(Violation { rule: rule.into(), detail });
    for id in &testimony.reserved {
        if !reservations.contains_key(id) {
            broken("told_reserved", format!("reservation {id} does not exist"));
        }
    }
    let given_back: BTreeSet<_> = testimony.given_back.iter().collect();
    for (reservation, id) in &testimony.booked {
        let expected = if given_back.contains(id) { "CANCELLED" } else { "CONFIRMED" };
        match bookings.get(id).map(String::as_str) {
            Some(status) if status == expected => {}
            // Somebody asked for a cancellation and was only told that the decision was under way.
            Some("CANCELLED") if expected == "CONFIRMED" && is_undecided(testimony) => {}
            status => {
                broken("told_booked", format!("booking {id} of {reservation} is {status:?}, not {expected}"))
            }
        }
    }
    for id in &testimony.cancelled {
        match reservations.get(id).map(String::as_str) {
            // The saga may have been unwinding for another reason: 204 says that the seats are given back.
            Some("CANCELLED" | "EXPIRED") => {}
            Some("PENDING") if !is_at_rest => {}
            status => broken("told_cancelled", format!("reservation {id} is {status:?}")),
        }
    }
    for id in &testimony.declined {
        if reservations.get(id).is_some_and(|status| status == "CONFIRMED") {
            broken("told_declined", format!("reservation {id} is CONFIRMED"));
        }
    }
    Ok(found)
}

/// Whether somebody who gave a booking back was not told what came of it.
fn is_undecided(testimony: &Testimony) -> bool {
    testimony.ends.keys().any(|(kind, how)| *kind == Kind::GivenBack && *how != "given back")
}

async fn statuses(pool: &PgPool, sql: &'static str) -> anyhow::Result<BTreeMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(sql).fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Database;

    #[tokio::test]
    async fn whatever_was_told_and_is_not_there_is_found() {
        let database = Database::fresh().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let id = Uuid::now_v7();
        let testimony = Testimony {
            reserved: vec![id],
            booked: vec![(id, id)],
            cancelled: vec![id],
            ..Testimony::default()
        };
        let found = check_testimony(&pool, &testimony, true).await.unwrap();
        let rules: Vec<_> = found.iter().map(|violation| violation.rule.as_str()).collect();
        assert_eq!(rules, ["told_reserved", "told_booked", "told_cancelled"]);
        assert!(check_testimony(&pool, &Testimony::default(), true).await.unwrap().is_empty());
    }
}
