//! What clients were told against what is.

use crate::chaos::{
    plan::Kind,
    witness::{Told, Violation},
};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that somebody was told and that isn't so. What is still on its way at the end may be on its way there.
pub(in super::super) async fn check_told(
    pool: &PgPool,
    told: &Told,
    is_at_rest: bool,
) -> anyhow::Result<Vec<Violation>> {
    let reservations = statuses(pool, "select id, status from booking.reservations").await?;
    let bookings = statuses(pool, "select id, status from booking.bookings").await?;
    let mut found = Vec::new();
    let mut broken = |rule: &str, detail: String| found.push(Violation { rule: rule.into(), detail });
    for id in &told.reserved {
        if !reservations.contains_key(id) {
            broken("told_reserved", format!("reservation {id} does not exist"));
        }
    }
    let given_back: BTreeSet<_> = told.given_back.iter().collect();
    for (reservation, id) in &told.booked {
        let expected = if given_back.contains(id) { "CANCELLED" } else { "CONFIRMED" };
        match bookings.get(id).map(String::as_str) {
            Some(status) if status == expected => {}
            // Asked for, and answered that the decision was under way.
            Some("CANCELLED") if expected == "CONFIRMED" && is_undecided(told) => {}
            status => {
                broken("told_booked", format!("booking {id} of {reservation} is {status:?}, not {expected}"))
            }
        }
    }
    for id in &told.cancelled {
        match reservations.get(id).map(String::as_str) {
            // It may have been on its way back for another reason already: 204 says that it is given back, now or before.
            Some("CANCELLED" | "EXPIRED") => {}
            Some("PENDING") if !is_at_rest => {}
            status => broken("told_cancelled", format!("reservation {id} is {status:?}")),
        }
    }
    for id in &told.declined {
        if reservations.get(id).is_some_and(|status| status == "CONFIRMED") {
            broken("told_declined", format!("reservation {id} is CONFIRMED"));
        }
    }
    Ok(found)
}

/// Whether somebody who gave a booking back was not told what came of it.
fn is_undecided(told: &Told) -> bool {
    told.ends.keys().any(|(kind, how)| *kind == Kind::GivenBack && *how != "given back")
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
        let told =
            Told { reserved: vec![id], booked: vec![(id, id)], cancelled: vec![id], ..Told::default() };
        let found = check_told(&pool, &told, true).await.unwrap();
        let rules: Vec<_> = found.iter().map(|violation| violation.rule.as_str()).collect();
        assert_eq!(rules, ["told_reserved", "told_booked", "told_cancelled"]);
        assert!(check_told(&pool, &Told::default(), true).await.unwrap().is_empty());
    }
}
